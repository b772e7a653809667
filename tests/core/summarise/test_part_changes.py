"""What distillation changes in the share of each part: Student's t over the differences between paired trainings."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.cells import Cell
from core.summarise import summarise
from tests.made import Made, noise

SEEDS = [3, 1, 4, 2, 5]


def focus(cell: Cell, measure: str) -> float:
    return 0.2 + 0.1 * (cell.alpha == 0.1) + 0.2 * float(noise(cell.name, count=1)[0])


def share(architecture: str, alpha: float, seeds: list[int]) -> np.ndarray:
    """The beak's, as `Made.parts` has it."""
    return np.array([focus(Cell(architecture, alpha, seed), "focus") / 2 for seed in seeds])


def changes(table: pd.DataFrame, architecture: str, part: str) -> Any:
    rows = table[(table["kind"] == "part") & (table["control"] == "no distillation") & (table["subset"] == part)]
    (row,) = rows[(rows["architecture"] == architecture) & (rows["alpha"] == 0.1)].itertuples()
    return row


@pytest.mark.parametrize("part", ["beak", "wing"])
def test_it_is_paired_by_seed(part: str) -> None:
    table = summarise(Made(focus, seeds=SEEDS))  # type: ignore[arg-type]
    pair = [share("resnet18", alpha, SEEDS) for alpha in (0.1, 1.0)]
    pair = [1 - each for each in pair] if part == "wing" else pair
    test = stats.ttest_rel(*pair)
    want = test.confidence_interval(0.95)
    got = changes(table, "resnet18", part)
    assert (got.estimate, got.low, got.high) == pytest.approx((np.mean(pair[0] - pair[1]), want.low, want.high))
    assert (got.seed, got.n, got.skipped) == ("all", 5, 0)


def test_the_teacher_itself_is_in_none() -> None:
    table = summarise(Made(focus, seeds=SEEDS))  # type: ignore[arg-type]
    others = [seed for seed in SEEDS if seed != SEEDS[0]]
    want = stats.ttest_rel(*(share("resnet50", alpha, others) for alpha in (0.1, 1.0))).confidence_interval(0.95)
    got = changes(table, "resnet50", "beak")
    assert (got.low, got.high, got.n) == (pytest.approx(want.low), pytest.approx(want.high), 4)


def test_one_seed_has_the_change_without_an_interval() -> None:
    got = changes(summarise(Made(focus)), "resnet18", "beak")  # type: ignore[arg-type]
    assert got.estimate == pytest.approx(share("resnet18", 0.1, [0])[0] - share("resnet18", 1.0, [0])[0])
    assert np.isnan([got.low, got.high]).all()


def test_without_an_undistilled_network_there_is_no_change() -> None:
    """With one seed the undistilled network of the teacher's architecture is the teacher itself."""
    table = summarise(Made(focus))  # type: ignore[arg-type]
    found = table[(table["kind"] == "part") & (table["control"] == "no distillation")]
    assert set(found["architecture"]) == {"resnet34", "resnet18"}
    assert set(found["alpha"]) == {0.5, 0.1}


def test_a_part_that_one_training_never_sees_is_left_out_and_counted() -> None:
    class Half(Made):
        def parts(self, cell: Cell) -> pd.DataFrame:
            found = super().parts(cell)
            return found[found["part"] != "beak"] if cell == Cell("resnet18", 0.1, 4) else found

    got = changes(summarise(Half(focus, seeds=SEEDS)), "resnet18", "beak")  # type: ignore[arg-type]
    assert (got.n, got.skipped) == (4, 1)
