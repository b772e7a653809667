"""Names beside points: on no other name, and on no line where there is room."""

import numpy as np
import pandas as pd
import pytest

from core.figures.labels import LETTER, LINE, PLOTS, beside_points


def boxes(table: pd.DataFrame, plot: tuple[float, float]) -> np.ndarray:
    """Left, bottom, right, top of every name, in pixels."""
    x, y = table["x"] * plot[0] + table["dx"], table["y"] * plot[1] - table["dy"]
    half = table["network"].str.len() * LETTER / 2
    return np.stack([x - half, y - LINE / 2, x + half, y + LINE / 2], 1)


def apart(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1])


def names(
    plot: tuple[float, float], points: list[tuple[float, float]], paths: list[np.ndarray] | None = None
) -> np.ndarray:
    table = pd.DataFrame(points, columns=["x", "y"]).assign(network=[f"ResNet{10 + i}" for i in range(len(points))])
    return boxes(beside_points(table, "x", "y", paths or [np.array([point]) for point in points]), plot)


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("gap", [0.0, 0.02, 0.05, 0.1])
def test_near_points_have_names_apart(gap: float, plot: tuple[float, float]) -> None:
    first, second, third = names(plot, [(0.5, 0.5), (0.5 + gap, 0.5), (0.5, 0.5 + gap)])
    assert apart(first, second)
    assert apart(second, third)
    assert apart(first, third)


@pytest.mark.parametrize("plot", PLOTS)
def test_a_name_lies_on_no_line_and_within_the_plot(plot: tuple[float, float]) -> None:
    path = np.array([[0.02, 0.5], [0.9, 0.9]])
    (box,) = names(plot, [(0.02, 0.5)], [path])
    line = np.linspace(*path, 500) * plot
    inside = (line > box[:2]).all(1) & (line < box[2:]).all(1)
    assert not inside.any()
    assert box[0] >= 0
    assert box[2] <= plot[0]
