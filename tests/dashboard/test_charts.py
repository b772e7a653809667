"""Charts: intervals, colours that keep their meaning and can be told apart, words in the tooltips."""

import json
from typing import Any

import altair as alt
import pandas as pd
import pytest

from core import literature
from core.figures import charts, effects, encoding, images, matrix, ranks, tables
from core.study import open_study
from dashboard import charts as figures
from dashboard import frame, loaded
from dashboard.state import Choices, cells

BACKGROUND = {"light": "#ffffff", "dark": "#191817"}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def wide(alphas: tuple[float, ...] = (1.0, 0.5, 0.1), name: str = "wide") -> Choices:
    study = open_study(name)
    return Choices(study, study.config.students.architectures, list(alphas), "integrated_gradients")


def layers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return spec["layer"]


def rows(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    return spec["datasets"][layer.get("data", spec.get("data"))["name"]]


def colours(spec: dict[str, Any]) -> dict[str, str]:
    scale = next(layer["encoding"]["color"]["scale"] for layer in layers(spec) if "color" in layer["encoding"])
    return dict(zip(scale["domain"], scale["range"], strict=True))


def dots(choices: Choices, **more: Any) -> dict[str, Any]:
    table = tables.students(tables.estimates(choices.view, "rank_alignment", "density"))
    return charts.dots(table, "rank_alignment", frame.names(choices), frame.alphas(choices), **more)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_colours_of_alpha_are_readable_and_ordered(theme: str, count: int) -> None:
    ramp = encoding.ramp(count, theme)
    seen = [contrast(colour, BACKGROUND[theme]) for colour in ramp]
    assert seen == sorted(seen)
    assert len(set(ramp)) == count
    assert min(seen) > 2.7
    assert contrast(encoding.QUIET[theme], BACKGROUND[theme]) > 4.5
    assert contrast(encoding.INK[theme], BACKGROUND[theme]) > 4.5


@pytest.mark.usefixtures("cache")
def test_every_point_has_its_interval_and_words() -> None:
    spec = dots(wide())
    rule, point = (next(x for x in layers(spec) if x["mark"]["type"] == kind) for kind in ("rule", "point"))
    assert rule["encoding"]["y"]["field"] == "low"
    assert rule["encoding"]["y2"]["field"] == "high"
    assert rule["encoding"]["x"] == point["encoding"]["x"]
    first = rows(spec, point)[0]
    assert {"value", "interval", "counted", "trained"} <= set(first)
    assert "trainings" in first["counted"]
    fields = {each["field"] for each in point["encoding"]["tooltip"]}
    assert "image" not in fields


@pytest.mark.usefixtures("cache")
def test_an_alpha_keeps_its_colour_and_shape_whatever_is_shown() -> None:
    assert colours(dots(wide())) == colours(dots(wide((0.1,))))


@pytest.mark.usefixtures("cache")
def test_references_have_their_own_legends() -> None:
    choices = wide()
    chance = tables.control(choices.view, "shuffled", "density")
    spec = dots(choices, chance=chance, lines={"by part size alone": 0.2, "nothing": float("nan")})
    names = [row[key] for x in layers(spec) for row in rows(spec, x) for key in ("what", "line") if key in row]
    assert set(names) == {"by chance", "by part size alone"}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_specs_are_json_without_nan(theme: str) -> None:
    choices = wide()
    alphas, names = frame.alphas(choices), frame.names(choices)
    spread = tables.spreads(choices.view, "density")
    shares = tables.part_shares(choices.view, "resnet18")
    history = loaded.histories(choices.study, cells(choices))
    specs = [
        dots(choices, poster=literature.poster_logits(choices.view), theme=theme),
        charts.spreads(spread, "rank_alignment", names, alphas, theme=theme),
        charts.curves(history, "validation_accuracy", "Accuracy", alphas, theme=theme),
        charts.parts(shares, alphas, sorted(set(shares["part"])), theme=theme),
        charts.together(tables.together(choices.view), alphas, theme=theme),
        effects.effects(tables.effects(choices.view), "Change in rank alignment", theme=theme),
    ]
    for spec in specs:
        json.dumps(spec, allow_nan=False)


@pytest.mark.usefixtures("cache")
def test_teacher_is_in_no_estimate_of_alignment() -> None:
    table = tables.estimates(wide(name="tiny").view, "rank_alignment", "density")
    pupils = tables.students(table)
    assert not ((pupils["network"] == "ResNet34") & (pupils["alpha"] == 1.0)).any()
    assert tables.teacher_value(table) == pytest.approx(1.0)


@pytest.mark.usefixtures("cache")
def test_retrained_teacher_is_named() -> None:
    table = tables.estimates(wide().view, "rank_alignment", "density")
    again = table[(table["network"] == "ResNet34") & (table["alpha"] == 1.0) & (table["role"] != "teacher")]
    assert again["role"].to_list() == ["retrained"]


@pytest.mark.usefixtures("cache")
def test_order_is_that_of_the_study() -> None:
    table = tables.students(tables.estimates(wide().view, "accuracy"))
    assert table["network"].drop_duplicates().to_list() == ["ResNet34", "ResNet18"]
    assert table["alpha"].to_list() == [1.0, 0.5, 0.1] * 2


@pytest.mark.usefixtures("cache")
def test_shares_of_parts_are_at_most_the_whole() -> None:
    shares = tables.part_shares(wide().view, "resnet18")
    assert shares["share"].between(0, 1).all()
    assert set(shares["role"]) == {"teacher", "student"}


def test_sentence_names_both_ends() -> None:
    table = pd.DataFrame(
        {"network": ["A", "A", "B"], "alpha": [1.0, 0.1, 0.1], "role": "student", "estimate": [0.5, 0.75, 9.0]}
    ).assign(seeds=1)
    said = frame.levels(table, "rank_alignment", 0.125)
    assert said == (
        "On average the students shown reach a rank alignment of 0.50 when they learn alone (α = 1.0) and 0.75 when "
        "distilled at α = 0.1; by chance it would be 0.12."
    )
    assert "Choose more" in frame.levels(table.iloc[:0], "rank_alignment")
    itself = pd.concat([table, table.iloc[:1].assign(role="teacher")])
    assert "learn alone" not in frame.levels(itself, "accuracy")  # the teacher is no student of its own


def test_a_table_has_a_dash_where_there_is_no_number() -> None:
    rows = pd.DataFrame({"network": ["A", "A", "B"], "alpha": [1.0, 0.1, 0.1], "estimate": [0.5, 0.25, 0.75]})
    assert tables.as_table(rows, ["A", "B"]).to_numpy().tolist() == [["0.50", "–"], ["0.25", "0.75"]]


@pytest.mark.usefixtures("cache")
def test_every_label_of_an_axis_stands_by_its_line() -> None:
    for spec in (dots(wide()), charts.together(tables.together(wide().view), [1.0, 0.5, 0.1])):
        assert spec["config"]["axis"]["labelFlush"] is False
        assert spec["config"]["axis"]["labelBound"] is False


@pytest.mark.usefixtures("cache")
def test_names_in_the_plot_of_both_alignments_have_room_and_a_place() -> None:
    spec = charts.together(tables.together(wide().view), [1.0, 0.5, 0.1])
    text = next(layer for layer in layers(spec) if layer["mark"]["type"] == "text")
    low, high = text["encoding"]["y"]["scale"]["domain"]
    placed = rows(spec, text)
    for row in placed:
        assert low < row["low_rank"] <= row["high_rank"] < high
        assert (row["dx"], row["dy"]) != (0, 0)
    for layer in layers(spec):
        assert layer["encoding"]["y"]["scale"]["domain"] == [low, high], "else the axis would begin at 0"


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_matrix_below_has_every_number_under_its_network(theme: str) -> None:
    choices = wide()
    table = tables.students(tables.estimates(choices.view, "rank_alignment", "density"))
    spec = dots(choices, numbers=True, theme=theme)
    boxes = [layer for layer in layers(spec) if layer["mark"]["type"] == "rect"]
    found = {(row["network"], row["alpha"]): row["number"] for box in boxes for row in rows(spec, box)}
    want = {(row.network, row.alpha): f"{row.estimate:.2f}" for row in table.itertuples()}
    assert found == want
    axes = [layer["encoding"]["x"]["axis"]["offset"] for layer in layers(spec) if "axis" in layer["encoding"]["x"]]
    assert set(axes) == {matrix.height(table)}, "the names of the networks stand below it"
    assert matrix.height(table) >= matrix.ROW * 3
    json.dumps(spec, allow_nan=False)


def test_many_networks_have_no_matrix_and_imported_ones_a_row_of_their_own() -> None:
    many = pd.DataFrame({"network": [str(i) for i in range(matrix.WIDEST + 1)], "alpha": 1.0, "estimate": 0.5})
    assert matrix.height(many) == 0
    few = many.head(2).assign(alpha=[1.0, float("nan")])
    assert matrix.height(few) == 2 * matrix.ROW + matrix.GAP
    drawn = matrix.matrix(few, alt.X("network:N"), ".2f", "light", {})
    named = [layer.data["row"].iloc[0] for layer in drawn if "row" in layer.data]
    assert named == ["α 1.0", "imported"]


@pytest.mark.usefixtures("cache")
def test_marks_lead_where_the_table_says_and_nowhere_without() -> None:
    choices = wide()
    table = tables.students(tables.estimates(choices.view, "rank_alignment", "density"))
    for given, led in ((table, False), (table.assign(link="explanations?student=x"), True)):
        spec = charts.dots(given, "rank_alignment", frame.names(choices), frame.alphas(choices), numbers=True)
        own = [layer for layer in layers(spec) if layer["mark"]["type"] in ("point", "rect", "rule")]
        assert [("href" in layer["encoding"]) for layer in own] == [led] * len(own)


RANKS = pd.DataFrame({"part": ["beak", "tail", "leg"], "teacher": [1, 2, 3], "a": [2, 2, 1], "b": [None, 1, 2]})


def test_slopes_go_from_the_teachers_order_to_the_students() -> None:
    spec = ranks.rank_slopes(RANKS)
    places = {(row["network"], row["part"]): row["place"] for row in rows(spec, layers(spec)[0])}
    assert [places["teacher", part] for part in RANKS["part"]] == [1, 2, 3]
    assert [places["a", part] for part in ("leg", "beak", "tail")] == [1, 2, 3], "equals one below the other"
    assert ("b", "beak") not in places
    left, right = (layer["encoding"]["y"]["axis"] for layer in layers(spec))
    assert (left["orient"], right["orient"]) == ("left", "right")
    assert left["labelExpr"] == '["beak", "tail", "leg"][datum.value - 1]'
    assert right["labelExpr"] == '["tail", "leg", ""][datum.value - 1]'


def test_a_name_of_a_part_is_text_in_the_slopes() -> None:
    evil = RANKS.replace("beak", 'it\'s </script> "x"')
    axis = layers(ranks.rank_slopes(evil))[0]["encoding"]["y"]["axis"]
    names = ['it\'s </script> "x"', "tail", "leg"]
    assert axis["labelExpr"] == f"{json.dumps(names)}[datum.value - 1]"


@pytest.mark.usefixtures("cache")
def test_a_figure_has_its_numbers_without_their_addresses() -> None:
    table = tables.students(tables.estimates(wide().view, "rank_alignment", "density"))
    figure = figures.dots(table.assign(link="explanations?x"), "rank_alignment", ["ResNet34"], [1.0, 0.5, 0.1])
    pd.testing.assert_frame_equal(figure.table, table)
    assert figure.leads
    assert not figures.dots(table, "rank_alignment", ["ResNet34"], [1.0]).leads
    assert figure.svg("name").startswith("<svg")
    assert figure.png().startswith(b"\x89PNG")


def test_the_mean_of_a_class_has_an_interval_and_few_images_have_none() -> None:
    table = pd.DataFrame({"name": ["a"] * 5 + ["b"], "value": [0.1, 0.2, 0.3, 0.4, float("nan"), 0.9]})
    found = images.by_class(table, "value").set_index("name")
    from scipy import stats

    low, high = stats.ttest_1samp([0.1, 0.2, 0.3, 0.4], 0).confidence_interval()
    assert found.loc["a", ["low", "high"]].to_list() == pytest.approx([low, high])
    assert found.loc["a", ["n", "skipped"]].to_list() == [4, 1]
    assert found.loc["b", ["low", "high"]].isna().all()
