"""The chart of costs and qualities: what is drawn where, and that it can be read."""

import json
import math
from typing import Any

import pandas as pd
import pytest

from core import measures
from core.figures.tradeoffs import FRONT, scatter, ticks
from core.measures import MEASURES, Measure
from core.tradeoffs import pareto

ALPHAS = [1.0, 0.5, 0.1]


def table(**more: Any) -> pd.DataFrame:
    rows = [
        ("ResNet50", 1.0, 400.0, 0.7),
        ("ResNet50", 0.5, 400.0, 0.8),
        ("ResNet18", 0.5, 100.0, 0.6),
        ("ResNet18", 0.1, 100.0, 0.5),
        ("mine", math.nan, 50.0, 0.4),
    ]
    found = pd.DataFrame(rows, columns=["network", "alpha", "cost", "estimate"])
    found = found.assign(low=found["estimate"] - 0.02, high=found["estimate"] + 0.03, ratio=400 / found["cost"])
    found = found.assign(role="student", n=3, skipped=0, seeds=3, **more)
    return found if "front" in found else found.assign(front=pareto(found["cost"], found["estimate"]))


def layers(spec: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == kind]


def rows(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    return spec["datasets"][layer.get("data", spec.get("data"))["name"]]


def test_points_stand_at_their_compression_a_little_apart() -> None:
    spec = scatter(table(), "parameters", "rank_alignment", ALPHAS)
    (point,) = layers(spec, "point")
    drawn = rows(spec, point)
    low, high = point["encoding"]["x"]["scale"]["domain"]
    for each in drawn:
        assert abs(math.log(each["x"] / each["ratio"])) < 0.02 * math.log(high / low)
        assert low < each["x"] < high
    assert len({round(each["x"], 6) for each in drawn}) == len(drawn), "none hides another"
    assert drawn[-1]["x"] == drawn[-1]["ratio"], "an imported network has no α"
    assert point["encoding"]["x"]["scale"]["type"] == "log"


def test_the_front_is_a_line_of_steps_through_its_points() -> None:
    spec = scatter(table(), "parameters", "rank_alignment", ALPHAS)
    (line,) = layers(spec, "line")
    assert line["mark"]["interpolate"] == "step-before"
    assert [each["estimate"] for each in rows(spec, line)] == [0.8, 0.6, 0.4]
    assert not layers(scatter(table(front=False), "parameters", "focus", ALPHAS), "line")


def test_references_are_named_and_told_apart() -> None:
    lines = {"by chance, on average": 0.1, "the teacher trained anew": 0.9}
    spec = scatter(table(), "parameters", "rank_alignment", ALPHAS, lines)
    rule = next(layer for layer in layers(spec, "rule") if "strokeDash" in layer["encoding"])
    assert {each["line"]: each["estimate"] for each in rows(spec, rule)} == lines
    scale = rule["encoding"]["strokeDash"]["scale"]
    assert set(scale["domain"]) == {FRONT, *lines}
    assert len({tuple(dash) for dash in scale["range"]}) == 3
    low, high = rule["encoding"]["y"]["scale"]["domain"]
    assert low < 0.1 < 0.9 < high


def test_intervals_and_words() -> None:
    spec = scatter(table(), "latency_cpu", "rank_alignment", ALPHAS)
    (bar,) = [layer for layer in layers(spec, "rule") if "y2" in layer["encoding"]]
    assert (bar["encoding"]["y"]["field"], bar["encoding"]["y2"]["field"]) == ("low", "high")
    (point,) = layers(spec, "point")
    first = rows(spec, point)[2]
    assert first["spends"] == "100 ms"
    assert first["compared"] == "4.0 times faster on the CPU than the teacher"
    assert first["beaten"] == "no"
    assert first["counted"] == "3 trainings"
    (text,) = layers(spec, "text")
    assert sorted(each["network"] for each in rows(spec, text)) == ["ResNet18", "ResNet50", "mine"], "each name once"


def test_where_lower_is_better_the_axis_is_turned_over(monkeypatch: pytest.MonkeyPatch) -> None:
    about = Measure("kl", "KL divergence", "How far.", (0.0, math.inf), "closer", None)
    monkeypatch.setitem(measures.MEASURES, "kl", MEASURES.get("kl", about))
    spec = scatter(table(), "parameters", "kl", ALPHAS, {"by chance, on average": 0.9})
    for layer in spec["layer"]:
        assert layer["encoding"]["y"]["scale"]["reverse"] is True
    (text,) = layers(spec, "text")
    named = {each["network"]: each["estimate"] for each in rows(spec, text)}
    assert named == {"ResNet18": 0.5, "ResNet50": 0.7, "mine": 0.4}, "at the best"
    assert scatter(table(), "parameters", "focus", ALPHAS)["layer"][0]["encoding"]["y"]["scale"]["reverse"] is False


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chart_is_json_without_nan_whatever_is_missing(theme: str) -> None:
    whole = table()
    nan = whole.assign(estimate=math.nan, low=math.nan, high=math.nan, front=False)
    mixed = pd.concat([whole.iloc[:2], nan.iloc[2:]])
    for shown in (whole, whole.iloc[:0], whole.iloc[:1], mixed, nan, whole.assign(ratio=1.0)):
        for lines in ({"the teacher itself": 0.7}, {}):
            spec = scatter(shown, "parameters", "accuracy", ALPHAS, lines, theme=theme)
            json.dumps(spec, allow_nan=False)


def test_the_axis_is_marked_at_round_compressions() -> None:
    assert ticks([0.9, 4.4]) == [1, 2, 3]
    assert ticks([0.15, 31]) == [0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 30]
    assert ticks([1, 100]) == [1, 2, 3, 5, 10, 20, 30, 50, 100]
