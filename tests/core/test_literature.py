"""What others published is declared whole, and stands beside the study's own rows."""

from dataclasses import replace

import numpy as np
import pytest

from core import literature
from core.figures import beside, tables
from core.figures.tables import View
from core.findings import Finding, findings
from core.measures import MEASURES
from core.study import open_study
from tests.rows import with_rows
from tests.tiny import cache, tiny_folders

__all__ = ["cache", "tiny_folders"]

WIN = {"kind": "group", "seed": "all", "measure": "win_rate", "method": "integrated_gradients", "subset": "all"}


def view(name: str = "wide") -> View:
    study = open_study(name)
    return tables.whole(study.summary(), study.config)


def judged(*verdicts: str) -> list[Finding]:
    return [Finding(i, "", verdict, "", "") for i, verdict in enumerate(verdicts, 1)]  # type: ignore[arg-type]


def test_the_poster_s_numbers() -> None:
    """As MEASURES.md has them, for ResNet101/50/34/18."""
    printed = {1.0: (1.00, 0.52, 0.28, 0.26), 0.5: (0.76, 0.70, 0.48, 0.38), 0.1: (0.81, 0.76, 0.56, 0.50)}
    sizes = ("resnet101", "resnet50", "resnet34", "resnet18")
    for alpha, row in printed.items():
        assert tuple(literature.POSTER_LOGIT_ALIGNMENT[alpha][size] for size in sizes) == row
    assert [value.value for value in literature.OJHA.values] == [0.503, 0.672, 0.529, 0.556]
    assert "inferred" in literature.OJHA.where


@pytest.mark.parametrize("each", literature.everything(), ids=lambda each: each.name)
def test_every_declaration_is_whole(each: literature.Published) -> None:
    assert each.says.endswith(".")
    assert each.beside.endswith(".")
    assert each.architectures
    assert each.setting
    assert each.reference.title in str(each.reference)
    assert each.reference.link.startswith("https://arxiv.org/abs/") or each is literature.POSTER
    assert each.measure in {"", *MEASURES, "win_rate", "map_similarity"}
    assert all(0 <= value.value <= 1 for value in each.values)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["supported"] * 4, "Of the poster's four findings, this study supports four."),
        (
            ["supported", "contradicted", "not settled", "supported"],
            "Of the poster's four findings, this study supports two, contradicts one and leaves open one.",
        ),
        (
            ["not settled"],
            "Of the poster's four findings, this study leaves open one, of the one that its grid can ask.",
        ),
        ([], ""),
    ],
)
def test_agreement_counts_verdicts(verdicts: list[str], said: str) -> None:
    assert literature.agreement(judged(*verdicts)) == said


@pytest.mark.usefixtures("cache")
def test_findings_stand_beside_the_study_s_own() -> None:
    shown = view()
    own = findings(shown.summary, shown.config)
    table = literature.findings_beside(own)
    assert table["verdict"].to_list() == [finding.verdict for finding in own]
    assert literature.findings_beside(own[:1])["verdict"].to_list()[1:] == [""] * 3


@pytest.mark.usefixtures("cache")
def test_directions_are_rows_of_the_summary() -> None:
    shown = view()
    table = literature.directions(shown)
    assert table["network"].to_list() == ["ResNet18"], "the teacher's own goes from itself in the poster"
    assert table["poster_to"].to_list() == [0.50]
    for row in table.itertuples():
        there = shown.summary.loc[row.row]
        assert (there["kind"], there["measure"], there["alpha"]) == ("contrast", "logit_alignment", 0.1)
        assert (row.estimate, row.low, row.high) == (there["estimate"], there["low"], there["high"])


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("low", "high", "moves"), [(0.1, 0.3, "alike"), (-0.3, -0.1, "opposite"), (-1, 1, "not settled")]
)
def test_a_direction_is_judged_by_its_interval(low: float, high: float, moves: str) -> None:
    shown = view()
    summary = shown.summary.copy()
    summary.loc[(summary["kind"] == "contrast") & (summary["measure"] == "logit_alignment"), ["low", "high"]] = (
        low,
        high,
    )
    assert set(literature.directions(replace(shown, summary=summary))["moves"]) == {moves}


@pytest.mark.usefixtures("cache")
def test_win_rates_are_the_study_s_rows_after_the_published_ones() -> None:
    shown = view()
    shown = replace(shown, summary=shown.summary[shown.summary["measure"] != "win_rate"])
    assert literature.win_rates(shown)["whose"].to_list() == [literature.OJHA.name] * 4
    rows = [
        {"architecture": "resnet18", "alpha": alpha, "estimate": value, "low": value - 0.1, "high": value + 0.1, **WIN}
        for alpha, value in ((1.0, 0.5), (0.5, 0.6), (0.1, 0.8))
    ]
    shown = replace(shown, summary=with_rows(shown.summary, *rows))
    own = literature.win_rates(shown).query("whose == 'this study'")
    assert own["who"].to_list() == ["ResNet18, α = 0.5", "ResNet18, α = 0.1"], "who learns alone is what it is held to"
    np.testing.assert_array_equal(own["estimate"], [0.6, 0.8])
    spec = beside.win_rates(literature.win_rates(shown), shown.alphas)
    assert any(row.get("half") == 0.5 for rows in spec["datasets"].values() for row in rows)
    other = replace(shown, method="saliency")
    assert set(literature.win_rates(other)["whose"]) == {literature.OJHA.name}, "each method has its own"


@pytest.mark.usefixtures("cache")
def test_the_poster_is_drawn_hollow() -> None:
    shown = view()
    points = tables.students(tables.estimates(shown, "logit_alignment"))
    spec = beside.poster_directions(points, literature.poster_logits(shown), tables.names(shown), shown.alphas)
    hollow = [layer for layer in spec["layer"] if layer["mark"].get("filled") is False]
    assert len(hollow) == 1
    assert "stroke" in hollow[0]["encoding"]
