"""Any image, explained now: every chosen cell of a study, saliency first. Nothing is written to disk."""

import os
import threading
from collections import OrderedDict
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.attribution import METHODS, explain, relevance
from core.cells import Cell
from core.data.photos import square
from core.data.regions import superpixels
from core.errors import UserError, unknown
from core.inputs import as_input
from core.measures import rank_alignment
from core.models import Header, load_model, read_header
from core.parts import importance
from core.study import Study

SEGMENTS = 16
MODEL_BYTES = 600_000_000
"""What networks kept in memory may take together; the least recently used go first."""


@dataclass(frozen=True)
class Scene:
    """An image as the networks of a study get it, cut into superpixels."""

    image: np.ndarray
    """(S, S, 3) uint8 RGB."""
    part_map: np.ndarray
    """(S, S) uint8: p + 1 on part p."""
    parts: tuple[str, ...]


@dataclass(frozen=True)
class CellResult:
    """What one cell says of an image, and where it looked, by one method."""

    cell: Cell
    method: str
    predicted: int
    probability: float
    target: int
    """The class whose logit is explained."""
    map: np.ndarray
    """(S, S) float32, signed where the method is."""
    gap: float
    """Relative completeness gap; NaN where the method has none."""
    density: np.ndarray
    """(P,) mean relevance per pixel of every part."""
    alignment: float
    """Spearman's ρ with the teacher's density over the parts; NaN where undefined."""


def scene_of(study: Study, photo: np.ndarray) -> Scene:
    """Return the middle square of a photo (H, W, 3) uint8 at the study's size, and its superpixels."""
    image = square(photo, study.config.data.image_size)
    part_map = superpixels(image, SEGMENTS)
    return Scene(image, part_map, tuple(f"region {p}" for p in range(1, int(part_map.max()) + 1)))


def with_teacher(study: Study, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells in order, the teacher first, each once."""
    return list(dict.fromkeys([study.teacher, *cells]))


def explain_image(
    study: Study,
    scene: Scene,
    cells: Sequence[Cell],
    methods: Sequence[str],
    target: str = "teacher",
    points: int | None = None,
) -> Generator[CellResult]:
    """Explain an image through cells of a study: all of them by the quickest method, then by the next.

    Parameters
    ----------
    study : Study
        Its networks are read, and kept in memory within `MODEL_BYTES`.
    scene : Scene
        From `scene_of`.
    cells : sequence of Cell
        The teacher comes first, and also where it is not among them.
    methods : sequence of str
        Of `core.attribution.METHODS`; saliency is done first whatever the order.
    target : str
        "teacher": the teacher's top class, for all. "own": each network's own. Or the name of a class.
    points : int, optional
        Of integrated gradients; the study's when None.

    Yields
    ------
    CellResult
        One a cell and method, as soon as it is there. Closing the iterator drops what has not begun.

    Raises
    ------
    UserError
        An unknown method or target, or a network that is missing or damaged.
    """
    for method in methods:
        if method not in METHODS:
            raise unknown("method", method, METHODS)
    # One gradient against dozens: the first overlays are there at once.
    quickest_first = sorted(dict.fromkeys(methods), key=lambda method: METHODS[method].signed)
    path = study.path("models", study.teacher)
    explained: int | None = None
    if target == "teacher":
        # In the pool as well: two threads in one small network come to a halt on busy cores.
        explained = _pool().submit(lambda: _predict(*network(path), scene)[0]).result()
    elif target != "own":
        explained = _class_named(target, read_header(path).classes)
    count = study.config.explain.points if points is None else points

    def job(cell: Cell, method: str) -> CellResult:
        return _explain(study, scene, cell, method, explained, count)

    for method in quickest_first:
        waiting: list[Future[CellResult]] = []
        try:
            waiting = [_pool().submit(job, cell, method) for cell in with_teacher(study, cells)]
            reference = waiting[0].result().density
            for future in waiting:
                yield _aligned(future.result(), reference)
        finally:
            for future in waiting:
                future.cancel()


def as_json(results: Sequence[CellResult], scene: Scene, classes: Sequence[str]) -> dict[str, Any]:
    """Return results as plain values for a JSON file; undefined numbers are null."""
    return {
        "parts": list(scene.parts),
        "image_size": len(scene.image),
        "results": [
            {
                "cell": result.cell.name,
                "method": result.method,
                "predicted": classes[result.predicted],
                "probability": round(result.probability, 6),
                "explained": classes[result.target],
                "completeness_gap": _number(result.gap),
                "rank_alignment": _number(result.alignment),
                "density": {name: _number(v) for name, v in zip(scene.parts, result.density, strict=True)},
            }
            for result in results
        ],
    }


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _class_named(name: str, classes: Sequence[str]) -> int:
    if name == "label" and name not in classes:
        raise UserError('An image from outside has no label: choose "teacher", "own" or the name of a class.')
    if name not in classes:
        raise unknown("class", name, classes)
    return classes.index(name)


def _explain(study: Study, scene: Scene, cell: Cell, method: str, target: int | None, points: int) -> CellResult:
    model, header = network(study.path("models", cell))
    predicted, probability = _predict(model, header, scene)
    chosen = predicted if target is None else target
    found = explain(model, as_input(scene.image[None], header.mean, header.std), np.array([chosen]), method, points)
    mass, area = importance(relevance(found.maps, method), scene.part_map, len(scene.parts))
    return CellResult(
        cell, method, predicted, probability, chosen, found.maps[0], float(found.gap[0]), (mass / area)[0], np.nan
    )


def _aligned(result: CellResult, teacher_density: np.ndarray) -> CellResult:
    alignment = float(rank_alignment(teacher_density[None], result.density[None])[0])
    return CellResult(**{**vars(result), "alignment": alignment})


def _predict(model: nn.Module, header: Header, scene: Scene) -> tuple[int, float]:
    with torch.inference_mode():
        logits = model(as_input(scene.image[None], header.mean, header.std))[0]
    predicted = int(logits.argmax())
    return predicted, float(torch.softmax(logits, 0)[predicted])


@cache
def _pool() -> ThreadPoolExecutor:
    # One for the whole process: many visitors queue instead of slowing each other down. One thread a network, as
    # the operations of a small one are too short to share.
    threads = max(1, min(8, os.cpu_count() or 1))
    return ThreadPoolExecutor(threads, "explain", initializer=lambda: torch.set_num_threads(1))


_kept: OrderedDict[tuple[Path, str], tuple[nn.Module, Header, int]] = OrderedDict()
_lock = threading.Lock()


def network(path: Path) -> tuple[nn.Module, Header]:
    """Return a network from its file, or from memory where the same weights were read before. Safe across threads.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    key = (path.resolve(), read_header(path).digest)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][:2]
    model, header = load_model(path)
    size = sum(v.numel() * v.element_size() for v in model.state_dict().values())
    with _lock:
        _kept[key] = (model, header, size)
        while len(_kept) > 1 and sum(entry[2] for entry in _kept.values()) > MODEL_BYTES:
            _kept.popitem(last=False)
    return model, header
