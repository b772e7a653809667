"""What training for looking adds to a summary: rows at every λ, and differences, beside those of before."""

import numpy as np
import pandas as pd
import pytest

from core.cells import Cell
from core.findings import at_weight, findings, looking, question
from core.summarise import summarise
from core.summarise.looking import CHANGED
from tests.made import EXPLAINED, IG, TEST, Made, known, noise

KEYS = ["kind", "cell", "architecture", "alpha", "seed", "method", "measure", "importance", "outside", "subset"]
GAIN = {"accuracy": -0.0625}
"""What learning to look adds on every image, .125 where nothing is said."""
SEEDS = [0, 1, 2]


def gained(cell: Cell, measure: str) -> np.ndarray | float:
    """`known`, with noise of its own for every seed, and what λ adds."""
    base = known(Cell(cell.architecture, cell.alpha, cell.seed), measure)
    if cell == Cell("resnet50", 1.0, 0) and measure != "accuracy":
        return base
    count = TEST if measure in ("accuracy", "logit_alignment") else EXPLAINED
    spread = 0.05 * noise(cell.name, measure, count=count)
    return base + spread + cell.explanation_weight * GAIN.get(measure, 0.125)


@pytest.fixture(scope="module")
def made() -> Made:
    return Made(gained, explanation_weights=[0.0, 1.0, 2.0], seeds=SEEDS)


@pytest.fixture(scope="module")
def table(made: Made) -> pd.DataFrame:
    return summarise(made)  # type: ignore[arg-type]


def test_what_is_said_without_it_stays_as_it_was(table: pd.DataFrame) -> None:
    without = summarise(Made(gained, seeds=SEEDS))  # type: ignore[arg-type]
    assert (without["explanation_weight"] == 0).all()
    same = table[table["explanation_weight"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, without)
    config = Made(gained, seeds=SEEDS).config
    assert findings(table, config) == findings(without, config)
    assert question(table, config) == question(without, config)


@pytest.mark.parametrize("measure", CHANGED)
def test_a_difference_is_paired_by_seed(measure: str, made: Made, table: pd.DataFrame) -> None:
    method = IG if measure in ("rank_alignment", "map_similarity", "focus") else ""
    rows = table[(table["kind"] == "looking") & (table["measure"] == measure) & (table["method"] == method)]
    rows = rows[rows["importance"].isin(["", "density"])].set_index(["explanation_weight", "alpha", "architecture"])
    assert len(rows) == 2 * 2 * 3, "two λ, two α, two smaller networks and their mean"
    by_network = []
    for name in ("resnet34", "resnet18"):
        cells = [[Cell(name, 0.1, s, explanation_weight=w) for s in SEEDS] for w in (2.0, 0.0)]
        each = [np.array([np.float32(gained(cell, measure)).mean() for cell in own]) for own in cells]
        by_network.append(each[0] - each[1])
        assert rows.loc[(2.0, 0.1, name), "estimate"] == pytest.approx(by_network[-1].mean(), abs=1e-6)
    means = np.mean(by_network, axis=0)
    half = 4.302652729749464 * means.std(ddof=1) / np.sqrt(3)  # t of 2 degrees of freedom
    got = rows.loc[(2.0, 0.1, "")]
    assert (got["low"], got["high"]) == pytest.approx((means.mean() - half, means.mean() + half), abs=1e-6)
    assert got["n"] == 3


def test_the_grid_at_one_weight_has_the_rows_of_a_grid_without_the_axis(table: pd.DataFrame) -> None:
    plain, two = at_weight(table, 0.0), at_weight(table, 2.0)
    assert set(plain["explanation_weight"]) == {0}
    assert not two[two["alpha"] < 1].query("kind == 'group'").query("explanation_weight != 2").size
    named = two[two["kind"] != "looking"].assign(cell=two["cell"].str.replace("-e2.0", ""))
    identities = [sorted(map(str, each[KEYS].itertuples(index=False))) for each in (plain, named)]
    assert identities[0] == identities[1]
    group = "kind == 'group' and measure == 'focus' and alpha == 0.1 and importance == 'density' and subset == 'all'"
    difference = two.query(group)["estimate"].to_numpy() - plain.query(group)["estimate"].to_numpy()
    assert difference == pytest.approx(0.25, abs=0.05)


def test_the_answer_is_by_the_strongest_of_both(made: Made, table: pd.DataFrame) -> None:
    found = looking(table, made.config)
    assert found is not None
    assert "(λ = 2, α = 0.1), students smaller than the teacher rank the parts more like it than without: +0.2" in (
        found.sentence
    )
    assert " points of accuracy" in found.sentence
    assert "and that costs 12." in found.sentence
    assert len(found.each) == 12
    assert any(line.startswith("ResNet18, α = 0.5, λ = 1: rank alignment +0.1") for line in found.each)
    assert looking(at_weight(table, 0.0), made.config) is None


def test_what_is_not_settled_is_said_so(made: Made, table: pd.DataFrame) -> None:
    unsure = table.assign(low=-1.0, high=1.0)
    found = looking(unsure, made.config)
    assert found is not None
    assert "no more like it, nor less, as far as this study can tell" in found.sentence
    assert "what that costs in accuracy is not settled" in found.sentence
