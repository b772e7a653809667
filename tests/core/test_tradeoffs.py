"""Fronts and choices on tables whose answer is known, and beside a search of everything."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import tradeoffs
from core.config import Config, parse_config
from core.cost_measures import cost_rows
from core.summarise import COLUMNS
from core.tradeoffs import compression, front_sentence, pareto, points, references, smallest, students

IG = "integrated_gradients"


def test_the_front_is_what_no_other_beats() -> None:
    cost, quality = [1, 2, 3, 4, 2.5], [0.5, 0.7, 0.6, 0.9, 0.7]
    assert pareto(cost, quality).tolist() == [True, True, False, True, False]


def test_equals_stay_or_go_together() -> None:
    assert pareto([1, 1, 2], [0.5, 0.5, 0.5]).tolist() == [True, True, False]
    assert pareto([1, 1, 0.5], [0.5, 0.5, 0.5]).tolist() == [False, False, True]


def test_unknown_is_never_on_the_front_and_beats_nothing() -> None:
    nan = math.nan
    assert pareto([1, nan, 2, nan], [nan, 9, 0.1, nan]).tolist() == [False, False, True, False]
    assert pareto([], []).tolist() == []
    with pytest.raises(ValueError, match="as many costs as qualities"):
        pareto([1, 2], [1])


@pytest.mark.parametrize("seed", range(5))
def test_the_front_by_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, quality = rng.integers(0, 6, (2, 30)).astype(float)
    quality[rng.random(30) < 0.1] = np.nan

    def beaten(i: int) -> bool:
        return any(
            cost[j] <= cost[i] and quality[j] >= quality[i] and (cost[j] < cost[i] or quality[j] > quality[i])
            for j in range(30)
        )

    want = [not math.isnan(quality[i]) and not beaten(i) for i in range(30)]
    assert pareto(cost, quality).tolist() == want


def test_compression_is_the_teachers_cost_by_the_students() -> None:
    assert compression(np.array([50.0, 200.0, 100.0]), 100.0).tolist() == [2.0, 0.5, 1.0]


def config(seeds: tuple[int, ...] = (0, 1)) -> Config:
    tree = {
        "name": "made",
        "teacher": {"architecture": "resnet50"},
        "students": {"architectures": ["resnet50", "resnet18"], "alphas": [1.0, 0.1], "seeds": list(seeds)},
    }
    return parse_config(tree, Path("made.toml"))


def row(kind: str, measure: str, estimate: float, **more: Any) -> dict[str, Any]:
    text = dict.fromkeys(["cell", "architecture", "seed", "method", "importance", "outside", "control"], "")
    numbers = {"alpha": math.nan, "n": 2, "skipped": 0, "low": estimate - 0.01, "high": estimate + 0.01}
    numbers["explanation_weight"] = 0.0
    return {**text, **numbers, "subset": "all", "kind": kind, "measure": measure, "estimate": estimate, **more}


RANK = {"method": IG, "importance": "density"}
GRID = {("resnet50", 1.0): (0.8, 0.7), ("resnet50", 0.1): (0.82, 0.75), ("resnet18", 1.0): (0.9, 0.4)}
GRID |= {("resnet18", 0.1): (0.72, 0.6)}
"""Accuracy and rank alignment."""


def summary(controls: bool = True) -> pd.DataFrame:
    rows = []
    for (architecture, alpha), (accuracy, rank) in GRID.items():
        where = {"architecture": architecture, "alpha": alpha, "seed": "all"}
        rows.append(row("group", "accuracy", accuracy, **where))
        rows.append(row("group", "accuracy", 0.01, **where | {"subset": "both right"}))
        rows.append(row("group", "rank_alignment", rank, **where, **RANK))
        rows.append(row("group", "rank_alignment", 0.99, **where, **RANK | {"importance": "mass"}))
        rows.append(row("group", "rank_alignment", rank - 0.2, **where, **RANK | {"method": "saliency"}))
        rows.append(row("group", "focus", rank / 2, **where, **RANK, outside="parts"))
        rows.append(row("group", "focus", 0.01, **where, **RANK, outside="image"))
        if controls:
            rows.append(row("control", "rank_alignment", rank / 10, **where, **RANK, control="shuffled"))
            rows.append(row("normalised", "rank_alignment", rank + 0.3, **where, **RANK))
    if controls:
        again = {"architecture": "resnet50", "alpha": 1.0, "seed": "all", "control": "retrained teacher"}
        rows.append(row("control", "rank_alignment", 0.7, **again, **RANK))
        untrained = {"architecture": "resnet18", "control": "random network"}
        rows.append(row("control", "rank_alignment", 0.05, **untrained, **RANK))
        rows.append(row("cell", "accuracy", 0.1, cell="resnet18-random-s0", architecture="resnet18"))
    teacher = {"cell": "resnet50-a1.0-s0", "architecture": "resnet50", "alpha": 1.0, "seed": "0"}
    rows += [row("cell", "accuracy", 0.75, **teacher), row("cell", "rank_alignment", 1.0, **teacher, **RANK)]
    rows += [row("cell", "focus", 0.5, **teacher, **RANK, outside="parts")]
    rows += [row("control", "rank_alignment", 9.0, **teacher, **RANK, control="shuffled")]
    mine = {"cell": "mine", "architecture": "resnet18"}
    rows += [row("cell", "accuracy", 0.6, **mine), row("cell", "rank_alignment", 0.3, **mine, **RANK)]
    costs = pd.DataFrame(
        [
            ("", "resnet50", "parameters", 400.0),
            ("", "resnet18", "parameters", 100.0),
            ("mine", "resnet18", "parameters", 50.0),
            ("", "resnet50", "macs", 8.0),
            ("", "resnet18", "macs", 16.0),
        ],
        columns=["cell", "architecture", "measure", "estimate"],
    )
    costs = costs.assign(low=costs["estimate"], high=costs["estimate"], n=1)
    return pd.concat([pd.DataFrame(rows)[COLUMNS], cost_rows(costs)], ignore_index=True)


def test_points_are_the_rows_of_the_summary_with_their_cost() -> None:
    table = points(summary(), config(), "parameters", "rank_alignment").set_index(["network", "alpha"])
    assert table["estimate"].dropna().to_list() == [0.7, 0.75, 0.4, 0.6, 0.3]
    assert table["ratio"].to_list() == [1, 1, 4, 4, 8]
    assert table["role"].to_list() == ["retrained", "student", "student", "student", "imported"]
    assert table.loc[("ResNet18", 0.1), ["cost", "low", "high", "n", "seeds"]].to_list() == [100, 0.59, 0.61, 2, 2]
    assert [name for name, _ in table.index] == ["ResNet50"] * 2 + ["ResNet18"] * 2 + ["mine"]


def test_the_method_counts_where_there_are_maps_and_the_primary_analysis_elsewhere() -> None:
    saliency = points(summary(), config(), "macs", "rank_alignment", "saliency")
    assert saliency["estimate"].to_list() == pytest.approx([0.5, 0.55, 0.2, 0.4])
    assert saliency["ratio"].to_list() == [1, 1, 0.5, 0.5]
    assert points(summary(), config(), "macs", "accuracy", "saliency")["estimate"].to_list() == [0.8, 0.82, 0.9, 0.72]
    assert set(points(summary(), config(), "macs", "accuracy")["role"]) == {"student"}
    assert points(summary(), config(), "macs", "focus")["estimate"].to_list() == [0.35, 0.375, 0.2, 0.3]


def test_references_are_those_that_the_summary_has() -> None:
    shown = points(summary(), config(), "parameters", "rank_alignment")
    found = references(summary(), config(), shown, "rank_alignment")
    assert found == {"by chance, on average": pytest.approx(0.06125), "the teacher trained anew": 0.7}
    one = shown[shown["network"] == "ResNet18"]
    assert references(summary(), config(), one, "rank_alignment")["by chance, on average"] == pytest.approx(0.05)
    assert references(summary(), config(), shown, "accuracy") == {"the teacher itself": 0.75}
    assert references(summary(), config(), shown, "focus") == {"the teacher itself": 0.5}
    assert references(summary(controls=False), config(), shown, "rank_alignment") == {}
    assert references(summary(), config(), shown.iloc[:0], "accuracy") == {"the teacher itself": 0.75}


def test_students_beside_the_teacher() -> None:
    table = students(summary(), config(), "parameters").set_index(["network", "alpha"])
    assert len(table) == 4, "the teacher is no student of its own"
    distilled = table.loc[("ResNet18", 0.1)]
    assert distilled["accuracy_kept"] == pytest.approx(0.72 / 0.75)
    known = distilled[["looking", "chance", "retrained", "normalised"]].to_list()
    assert known == pytest.approx([0.6, 0.06, 0.7, 0.9])
    bare = students(summary(controls=False), config(), "parameters")
    assert bare[["chance", "retrained", "normalised"]].isna().all(axis=None)


def test_the_smallest_that_keeps_enough() -> None:
    table = students(summary(), config(), "parameters")
    answer = smallest(table, 0.9, 0.5)
    assert answer.row["network"] == "ResNet18"
    assert answer.sentence.replace("\u00a0", " ") == (
        "By parameters, the smallest student shown that keeps at least 90 % of the teacher's accuracy and 50 % of its "
        "looking (ρ = 0.50) is ResNet18 distilled at α = 0.1: 4.0 times fewer parameters than the teacher, 96.0 % of "
        "its accuracy and a rank alignment of ρ = 0.60 with it (by chance 0.06, the teacher trained anew 0.70, 90.0 % "
        "of the way from chance to there)."
    )
    assert smallest(table, 0.5, 0.2).row["network"] == "mine"
    assert smallest(table, 1.0, 0.7).row["network"] == "ResNet50"
    assert smallest(table, 1.0, 0.0).row["alpha"] == 1.0


def test_where_none_keeps_enough_the_nearest_is_named() -> None:
    answer = smallest(students(summary(controls=False), config(), "macs"), 0.95, 0.8, "macs")
    assert answer.row is None
    assert answer.sentence.replace("\u00a0", " ") == (
        "No student shown keeps at least 95 % of the teacher's accuracy and 80 % of its looking (ρ = 0.80). The "
        "nearest is ResNet50 distilled at α = 0.1: as many multiply-accumulates as the teacher, 109.3 % of its "
        "accuracy and a rank alignment of ρ = 0.75 with it."
    )


def test_nobody_to_choose_from_is_a_sentence() -> None:
    table = students(summary(), config(), "parameters")
    for none in (table.iloc[:0], table.assign(looking=math.nan), students(summary(), config(), "latency_cuda")):
        assert smallest(none, 0.5, 0.5).row is None
        assert smallest(none, 0.5, 0.5).sentence.startswith("No student shown has a cost")


def test_of_the_same_cost_the_one_that_looks_more_alike() -> None:
    about = {"architecture": "x", "ratio": 2.0, "accuracy": 0.9, "chance": 0.0, "retrained": 1.0, "normalised": 0.5}
    table = pd.DataFrame(
        [("a", 1.0, 5.0, 0.9, 0.6), ("a", 0.1, 5.0, 0.8, 0.7), ("b", 0.1, 6.0, 1.0, 0.9)],
        columns=["network", "alpha", "cost", "accuracy_kept", "looking"],
    ).assign(explanation_weight=0.0, **about)
    assert smallest(table, 0.8, 0.6).row["alpha"] == 0.1
    assert smallest(table, 0.85, 0.6).row["alpha"] == 1.0
    assert smallest(table, 0.8, 0.6).row["looking"] == 0.7


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_by_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"network": [f"n{i}" for i in range(20)], "alpha": 0.1, "ratio": 1.0})
    table = table.assign(
        cost=rng.permutation(20.0 + np.arange(20)), accuracy_kept=rng.random(20), looking=rng.random(20)
    )
    table = table.assign(chance=math.nan, retrained=math.nan, normalised=math.nan, explanation_weight=0.0)
    for least in np.linspace(0, 1, 6):
        answer = smallest(table, least, 0.3)
        fit = table[(table["accuracy_kept"] >= least) & (table["looking"] >= 0.3)]
        if fit.empty:
            short = [max(least - a, 0.3 - b) for a, b in zip(table["accuracy_kept"], table["looking"], strict=True)]
            assert f" n{int(np.argmin(short))} distilled" in answer.sentence
        else:
            assert answer.row["cost"] == fit["cost"].min()


def test_the_front_in_words() -> None:
    table = points(summary(), config(), "parameters", "rank_alignment")
    table["front"] = pareto(table["cost"], table["estimate"])
    assert front_sentence(table, "parameters", "Rank alignment", ".2f") == (
        "Weighing parameters against rank alignment, no other network shown beats mine (8.0 times fewer parameters "
        "than the teacher, rank alignment 0.30), ResNet18 distilled at α = 0.1 (4.0 times, 0.60) and ResNet50 "
        "distilled at α = 0.1 (as many parameters as the teacher, 0.75)."
    )
    one = front_sentence(table.iloc[:1].assign(front=True), "parameters", "KL divergence", ".2f")
    assert one.endswith("beats ResNet50 undistilled (as many parameters as the teacher, KL divergence 0.70).")
    assert "Choose more" in front_sentence(table.iloc[:0], "parameters", "Rank alignment", ".2f")


def test_what_a_summary_has() -> None:
    assert tradeoffs.measured_costs(summary()) == ["parameters", "macs"]
    assert tradeoffs.measured_qualities(summary()) == ["accuracy", "rank_alignment", "focus"]
    unknown = summary()
    unknown.loc[unknown["measure"] == "focus", "estimate"] = math.nan  # as top-5 agreement is with four classes
    assert tradeoffs.measured_qualities(unknown) == ["accuracy", "rank_alignment"]
    before = summary().query("kind != 'cost'")
    assert tradeoffs.measured_costs(before) == []
    assert points(before, config(), "parameters", "accuracy").empty
