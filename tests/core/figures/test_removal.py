"""Curves of removed and added pixels: every order is a line of its own, and none is lost."""

import numpy as np
import pytest

from core.figures.removal import BLURRED, MAP, RANDOM, removal, removal_table

CURVES = np.random.default_rng(0).random((5, 9))


def test_the_table_has_every_point_of_every_curve() -> None:
    table = removal_table(CURVES)
    assert len(table) == CURVES.size
    assert table.groupby("line")["order"].first().tolist() == [MAP, BLURRED, RANDOM, RANDOM, RANDOM]
    for line, values in table.groupby("line"):
        np.testing.assert_array_equal(values["probability"], CURVES[int(str(line))])
        np.testing.assert_allclose(values["share"], np.arange(9) / 8)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_orders_are_told_apart_and_named(theme: str) -> None:
    spec = removal(removal_table(CURVES), "Pixels removed", theme)
    (scale,) = {str(layer["encoding"]["color"]["scale"]) for layer in spec["layer"]}
    for order in (MAP, BLURRED, RANDOM):
        assert order in scale
    first = spec["layer"][0]["encoding"]
    assert first["x"]["title"] == "Pixels removed"
    assert first["y"]["scale"]["domain"] == [0, 1]
    dashed = [layer["mark"].get("strokeDash") for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    assert dashed == [None, [5, 3], None], "not by colour alone"
