"""Intervals end where their measure does, unless they are of differences."""

import numpy as np
import pytest
from scipy import stats

from core.cells import Cell
from core.estimates import Estimate
from core.summarise import summarise
from core.summarise.row import summary_row
from core.values import Keys
from tests.made import Made

SEEDS = [0, 1, 2]
ACCURACY = {0: 0.5, 1: 0.99, 2: 0.98}


def accuracy(cell: Cell, measure: str) -> float:
    """Means whose t interval over the seeds goes beyond 1, and those of α = 1.0 half as high."""
    share = ACCURACY[cell.seed or 0] / (2 if cell.alpha == 1 else 1)
    return float(np.float32(share)) if measure == "accuracy" else 0.5


def test_t_over_few_seeds_ends_at_the_range_and_that_of_a_difference_does_not() -> None:
    table = summarise(Made(accuracy, seeds=SEEDS))  # type: ignore[arg-type]
    own = table[(table["measure"] == "accuracy") & (table["alpha"] == 0.1) & (table["architecture"] == "resnet18")]
    values = np.array([ACCURACY[seed] for seed in SEEDS])
    plain = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert plain.high > 1
    (group,) = own[own["kind"] == "group"].itertuples()
    assert (group.estimate, group.low, group.high) == (pytest.approx(values.mean()), pytest.approx(plain.low), 1.0)
    (mean,) = table[(table["kind"] == "mean") & (table["measure"] == "accuracy") & (table["alpha"] == 0.1)].itertuples()
    assert mean.high == 1.0
    wide = stats.ttest_1samp(values / 2, 0).confidence_interval(1 - 0.05 / 2)
    assert wide.low < 0
    (finding,) = own[own["kind"] == "finding"].itertuples()
    assert (finding.low, finding.high) == pytest.approx((wide.low, wide.high))


@pytest.mark.parametrize(
    ("kind", "control", "ends"),
    [
        ("group", "", (-1.0, 1.0)),
        ("cell", "", (-1.0, 1.0)),
        ("control", "shuffled", (-1.0, 1.0)),
        ("mean", "shuffled", (-1.0, 1.0)),
        ("association", "accuracy", (-1.0, 1.0)),
        ("mean", "normalised", (-1.5, 1.5)),
        ("normalised", "", (-1.5, 1.5)),
        ("contrast", "no distillation", (-1.5, 1.5)),
        ("finding", "no distillation", (-1.5, 1.5)),
        ("question", "no distillation", (-1.5, 1.5)),
    ],
)
def test_levels_end_and_nothing_else(kind: str, control: str, ends: tuple[float, float]) -> None:
    made = summary_row(kind, Keys("rank_alignment"), Estimate(0.0, -1.5, 1.5, 5, 0), {"control": control})
    assert (made["low"], made["high"]) == ends


def test_what_is_unknown_or_open_stays() -> None:
    unknown = summary_row("group", Keys("accuracy"), Estimate(0.5, np.nan, np.nan, 1, 0), {})
    assert np.isnan([unknown["low"], unknown["high"]]).all()
    enriched = summary_row("group", Keys("enrichment"), Estimate(3.0, -1.0, 7.0, 5, 0), {})
    assert (enriched["low"], enriched["high"]) == (0.0, 7.0)
    rounded = summary_row("cell", Keys("map_similarity"), Estimate(1 + 1e-7, 1 + 1e-7, 1 + 1e-7, 5, 0), {})
    assert rounded["low"] <= rounded["estimate"] <= rounded["high"]
