"""Two studies beside each other, against sums done by hand and a simulation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import comparison
from core.figures import tables
from core.findings import findings
from core.study import Study, open_study
from tests.tiny import cache, tiny_folders

__all__ = ["cache", "tiny_folders"]


@pytest.fixture
def pair(cache: Path) -> tuple[Study, Study]:
    return open_study("tiny"), open_study("wide")


def view(study: Study) -> tables.View:
    return tables.whole(study.summary(), study.config)


def test_symmetric_intervals_add_as_squares() -> None:
    one = pd.Series([0.5])
    found = comparison.apart(one, one - 0.3, one + 0.3, one + 1, one + 0.6, one + 1.4)
    assert [float(each.iloc[0]) for each in found] == pytest.approx([-1.0, -1.5, -0.5])


def test_each_side_counts_its_own_distance() -> None:
    """The lower end of a difference is as far as the first may be lower and the second higher."""
    numbers = [pd.Series([value]) for value in (10.0, 7.0, 10.0, 4.0, 4.0, 8.0)]
    assert [float(each.iloc[0]) for each in comparison.apart(*numbers)] == [6.0, 1.0, 6.0]


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(3, 1.0, 20_000), rng.normal(1, 0.4, 20_000)
    ends = [pd.Series(value) for a, s in ((first, 1.0), (second, 0.4)) for value in (a, a - 1.96 * s, a + 1.96 * s)]
    _, low, high = comparison.apart(*ends)
    assert ((low <= 2) & (high >= 2)).mean() == pytest.approx(0.95, abs=0.01)


def test_only_what_both_have_is_compared_and_the_numbers_are_those_of_the_studies(pair: tuple[Study, Study]) -> None:
    views = view(pair[0]), view(pair[1])
    for measure, (importance, outside) in comparison.COMPARED.items():
        table = comparison.differences(*views, measure)
        assert set(table["alpha"]) == {1.0, 0.1}, "0.5 is in one of them only"
        for which, each in enumerate(views, 1):
            own = tables.estimates(each, measure, importance, outside).set_index(["network", "alpha"])
            own = own[own["role"].isin(["student", "retrained"])]
            for row in table.itertuples():
                assert getattr(row, f"estimate_{which}") == own.loc[(row.network, row.alpha), "estimate"]
        assert np.allclose(table["estimate"], table["estimate_1"] - table["estimate_2"])
        mirrored = comparison.differences(*reversed(views), measure)
        assert np.allclose(mirrored["low"], -table["high"])


def test_effects_are_those_of_the_findings(pair: tuple[Study, Study]) -> None:
    table = comparison.effects(*map(view, pair)).set_index("measure")
    assert set(table.index) == set(comparison.COMPARED)
    for which, study in enumerate(pair, 1):
        rows = tables.effects(view(study))
        own = rows[(rows["network"] == "on average") & (rows["method"] == "integrated_gradients")]
        assert table.loc["rank_alignment", f"estimate_{which}"] == own["estimate"].iloc[0]


def test_a_study_agrees_with_itself_and_differs_in_what_its_settings_say(pair: tuple[Study, Study]) -> None:
    claims = [findings(study.summary(), study.config) for study in pair]
    alike = comparison.agreement(claims[0], claims[0], ("a", "b"))
    assert alike == f"'a' and 'b' judge {len(claims[0])} of the {len(claims[0])} claims that both ask alike."
    assert comparison.agreement([], claims[0], ("a", "b")) == "'a' and 'b' have no claim in common."
    assert comparison.settings_apart(pair[0].config, pair[0].config) == []
    apart = {key: (a, b) for key, a, b in comparison.settings_apart(pair[0].config, pair[1].config)}
    assert apart == {"students.alphas": ([1.0, 0.1], [1.0, 0.5, 0.1]), "students.seeds": ([0], [0, 1, 2])}
