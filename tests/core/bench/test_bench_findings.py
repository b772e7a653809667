"""Intervals that cover what they promise, on studies whose truth is known."""

from io import StringIO

import pytest
from rich.console import Console

from core.bench.findings import coverage, made_study, run
from core.summarise import summarise


@pytest.mark.parametrize("seeds", [2, 5])
def test_t_over_seeds_and_the_bootstrap_of_one_cover_what_they_promise(seeds: int) -> None:
    found = coverage(600, seeds, 120, between=0.05)
    assert found.seeds == pytest.approx(0.95, abs=0.03)
    assert found.one_seed == pytest.approx(0.95, abs=0.03)


def test_pooling_seeds_would_not() -> None:
    assert coverage(300, 5, 300, between=0.05).pooled < 0.75


def test_five_seeds_are_sharper_than_three() -> None:
    """MEASURES.md: a half-width of 1.24 sd against 2.48."""
    assert coverage(200, 5, 60).half_width == pytest.approx(1.24, abs=0.01)
    assert coverage(200, 3, 60).half_width == pytest.approx(2.48, abs=0.01)


def test_the_made_study_has_every_number_a_real_one_has() -> None:
    table = summarise(made_study(2, 24, 48))
    assert set(table["measure"]) >= {"accuracy", "kl", "win_rate", "rank_alignment", "focus", "enrichment"}
    assert set(table["kind"]) >= {"cell", "group", "control", "contrast", "finding", "question", "association"}
    assert table.loc[table["kind"] == "finding", "estimate"].notna().all()


def test_the_command_prints_both() -> None:
    said = StringIO()
    run(Console(file=said, width=200), 20, 2, 24, 48)
    assert "20 simulated studies of 2 seeds" in said.getvalue()
    assert "numbers with intervals" in said.getvalue()
