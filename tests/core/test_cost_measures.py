"""Costs in words."""

import math

import pandas as pd
import pytest

from core.cost_measures import COSTS, amount, cost_rows, relative
from core.summarise import COLUMNS


@pytest.mark.parametrize(
    ("cost", "value", "said"),
    [
        ("parameters", 135399, "135 k"),
        ("parameters", 9.996e5, "1.00 M"),
        ("parameters", 999, "999"),
        ("parameters", 999.7, "1.00 k"),
        ("parameters", 99960, "100 k"),
        ("macs", 1.8136e9, "1.81 G"),
        ("macs", 27.27e6, "27.3 M"),
        ("macs", 1.234e12, "1230 G"),
        ("file_size", 283298, "283 kB"),
        ("file_size", 22395400, "22.4 MB"),
        ("file_size", 12, "12 B"),
        ("latency_cpu", 2.052, "2.05 ms"),
        ("latency_cuda", 344.5, "344 ms"),
        ("latency_cpu", math.nan, "–"),
    ],
)
def test_amounts_have_three_digits_and_a_unit(cost: str, value: float, said: str) -> None:
    assert amount(cost, value) == said


@pytest.mark.parametrize(
    ("cost", "ratio", "said"),
    [
        ("parameters", 3.86, "3.9 times fewer parameters than the teacher"),
        ("parameters", 0.5, "2.0 times more parameters than the teacher"),
        ("parameters", 1.0, "as many parameters as the teacher"),
        ("parameters", 1.04, "as many parameters as the teacher"),
        ("macs", 0.97, "as many multiply-accumulates as the teacher"),
        ("file_size", 4.0, "4.0 times smaller a file than the teacher's"),
        ("latency_cpu", 3.4, "3.4 times faster on the CPU than the teacher"),
        ("latency_cuda", 0.8, "1.2 times slower on the GPU than the teacher"),
    ],
)
def test_a_cost_beside_the_teachers_in_words(cost: str, ratio: float, said: str) -> None:
    assert relative(cost, ratio) == said


def test_a_cost_that_cannot_be_compared_is_said_so() -> None:
    for cost in COSTS:
        assert "unknown" in relative(cost, math.nan)


def test_costs_are_rows_of_the_summary() -> None:
    costs = pd.DataFrame(
        [("", "resnet18", "parameters", 5.0, 5.0, 5.0, 1), ("mine", "resnet18", "latency_cpu", 2.0, 1.0, 3.0, 40)],
        columns=["cell", "architecture", "measure", "estimate", "low", "high", "n"],
    )
    rows = cost_rows(costs)
    assert list(rows.columns) == COLUMNS
    assert set(rows["kind"]) == {"cost"}
    assert rows["alpha"].isna().all()
    for column in ("seed", "method", "importance", "outside", "subset", "control"):
        assert set(rows[column]) == {""}
    pd.testing.assert_frame_equal(rows[list(costs.columns)], costs)
