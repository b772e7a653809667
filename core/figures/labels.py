"""Where the names of points go, so that they lie on no other name, point or line."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pandas as pd

LETTER, LINE, AWAY = 6.5, 14.0, 10.0
"""Pixels: a letter's width and a line's height at most, and how far a name keeps from its point."""
PLOTS = ((300.0, 230.0), (630.0, 230.0))
"""Pixels of the plot on a telephone and on a screen: a name must be free on both."""
PLACES = [place for place in product((-1, 0, 1), (-1, 0, 1)) if place != (0, 0)]
"""To the left or right of a point, below or above it."""


def beside_points(table: pd.DataFrame, x: str, y: str, paths: Sequence[np.ndarray]) -> pd.DataFrame:
    """Return `table` with `dx` and `dy`, the pixels from each row's point to the middle of its name.

    Parameters
    ----------
    table : DataFrame
        One row a name (column `network`), with the coordinates of its point as shares of the plot from its lower left.
    x, y : str
        Columns of the coordinates.
    paths : sequence of ndarray, (K, 2)
        Points joined by lines, in the same coordinates.
    """
    table = table.sort_values(x)  # else two names can change sides
    taken = {plot: np.concatenate([_along(path * plot) for path in paths]) for plot in PLOTS}
    found = []
    for name, point in zip(table["network"], table[[x, y]].to_numpy(float), strict=True):
        width = LETTER * len(name)
        cost = {p: sum(_covered(_box(point * plot, p, width), taken[plot], plot) for plot in PLOTS) for p in PLACES}
        best = min(PLACES, key=cost.__getitem__)
        for plot in PLOTS:
            left, bottom, right, top = _box(point * plot, best, width)
            filled = product(np.linspace(left, right, 9), np.linspace(bottom, top, 3))
            taken[plot] = np.concatenate([taken[plot], np.array(list(filled))])
        left, bottom, right, top = _box(np.zeros(2), best, width)
        found.append(((left + right) / 2, -(bottom + top) / 2))
    return table.assign(dx=[dx for dx, _ in found], dy=[dy for _, dy in found])


def _box(point: np.ndarray, place: tuple[int, int], width: float) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of a name of this width beside a point."""
    across, up = place
    left = point[0] + AWAY * across - width * (1 - across) / 2
    middle = point[1] + 1.4 * AWAY * up
    return left, middle - LINE / 2, left + width, middle + LINE / 2


def _covered(box: tuple[float, float, float, float], taken: np.ndarray, plot: tuple[float, float]) -> float:
    """Count what a name would lie on; to reach out of the plot is as bad."""
    left, bottom, right, top = box
    x, y = taken.T
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    outside = max(0.0, -left) + max(0.0, right - plot[0]) + max(0.0, -bottom) + max(0.0, top - plot[1])
    return float(inside.sum()) + outside


def _along(path: np.ndarray) -> np.ndarray:
    """Return points every few pixels along a path, its corners many times: a point is worse to cover than a line."""
    parts = [np.linspace(a, b, 60) for a, b in pairwise(path)]
    return np.concatenate([*[path] * 5, *parts])
