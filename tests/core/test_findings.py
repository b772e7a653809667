import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.cells import Cell
from core.config import Config
from core.findings import Analysis, findings, nice_name, not_judged, question, verdict
from core.summarise import COLUMNS, summarise
from tests.made import EXPLAINED, IG, TEST, Made, known, noise


def rows(*given: dict[str, Any]) -> pd.DataFrame:
    empty = dict.fromkeys(COLUMNS, "") | {"alpha": np.nan, "low": np.nan, "high": np.nan, "n": 9, "skipped": 0}
    empty["explanation_weight"] = 0.0
    empty["subset"] = "all"
    return pd.DataFrame([{**empty, **row} for row in given], columns=COLUMNS)


def claim(measure: str, estimate: float, low: float, high: float, architecture: str = "") -> dict[str, Any]:
    method, importance = ("", "") if measure == "accuracy" else (IG, "density")
    return {
        "kind": "finding",
        "measure": measure,
        "method": method,
        "importance": importance,
        "outside": "parts" if measure == "focus" else "",
        "architecture": architecture,
        "alpha": 0.1,
        "estimate": estimate,
        "low": low,
        "high": high,
    }


def mean(measure: str, alpha: float, estimate: float, **more: Any) -> dict[str, Any]:
    return {**claim(measure, estimate, 0, 0), "kind": "group", "alpha": alpha, "architecture": "resnet18", **more}


def of_all(measure: str, alpha: float, estimate: float, **more: Any) -> dict[str, Any]:
    """Return what a sentence tells of all smaller students together."""
    return mean(measure, alpha, estimate, **{"kind": "mean", "architecture": "", **more})


@pytest.mark.parametrize(
    ("low", "high", "want"),
    [
        (0.001, 0.2, "supported"),
        (-0.2, -0.001, "contradicted"),
        (-0.1, 0.1, "not settled"),
        (0.0, 0.1, "not settled"),
        (-0.1, 0.0, "not settled"),
        (np.nan, np.nan, "not settled"),
    ],
)
def test_a_verdict_is_by_the_interval(low: float, high: float, want: str) -> None:
    assert verdict(low, high) == want


def test_accuracy_in_one_sentence() -> None:
    summary = rows(
        claim("accuracy", 0.0123, 0.004, 0.021),
        claim("accuracy", 0.02, 0.001, 0.03, "resnet18"),
        claim("accuracy", -0.005, -0.02, 0.01, "resnet34"),
    )
    (found,) = findings(summary, Config(name="x"))
    assert (found.claim, found.verdict, found.page) == (1, "supported", "training")
    for part in ("α = 0.1", "1.2 points more", "+0.4 to +2.1", "trained once"):
        assert part in found.sentence, found.sentence
    said = {each.architecture: (each.verdict, each.sentence) for each in found.each}
    assert said == {
        "resnet18": ("supported", "ResNet18: +2.0 points (interval +0.1 to +3.0)."),
        "resnet34": ("not settled", "ResNet34: −0.5 points (interval −2.0 to +1.0)."),
    }
    (lower,) = findings(rows(claim("accuracy", -0.03, -0.05, -0.01)), Config(name="x"))
    assert lower.verdict == "contradicted"
    assert "3.0 points fewer" in lower.sentence


def test_alignment_in_one_sentence_beside_chance() -> None:
    control = mean("rank_alignment", 0.1, 0.03, kind="control", control="shuffled")
    summary = rows(
        claim("rank_alignment", 0.05, -0.01, 0.11),
        claim("rank_alignment", 0.05, -0.02, 0.12, "resnet18"),
        of_all("rank_alignment", 0.1, 0.75),
        of_all("rank_alignment", 1.0, 0.70),
        of_all("rank_alignment", 0.1, 0.02, control="shuffled"),
        mean("rank_alignment", 0.1, 0.76),
        mean("rank_alignment", 1.0, 0.71),
        mean("rank_alignment", 1.0, 0.99, architecture="resnet50"),  # not one of the claim's
        of_all("rank_alignment", 1.0, 0.98, importance="mass"),
        control,
    )
    (found,) = findings(summary, Config(name="x"))
    assert (found.claim, found.verdict) == (2, "not settled")
    for part in ("0.75", "0.70", "+0.050", "-0.010 to +0.110"):
        assert part in found.sentence.replace("−", "-"), found.sentence
    assert "an image of another class 0.02" in found.controls
    assert "With one seed there is no teacher trained again" in found.controls
    (alone,) = found.each
    assert alone.sentence.endswith("; distilled 0.76 [0.00, 0.00], undistilled 0.71 [0.00, 0.00], by chance 0.03.")
    (without,) = findings(summary[(summary["control"] == "") & (summary["kind"] != "mean")], Config(name="x"))
    assert "nan" not in without.sentence + without.controls
    assert "another class" not in without.controls
    assert "changes how alike the teacher they rank the parts by +0.050" in without.sentence


def test_alignment_beside_a_second_teacher_an_untrained_network_and_the_win_rate() -> None:
    control = {"kind": "control", "control": "retrained teacher", "architecture": "resnet101", "n": 4}
    everything = rows(
        claim("rank_alignment", 0.05, 0.01, 0.11),
        claim("rank_alignment", 0.05, 0.02, 0.12, "resnet18"),
        {**claim("rank_alignment", 0.03, 0.01, 0.05), "subset": "both right"},
        {**mean("rank_alignment", 1.0, 0.78), **control, "low": 0.75, "high": 0.81},
        of_all("rank_alignment", np.nan, 0.01, control="random network"),
        mean("rank_alignment", np.nan, 0.2, kind="control", control="area", architecture=""),
        {**of_all("rank_alignment", 0.1, 0.64, control="normalised"), "low": 0.5, "high": 1.2, "n": 4},
        {**of_all("win_rate", 0.1, 0.71), "importance": "", "low": 0.6, "high": 0.9},
    )
    (found,) = findings(everything, Config.model_validate({"name": "x", "students": {"seeds": [0, 1, 2, 3, 4]}}))
    for part in (
        "untrained networks (one of each) 0.01",
        "parts alone 0.20",
        "0.78 [0.75, 0.81] (4 trainings)",
        "both less their own chance, distilled students stand at 0.64 [0.50, 1.20], over the 4 seeds that have such",
    ):
        assert part in found.controls, found.controls
    assert "On 71.0% [60.0%, 90.0%] of the images" in found.controls
    assert "teacher and students get right: +0.030" in found.detail
    assert "trained once" not in found.sentence


def test_another_analysis_is_judged_by_its_own_rows() -> None:
    mass = {**claim("rank_alignment", -0.2, -0.3, -0.1), "importance": "mass"}
    summary = rows(claim("rank_alignment", 0.05, 0.01, 0.11), mass)
    assert findings(summary, Config(name="x"))[0].verdict == "supported"
    other = Analysis(importance="mass")
    assert findings(summary, Config(name="x"), other)[0].verdict == "contradicted"
    assert (other.exploratory, Analysis().exploratory) == (True, False)
    assert findings(summary, Config(name="x"), Analysis(method="saliency")) == []


def test_the_first_question_in_one_sentence() -> None:
    asked = {"kind": "question", "method": "integrated_gradients~saliency"}
    saliency = {**claim("rank_alignment", 0.02, 0.001, 0.04), "method": "saliency"}
    summary = rows(
        claim("rank_alignment", 0.05, 0.01, 0.11),
        saliency,
        {**claim("rank_alignment", 0.03, 0.01, 0.05), **asked},
        {**claim("rank_alignment", 0.01, -0.01, 0.05, "resnet18"), **asked},
    )
    found = question(summary, Config(name="x"))
    assert found is not None
    for part in (
        "by +0.050 as",
        "by +0.020 as",
        "moves integrated gradients further towards the teacher's than saliency",
        "+0.030 (95 % interval +0.010",
    ):
        assert part in found.sentence, found.sentence
    assert found.each == ("ResNet18: +0.010 (interval −0.010 to +0.050)",)
    assert question(summary[summary["kind"] != "question"], Config(name="x")) is None


def test_focus_in_one_sentence() -> None:
    summary = rows(
        claim("focus", 0.0132, 0.01, 0.02),
        claim("focus", 0.0135, 0.0, 0.02, "resnet18"),
        of_all("focus", 0.1, 0.78),
        of_all("focus", 1.0, 0.767),
    )
    (found,) = findings(summary, Config.model_validate({"name": "x", "measure": {"top_k": 3}}))
    assert (found.claim, found.verdict) == (3, "supported")
    for part in ("78.0%", "76.7%", "teacher's 3 most", "+1.3 points", "+1.0 to +2.0"):
        assert part in found.sentence.replace("\u202f", "").replace(" %", "%"), found.sentence


def association(subset: str, control: str, estimate: float, low: float, high: float, n: int = 9) -> dict[str, Any]:
    keys = {"kind": "association", "measure": "logit_alignment~rank_alignment", "method": IG, "importance": "density"}
    return {**keys, "subset": subset, "control": control, "estimate": estimate, "low": low, "high": high, "n": n}


def test_the_association_is_judged_within_networks_with_accuracy_held_fixed() -> None:
    summary = rows(
        association("images", "", 0.30, 0.2, 0.4),
        association("images", "accuracy", -0.10, -0.15, -0.05),
        association("cells", "", 0.90, 0.8, 0.95, n=11),
        {**association("images", "accuracy", 0.5, 0.4, 0.6), "method": "saliency"},
    )
    (found,) = findings(summary, Config(name="x"))
    assert (found.claim, found.verdict) == (4, "contradicted")
    for part in ("+0.30", "-0.10", "-0.15 to -0.05", "across the students", "+0.90"):
        assert part in found.sentence.replace("−", "-"), found.sentence
    few = Config.model_validate({"name": "x", "students": {"architectures": ["resnet18"]}})
    assert "across" not in findings(summary, few)[0].sentence, "three points are no trend"


def test_the_association_of_every_architecture_and_where_both_are_right() -> None:
    summary = rows(
        association("images", "", 0.30, 0.2, 0.4),
        association("images", "accuracy", 0.10, 0.05, 0.15),
        association("both right", "", -0.02, -0.06, 0.03),
        {**association("images", "accuracy", -0.25, -0.3, -0.2), "architecture": "resnet18"},
        {**association("images", "accuracy", 0.70, 0.6, 0.8), "architecture": "resnet18", "alpha": 0.1},
        {**association("both right", "", 0.12, 0.1, 0.14), "architecture": "resnet18"},
    )
    (found,) = findings(summary, Config(name="x"))
    assert [(one.architecture, one.verdict) for one in found.each] == [("resnet18", "contradicted")]
    assert "−0.25" in found.each[0].sentence
    assert "not settled" in found.detail
    assert "−0.02" in found.detail
    (right,) = findings(summary, Config(name="x"), Analysis(subset="both right"))
    assert (right.verdict, right.each[0].verdict, right.detail) == ("not settled", "supported", "")
    assert "get right" in right.sentence


def test_what_a_grid_cannot_ask_is_left_out() -> None:
    assert findings(rows(), Config(name="x")) == []
    undefined = rows(claim("rank_alignment", np.nan, np.nan, np.nan), association("images", "accuracy", np.nan, 0, 0))
    assert findings(undefined, Config(name="x")) == []
    alone = Made(known, architectures=["resnet50"], alphas=[1.0])
    assert findings(summarise(alone), alone.config) == []  # type: ignore[arg-type]


def test_a_claim_that_is_not_judged_says_why() -> None:
    summary = rows(claim("accuracy", 0.1, 0.05, 0.15), mean("accuracy", 0.1, 0.7), mean("accuracy", 1.0, 0.6))
    saliency = Config.model_validate({"name": "x", "explain": {"methods": ["saliency"]}})
    found = findings(summary, saliency)
    assert not_judged(found, saliency) == (
        "Claims 2, 3 and 4 are not judged: they take integrated gradients, which this study was made without."
    )
    plain = Config.model_validate({"name": "x", "students": {"alphas": [1.0]}})
    assert "nothing in this study was distilled" in not_judged([], plain)
    assert "no number for it" in not_judged(found, Config(name="x"))
    everything = [replace(found[0], claim=number) for number in (1, 2, 3, 4)]
    assert not_judged(everything, saliency) == ""


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_from_measures_to_verdicts(seeds: list[int]) -> None:
    """A distilled student is better, looks less like the teacher, and focuses neither more nor less."""
    effect = {"accuracy": 0.5, "rank_alignment": -0.3}

    def value(cell: Cell, measure: str) -> np.ndarray:
        count = TEST if measure in ("accuracy", "logit_alignment") else EXPLAINED
        distilled = cell.alpha == 0.1
        own = 0.1 * noise(cell.name, measure, count=count)
        if measure == "focus":
            own = 0.4 + 0.1 * noise(cell.name, measure, count=count)
        return own + distilled * effect.get(measure, 0.0)

    made = Made(value, seeds=seeds, alphas=[1.0, 0.1])
    found = findings(summarise(made), made.config)  # type: ignore[arg-type]
    assert [each.claim for each in found] == [1, 2, 3, 4]
    assert [each.verdict for each in found[:3]] == ["supported", "contradicted", "not settled"]
    for each in found:
        assert "nan" not in each.sentence
        assert each.sentence.endswith(".")
        assert re.search(r"\d", each.sentence)
    shown = float(re.search(r"([\d.]+) points more", found[0].sentence).group(1))  # type: ignore[union-attr]
    assert shown == pytest.approx(50, abs=5)


def test_names_as_people_write_them() -> None:
    assert nice_name("resnet101") == "ResNet101"
    assert nice_name("vit_b_16") == "vit_b_16"


def told(*given: dict[str, Any], **sections: Any) -> str:
    (found,) = findings(rows(*given), Config.model_validate({"name": "x", **sections}))
    return f"{found.sentence} {found.detail}"


@pytest.mark.parametrize(("low", "high"), [(-0.01, 0.02), (np.nan, np.nan)])
@pytest.mark.parametrize("estimate", [0.004, -0.004])
def test_what_is_not_settled_has_no_direction(estimate: float, low: float, high: float) -> None:
    said = told(claim("accuracy", estimate, low, high))
    assert "is not settled: a difference of" in said
    for word in ("points more", "points fewer", "nan"):
        assert word not in said
    said = told(association("images", "", 0.0, -0.1, 0.1), association("images", "accuracy", estimate, low, high))
    assert "is not settled: ρ" in said
    for word in ("also looks", "less alike", "nan"):
        assert word not in said


def test_students_are_called_smaller_only_where_they_are() -> None:
    row = claim("focus", 0.02, 0.01, 0.03)
    assert "students smaller than the teacher" in told(row)
    for teacher, student in (("resnet18", "resnet50"), ("resnet101", "vit_b_16")):
        grid = {"teacher": {"architecture": teacher}, "students": {"architectures": [teacher, student]}}
        assert "students of the other architectures" in told(row, **grid)


def test_a_teacher_that_is_less_accurate_than_its_students_is_named() -> None:
    row = claim("accuracy", -0.02, -0.03, -0.01)
    teacher = mean("accuracy", 1.0, 0.7, kind="cell", cell="resnet101-a1.0-s0", architecture="resnet101")
    better = mean("accuracy", 1.0, 0.75, architecture="resnet50"), mean("accuracy", 1.0, 0.71, architecture="resnet34")
    worse = mean("accuracy", 1.0, 0.6), mean("accuracy", 0.1, 0.9)
    said = told(row, teacher, *better, *worse)
    named = "The teacher itself (70.0%) is less accurate than undistilled ResNet50 (75.0%) and ResNet34 (71.0%)"
    assert f"{named}, though not told apart with certainty." in said
    sure = [{**row, "low": 0.701, "high": 0.8} for row in better]
    assert f"{named}." in told(row, teacher, *sure)
    assert "teacher itself" not in told(row, teacher, *worse)


def test_networks_no_better_than_untrained_are_named() -> None:
    row = claim("accuracy", 0.0, 0.0, 0.0)
    untrained = {**mean("accuracy", np.nan, 0.16, kind="control", control="random network"), "high": 0.17}
    assert "untrained" not in told(row, untrained, mean("accuracy", 0.1, 0.5), mean("accuracy", 1.0, 0.18))
    said = told(row, untrained, mean("accuracy", 0.1, 0.1667), mean("accuracy", 1.0, 0.5))
    assert "No more accurate than untrained, so what they look at means little: ResNet18 at α = 0.1 (16.7%)." in said


def test_on_a_subset_no_level_is_told_that_is_of_other_images() -> None:
    right = {"subset": "both right"}
    summary = rows(
        {**claim("rank_alignment", 0.12, 0.1, 0.14), **right},
        {**claim("rank_alignment", 0.12, 0.1, 0.14, "resnet18"), **right},
        {**mean("rank_alignment", 0.1, 0.76), **right},
        {**mean("rank_alignment", 1.0, 0.58), **right},
        of_all("rank_alignment", np.nan, 0.01, control="random network"),
    )
    (found,) = findings(summary, Config(name="x"), Analysis(subset="both right"))
    assert "changes how alike the teacher they rank the parts by +0.120" in found.sentence
    assert "0.76" not in found.sentence + found.each[0].sentence
    assert "For comparison, over all images: untrained networks (one of each) 0.01." in found.controls


@pytest.mark.parametrize(
    ("gradients", "saliency", "half", "want"),
    [
        (-0.3, -0.1, 0.05, "takes integrated gradients further from the teacher's than it takes saliency"),
        (-0.1, 0.1, 0.05, "brings saliency nearer the teacher's, and takes integrated gradients further from it"),
        (0.1, 0.3, 0.05, "moves saliency further towards the teacher's than integrated gradients"),
        (-0.01, 0.2, 0.05, "brings saliency nearer the teacher's, and whether it moves integrated gradients is not"),
        (0.01, -0.2, 0.05, "takes saliency further from the teacher's, and whether it moves integrated gradients is"),
        (-0.1, 0.1, 0.4, "does more for saliency than for integrated gradients, though whether it moves either is not"),
    ],
)
def test_the_first_question_has_the_directions_that_are_settled(
    gradients: float, saliency: float, half: float, want: str
) -> None:
    asked = {"kind": "question", "method": "integrated_gradients~saliency"}
    difference = gradients - saliency
    summary = rows(
        claim("rank_alignment", gradients, gradients - half, gradients + half),
        {**claim("rank_alignment", saliency, saliency - half, saliency + half), "method": "saliency"},
        {**claim("rank_alignment", difference, difference - 0.05, difference + 0.05), **asked},
    )
    found = question(summary, Config(name="x"))
    assert found is not None
    assert want in found.sentence
