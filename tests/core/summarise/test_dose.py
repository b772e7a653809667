"""Whether stronger distillation does more: the lowest α less the next, found here by SciPy alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.cells import Cell
from core.findings import dose
from core.summarise import summarise
from tests.made import Made, noise

SEEDS = [3, 1, 4, 2, 5]
EFFECT = {"accuracy": {0.1: 0.2, 0.5: 0.4}, "focus": {0.1: 0.4, 0.5: 0.2}}


def value(cell: Cell, measure: str) -> float:
    """Accuracy falls from 0.5 to 0.1, focus rises, and rank alignment does neither."""
    effect = EFFECT.get(measure, {}).get(cell.alpha or 0.0, 0.0)
    own = 0.02 * noise(cell.name, measure, count=1)[0]
    return float(np.float32(0.3 + effect + own))


def doses(table: pd.DataFrame, measure: str, outside: str = "") -> dict[str, Any]:
    rows = table[(table["kind"] == "dose") & (table["measure"] == measure) & (table["importance"] != "mass")]
    return {row.architecture: row for row in rows[rows["outside"] == outside].itertuples()}


@pytest.mark.parametrize(("measure", "outside"), [("accuracy", ""), ("rank_alignment", ""), ("focus", "parts")])
def test_it_is_the_lowest_less_the_next_paired_by_seed(measure: str, outside: str) -> None:
    found = doses(summarise(Made(value, seeds=SEEDS)), measure, outside)  # type: ignore[arg-type]
    assert list(found) == ["resnet34", "resnet18", ""]
    of = {
        (name, alpha): [value(Cell(name, alpha, seed), measure) for seed in SEEDS]
        for name in ("resnet34", "resnet18")
        for alpha in (0.1, 0.5)
    }
    for name in ("resnet34", "resnet18"):
        want = stats.ttest_rel(of[name, 0.1], of[name, 0.5]).confidence_interval(1 - 0.05 / 2)
        assert (found[name].low, found[name].high) == pytest.approx((want.low, want.high))
    strong, mild = (np.mean([of[name, alpha] for name in ("resnet34", "resnet18")], axis=0) for alpha in (0.1, 0.5))
    want = stats.ttest_rel(strong, mild).confidence_interval(0.95)
    got = found[""]
    assert (got.estimate, got.low, got.high) == pytest.approx((np.mean(strong - mild), want.low, want.high))
    assert (got.alpha, got.control, got.n) == (0.1, "α = 0.5", 5)


def test_the_sentence_has_the_numbers_of_the_rows_and_their_verdicts() -> None:
    made = Made(value, seeds=SEEDS)
    table = summarise(made)  # type: ignore[arg-type]
    said = dose(table, made.config)
    assert said.startswith("Whether stronger distillation does more is a question of its own. From α = 0.5 to α = 0.1")
    row = doses(table, "accuracy")[""]
    ends = " to ".join(f"{100 * end:+.1f}".replace("-", "−") for end in (row.low, row.high))
    assert f"accuracy falls by {-100 * row.estimate:.1f} points (95 % interval {ends})" in said
    assert f"focus rises by {100 * doses(table, 'focus', 'parts')[''].estimate:.1f} points" in said
    same = doses(table, "rank_alignment")[""]
    assert same.low < 0 < same.high
    assert "rank alignment changes by " in said
    assert "), not settled" in said
    assert "trained once" not in said


def test_one_seed_speaks_of_these_networks_only() -> None:
    made = Made(value)
    assert dose(summarise(made), made.config).endswith("These networks only: each was trained once.")  # type: ignore[arg-type]


@pytest.mark.parametrize("alphas", [[1.0, 0.1], [1.0]])
def test_fewer_than_three_doses_say_nothing(alphas: list[float]) -> None:
    made = Made(value, seeds=SEEDS, alphas=alphas)
    table = summarise(made)  # type: ignore[arg-type]
    assert not (table["kind"] == "dose").any()
    assert dose(table, made.config) == ""
