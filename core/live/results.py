"""What networks said of an image, and where they looked: compared with the teacher, cut anew, written down."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.ask import Ask
from core.cells import Cell
from core.live.scene import Scene
from core.measures import rank_alignment
from core.methods import relevance
from core.parts import importance


@dataclass(frozen=True)
class CellResult:
    """What one cell says of an image, and where it looked, by one method."""

    cell: Cell
    method: str
    predicted: int
    probability: float
    target: int
    """The class whose score is explained."""
    map: np.ndarray
    """(S, S) float32, signed where the method is."""
    gap: float
    """Relative completeness gap; NaN where the method has none."""
    difference: float
    """Level difference d of the map: its error is about half of it. NaN where it is unknown."""
    evaluations: int
    """Gradients spent."""
    converged: bool
    """Whether d fell under the tolerance; a map that has not may become finer."""
    final: bool
    """Whether this is the last that comes of this cell and method."""
    density: np.ndarray
    """(P,) mean relevance per pixel of every part."""
    alignment: float = np.nan
    """Spearman's ρ with the teacher's density over the parts; NaN where undefined."""


def densities(map_: np.ndarray, method: str, scene: Scene) -> np.ndarray:
    """Return the mean relevance per pixel (P,) of every part of a scene, of a map (S, S) of its image."""
    mass, area = importance(relevance(map_[None], method), scene.part_map, len(scene.parts))
    found: np.ndarray = (mass / area)[0]
    return found


def in_parts(result: CellResult, scene: Scene) -> CellResult:
    """Return a result by the parts of a scene that cuts the same image otherwise; not yet compared with the teacher."""
    return replace(result, density=densities(result.map, result.method, scene), alignment=np.nan)


def aligned(result: CellResult, teacher_density: np.ndarray) -> CellResult:
    """Return a result with its alignment to the teacher's density (P,)."""
    return replace(result, alignment=float(rank_alignment(teacher_density[None], result.density[None])[0]))


def settled(results: Iterable[CellResult], teacher: Cell) -> list[CellResult]:
    """Return the last level of every cell and method, aligned to the teacher's last; nothing before the teacher."""
    last = {(result.method, result.cell): result for result in results}
    pairs = ((result, last.get((result.method, teacher))) for result in last.values())
    return [aligned(result, reference.density) for result, reference in pairs if reference is not None]


def as_json(results: Sequence[CellResult], scene: Scene, classes: Sequence[str], ask: Ask) -> dict[str, Any]:
    """Return results as plain values for a JSON file; undefined numbers are null."""
    return {
        "parts": list(scene.parts),
        "image_size": len(scene.image),
        "asked": asdict(ask),
        "results": [
            {
                "cell": result.cell.name,
                "method": result.method,
                "predicted": classes[result.predicted],
                "probability": _number(result.probability),
                "explained": classes[result.target],
                "completeness_gap": _number(result.gap),
                "level_difference": _number(result.difference),
                "evaluations": result.evaluations,
                "converged": result.converged,
                "rank_alignment": _number(result.alignment),
                "density": {name: _number(v) for name, v in zip(scene.parts, result.density, strict=True)},
            }
            for result in results
        ],
    }


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None
