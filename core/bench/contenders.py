"""The ways to explain one image that are timed side by side, and the clock."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.attribution import Explanation, Prepared, integrated_gradients, refine
from core.attribution.integrated_gradients import StopOn
from core.bench.quality import Errors, Truth

POINTS = 50
"""Captum's own number of Gauss–Legendre points."""
SIZES = (4, 5, 8, 10, 16, 25)
"""Internal batches tried for Captum."""
HOLD_POINTS: dict[StopOn, int] = {"map": 129, "regions": 65}
"""Levels up to about here say whether the error bars hold; regions settle sooner."""

LABELS = {
    "captum": "Captum's default",
    "captum_tuned": "Captum well tuned",
    "first_map": "ours, first level",
    "equal_map": "ours, map as right as Captum's",
    "equal_parts": "ours, parts as right as Captum's",
    "default_map": "ours, map, default tolerance",
    "default_parts": "ours, parts, default tolerance",
    "same_points": "ours, as many points",
}
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """A map (H, W), the gradients it took, and its error bars where it has any."""

    map: np.ndarray
    points: int
    difference: float = float("nan")
    region_difference: float = float("nan")


@dataclass(frozen=True)
class Level:
    """One level of refinement of one image: its error bars and its true errors."""

    level: int
    stop_on: StopOn
    """What was refined."""
    points: int
    difference: float
    region_difference: float
    errors: Errors


@dataclass(frozen=True)
class Task:
    """One image of one network, ready to be explained either way."""

    plain: nn.Module
    """As a user has it: parameters want gradients."""
    frozen: nn.Module
    network: Prepared
    image: Tensor
    target: Tensor
    regions: np.ndarray


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that a call takes, and what it gives."""
    start = time.perf_counter()
    given = work()
    return time.perf_counter() - start, given


def by_captum(model: nn.Module, image: Tensor, target: Tensor, batch: int | None = None, points: int = POINTS) -> Found:
    """Explain by Captum: all points in one batch, or `batch` at a time."""
    from captum.attr import IntegratedGradients

    options = {} if points == POINTS else {"n_steps": points}
    if batch is not None:
        options["internal_batch_size"] = batch
    attribution = IntegratedGradients(model).attribute(image, target=target, **options)
    return Found(attribution.detach().sum(dim=1)[0].cpu().numpy(), points)


def best_batch(model: nn.Module, image: Tensor, target: Tensor) -> tuple[int, dict[str, float]]:
    """Search for Captum's fastest internal batch: two full batches of each size, then all points of the best two.

    Returns
    -------
    int
        The best size.
    dict
        Seconds a point of every size tried; "50 points of 8" and the like are those of the final.
    """
    seconds = {n: timed(lambda n=n: by_captum(model, image, target, n, 2 * n))[0] / (2 * n) for n in SIZES}  # type: ignore[misc]
    final = sorted(seconds, key=lambda n: seconds[n])[:2]
    last = {n: timed(lambda n=n: by_captum(model, image, target, n))[0] / POINTS for n in final}  # type: ignore[misc]
    tried = {str(n): v for n, v in seconds.items()} | {f"{POINTS} points of {n}": v for n, v in last.items()}
    return min(last, key=lambda n: last[n]), tried


def levels(task: Task, truth: Truth, stop_on: StopOn, aim: float) -> tuple[list[Level], int]:
    """Refine until the true error is as small as its aim and the error bar was tried, or the engine's budget ends.

    Parameters
    ----------
    task : Task
    truth : Truth
    stop_on : "map" or "regions"
        What is refined, and whose error is to reach the aim.
    aim : float

    Returns
    -------
    list of Level
        All levels.
    int
        The first that is as right as wanted; the last where none is.
    """
    found: list[Level] = []
    reached: int | None = None
    for explanation in _refine(task, stop_on):
        mine = _found(explanation)
        errors = truth.errors(mine.map)
        error = errors.map if stop_on == "map" else errors.parts
        found.append(Level(len(found), stop_on, mine.points, mine.difference, mine.region_difference, errors))
        if reached is None and error <= aim:
            reached = len(found) - 1
        if mine.points >= HOLD_POINTS[stop_on] and reached is not None:
            break
    return found, len(found) - 1 if reached is None else reached


def contenders(task: Task, batch: int, map_level: int, parts_level: int) -> dict[str, Callable[[], Found]]:
    """Return the ways to explain an image, by name; each runs just as far as its name says."""
    image, target, network, regions = task.image, task.target, task.network, task.regions[None]

    def default_parts() -> Found:
        return _found(integrated_gradients(network, image, target, regions=regions, stop_on="regions"))

    return {
        **by_captum_both_ways(task, batch),
        "first_map": lambda: until(task, 0),
        "equal_map": lambda: until(task, map_level),
        "equal_parts": lambda: until(task, parts_level, "regions"),
        "default_map": lambda: _found(integrated_gradients(network, image, target)),
        "default_parts": default_parts,
    }


def same_points(task: Task, batch: int) -> dict[str, Callable[[], Found]]:
    """Return Captum's two ways, and ours with about as many points: for networks whose errors mean nothing."""

    def ours() -> Found:
        *_, last = refine(task.network, task.image, task.target, tolerance=0, budget=POINTS)
        return _found(last)

    return {**by_captum_both_ways(task, batch), "same_points": ours}


def by_captum_both_ways(task: Task, batch: int) -> dict[str, Callable[[], Found]]:
    """Return Captum's default, where this machine has the memory for it, and Captum well tuned."""
    ways = {
        "captum": lambda: by_captum(task.plain, task.image, task.target),
        "captum_tuned": lambda: by_captum(task.frozen, task.image, task.target, batch),
    }
    if POINTS * held_bytes(task.plain, task.image) > free_memory():
        del ways["captum"]
    return ways


def until(task: Task, level: int, stop_on: StopOn = "map") -> Found:
    """Refine an image up to a level, and no further."""
    *_, last = islice(_refine(task, stop_on), level + 1)
    return _found(last)


def _refine(task: Task, stop_on: StopOn) -> Iterator[Explanation]:
    regions = task.regions[None] if stop_on == "regions" else None
    return refine(task.network, task.image, task.target, regions=regions, stop_on=stop_on, tolerance=0)


def _found(explanation: Explanation) -> Found:
    return Found(
        explanation.maps[0],
        int(explanation.evaluations[0]),
        float(explanation.difference[0]),
        float(explanation.region_difference[0]),
    )


def held_bytes(model: nn.Module, image: Tensor) -> int:
    """Count the bytes that a model keeps of one image between its forward and its backward pass."""
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {p.untyped_storage().data_ptr() for p in (*model.parameters(), *model.buffers())}
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # The output keeps what was saved alive, so that no address is used twice.
        output = model(image.detach().requires_grad_())
    del output
    return sum(size for pointer, size in held.items() if pointer not in own)


def free_memory() -> int:
    """Return the bytes of memory that are to be had without swapping: of the machine, or of the container."""
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        free = min(free, limit - used)
    return free
