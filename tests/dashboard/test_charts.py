"""Charts: intervals, colours that keep their meaning and can be told apart, words in the tooltips."""

import json
import re
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd
import pytest
import vl_convert

from core import literature
from core.figures import charts, effects, encoding, images, matrix, ranks, tables
from core.study import open_study
from dashboard import charts as figures
from dashboard import frame, loaded
from dashboard.state import Choices, cells

NAN = float("nan")
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


@pytest.mark.usefixtures("shared")
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


@pytest.mark.usefixtures("shared")
def test_an_alpha_keeps_its_colour_and_shape_whatever_is_shown() -> None:
    assert colours(dots(wide())) == colours(dots(wide((0.1,))))


@pytest.mark.usefixtures("shared")
def test_references_have_their_own_legends() -> None:
    choices = wide()
    chance = tables.control(choices.view, "shuffled", "density")
    spec = dots(choices, chance=chance, lines={"by part size alone": 0.2, "nothing": float("nan")})
    names = [row[key] for x in layers(spec) for row in rows(spec, x) for key in ("what", "line") if key in row]
    assert set(names) == {"by chance", "by part size alone"}


@pytest.mark.usefixtures("shared")
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


@pytest.mark.usefixtures("shared")
def test_teacher_is_in_no_estimate_of_alignment() -> None:
    table = tables.estimates(wide(name="tiny").view, "rank_alignment", "density")
    pupils = tables.students(table)
    assert not ((pupils["network"] == "ResNet34") & (pupils["alpha"] == 1.0)).any()
    assert tables.teacher_value(table) == pytest.approx(1.0)


@pytest.mark.usefixtures("shared")
def test_retrained_teacher_is_named() -> None:
    table = tables.estimates(wide().view, "rank_alignment", "density")
    again = table[(table["network"] == "ResNet34") & (table["alpha"] == 1.0) & (table["role"] != "teacher")]
    assert again["role"].to_list() == ["retrained"]


@pytest.mark.usefixtures("shared")
def test_order_is_that_of_the_study() -> None:
    table = tables.students(tables.estimates(wide().view, "accuracy"))
    assert table["network"].drop_duplicates().to_list() == ["ResNet34", "ResNet18"]
    assert table["alpha"].to_list() == [1.0, 0.5, 0.1] * 2


@pytest.mark.usefixtures("shared")
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


@pytest.mark.usefixtures("shared")
def test_every_label_of_an_axis_stands_by_its_line() -> None:
    for spec in (dots(wide()), charts.together(tables.together(wide().view), [1.0, 0.5, 0.1])):
        assert spec["config"]["axis"]["labelFlush"] is False
        assert spec["config"]["axis"]["labelBound"] is False


@pytest.mark.usefixtures("shared")
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


@pytest.mark.usefixtures("shared")
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


@pytest.mark.usefixtures("shared")
def test_marks_lead_where_the_table_says_and_nowhere_without() -> None:
    choices = wide()
    table = tables.students(tables.estimates(choices.view, "rank_alignment", "density"))
    for given, led in ((table, False), (table.assign(link="explanations?student=x"), True)):
        spec = charts.dots(given, "rank_alignment", frame.names(choices), frame.alphas(choices), numbers=True)
        own = [layer for layer in layers(spec) if layer["mark"]["type"] in ("point", "rect", "rule")]
        assert [("href" in layer["encoding"]) for layer in own] == [led] * len(own)


@pytest.mark.usefixtures("shared")
def test_a_mark_that_leads_nowhere_does_not_look_as_if_it_did() -> None:
    table = tables.students(tables.estimates(wide().view, "rank_alignment", "density")).assign(link="")
    spec = charts.dots(table, "rank_alignment", ["ResNet34"], [1.0, 0.5, 0.1], numbers=True)
    cursors = [layer["mark"].get("cursor") for layer in layers(spec) if "href" in layer["encoding"]]
    assert cursors
    assert all(cursor == encoding.POINTER for cursor in cursors)
    assert spec["usermeta"]["embedOptions"]["renderer"] == "svg", "on a canvas no mark leads anywhere"


@pytest.mark.parametrize("count", [2, 3, 5, 12, 15])
def test_every_rank_is_readable_on_its_colour(count: int) -> None:
    parts = [f"part {place}" for place in range(count)]
    spec = ranks.rank_matrix(pd.DataFrame({"part": parts, "teacher": range(1, count + 1)}))
    cells = next(iter(spec["datasets"].values()))
    assert [cell["rank"] for cell in cells] == list(range(1, count + 1))
    for cell in cells:
        assert contrast(cell["ink"], cell["fill"]) >= 4.5, cell
    assert (cells[0]["fill"], cells[-1]["fill"]) == (ranks.BLUES[0], ranks.BLUES[-1])
    for layer, field in zip(layers(spec), ("fill", "ink"), strict=True):
        assert layer["encoding"]["color"] == {"field": field, "scale": None, "type": "nominal"}


RANKS = pd.DataFrame({"part": ["beak", "tail", "leg"], "teacher": [1, 2, 3], "a": [2, 2, 1], "b": [None, 1, 2]})


def test_slopes_go_from_the_teachers_order_to_the_students() -> None:
    spec = ranks.rank_slopes(RANKS, 5)
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
    axis = layers(ranks.rank_slopes(evil, 5))[0]["encoding"]["y"]["axis"]
    names = ['it\'s </script> "x"', "tail", "leg"]
    assert axis["labelExpr"] == f"{json.dumps(names)}[datum.value - 1]"


@pytest.mark.usefixtures("shared")
def test_a_figure_has_its_numbers_without_their_addresses() -> None:
    table = tables.students(tables.estimates(wide().view, "rank_alignment", "density"))
    figure = figures.dots(table.assign(link="explanations?x"), "rank_alignment", ["ResNet34"], [1.0, 0.5, 0.1])
    pd.testing.assert_frame_equal(figure.table, table)
    assert list(figure.links) == ["explanations?x"]
    assert not figures.dots(table, "rank_alignment", ["ResNet34"], [1.0]).links
    assert figure.svg("name").startswith("<svg")
    assert "<a " not in figure.svg("name"), "an address of the dashboard's, which a file would take for another host's"
    assert "vega.github.io" not in figure.svg("name")
    assert figure.png().startswith(b"\x89PNG")


@pytest.mark.usefixtures("shared")
def test_the_file_of_a_figure_has_every_number_that_is_drawn() -> None:
    view = wide().view
    table = tables.students(tables.estimates(view, "logit_alignment"))
    chance, untrained = (tables.control(view, of, measure="logit_alignment") for of in ("shuffled", "random network"))
    poster = literature.poster_logits(view)
    lines = {"a line": 0.25, "none": float("nan")}
    figure = figures.dots(
        table, "logit_alignment", ["ResNet34"], [1.0], lines, chance=chance, poster=poster, untrained=untrained
    )
    found = figure.table
    drawn = [value for data in figure.spec("light")["datasets"].values() for row in data for value in row.values()]
    assert set(found["estimate"].dropna()) <= set(drawn)
    count = found["role"].value_counts().to_dict()
    assert len(chance) == count.pop("by chance") > 1
    assert len(poster) == count.pop("the poster") > 1
    assert len(untrained) == count.pop("never trained") == 2
    assert count.pop("a line") == 1
    assert sum(count.values()) == len(table)
    assert found["n"].head(len(table)).to_list() == table["n"].to_list()
    assert "." not in figure.table.to_csv(index=False, columns=["n"]), "counts are whole numbers"


def test_the_file_of_a_chart_of_classes_has_images_means_and_the_line() -> None:
    table = pd.DataFrame({"image": [1, 2], "name": ["a", "b"], "kept": True, "value": [0.5, 0.25], "link": ["x?", ""]})
    figure = figures.classes(table, images.by_class(table, "value"), "value", "Value", {"all": 0.375})
    assert figure.table["role"].to_list() == ["image", "image", "mean of a class", "mean of a class", "all"]
    assert figure.table["value"].dropna().to_list() == [0.5, 0.25, 0.375]
    assert figure.table["mean"].dropna().to_list() == [0.25, 0.5]
    assert figure.links == {"x?": "a, image 1"}


@pytest.mark.usefixtures("shared")
def test_a_network_that_was_never_trained_is_a_mark_of_its_own() -> None:
    choices = wide((0.5,))
    untrained = tables.control(choices.view, "random network", "density")
    summary = choices.view.summary
    known = summary[(summary["kind"] == "control") & (summary["control"] == "random network")]
    known = known[(known["measure"] == "rank_alignment") & (known["importance"] == "density")]
    known = known[known["method"] == "integrated_gradients"].set_index("architecture")["estimate"]
    found = untrained.set_index("architecture")["estimate"]
    assert found.to_dict() == known.to_dict()
    spec = dots(choices, chance=tables.control(choices.view, "shuffled", "density"), untrained=untrained)
    (cross,) = (layer for layer in layers(spec) if layer["mark"].get("shape") == charts.CROSS)
    assert "xOffset" not in cross["encoding"], "it has no α"
    assert [row["estimate"] for row in rows(spec, cross)] == untrained["estimate"].to_list()
    assert cross["encoding"]["strokeWidth"]["legend"]["symbolType"] == charts.CROSS


def test_training_is_drawn_as_a_mean_with_what_lies_between_its_runs() -> None:
    history = pd.DataFrame(
        {"network": "A", "alpha": [1.0] * 5 + [0.5], "epoch": [1, 2, 1, 2, 3, 1], "loss": [4.0, 2, 2, 1, NAN, 7]}
    )
    found = tables.course(history, "loss")
    want = [("A", 1.0, 1, 3.0, 2.0, 4.0, 2), ("A", 1.0, 2, 1.5, 1.0, 2.0, 2), ("A", 0.5, 1, 7.0, 7.0, 7.0, 1)]
    assert list(found.itertuples(index=False, name=None)) == want
    band, line, points = layers(charts.curves(found, "loss", "Loss", [1.0, 0.5]))
    assert (band["mark"]["type"], band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == (
        "area",
        "lowest",
        "highest",
    )
    assert line["encoding"]["y"]["field"] == points["encoding"]["y"]["field"] == "loss"
    assert len(layers(charts.curves(history, "loss", "Loss", [1.0, 0.5]))) == 2


def test_the_mean_of_a_class_has_an_interval_and_few_images_have_none() -> None:
    table = pd.DataFrame({"name": ["a"] * 5 + ["b"], "value": [0.1, 0.2, 0.3, 0.4, float("nan"), 0.9]})
    found = images.by_class(table, "value").set_index("name")
    from scipy import stats

    low, high = stats.ttest_1samp([0.1, 0.2, 0.3, 0.4], 0).confidence_interval()
    assert found.loc["a", ["low", "high"]].to_list() == pytest.approx([low, high])
    assert found.loc["a", ["n", "skipped"]].to_list() == [4, 1]
    assert found.loc["b", ["low", "high"]].isna().all()


def test_a_figure_of_a_visitors_own_is_kept_by_nobody() -> None:
    made: list[str] = []

    def build(table: pd.DataFrame, theme: str) -> dict[str, Any]:
        made.append(theme)
        return {}

    table = pd.DataFrame({"part": ["a"]})
    for figure in (figures.built_once(build)(table), figures.built(build, table)):
        for _ in range(2):
            figure.draw(figure, "light")
    assert len(made) == 1 + 2


def test_a_figure_is_built_anew_once_a_number_a_name_or_the_theme_is_another() -> None:
    made: list[str] = []

    def build(table: pd.DataFrame, lines: dict[str, float], theme: str) -> dict[str, Any]:
        made.append(theme)
        return {"datasets": {"rows": table.to_dict("records")}}

    figure, nan = figures.built_once(build), float("nan")
    table = pd.DataFrame({"part": ["a", None], "alpha": [0.1, nan], "n": [1, 2]})
    first = figure(table, {"chance": nan}).draw(figure(table, {"chance": nan}), "light")
    again = figure(table.copy(), lines={"chance": float("nan")})
    assert again.draw(again, "light").spec == first.spec
    made.clear()
    others = [
        *(
            table.assign(**{name: values})
            for name, values in (("part", ["a", "b"]), ("alpha", [0.1, 0.2]), ("n", [1, 3]))
        ),
        table.rename(columns={"n": "m"}),
        table.astype({"n": "float64"}),
    ]
    for each in others:
        other = figure(each, {"chance": nan})
        other.draw(other, "light")
    lined = figure(table, {"chance": 0.5})
    lined.draw(lined, "light")
    lined.draw(lined, "dark")
    assert len(made) == len(others) + 2


@pytest.mark.usefixtures("shared")
def test_every_reference_has_a_legend_of_its_own_one_below_the_other() -> None:
    """As it is drawn: legends of one field would be one, and side by side the last would leave a telephone's screen."""
    choices = wide()
    chance, untrained = (tables.control(choices.view, of, "density") for of in ("shuffled", "random network"))
    poster, lines = literature.poster_logits(choices.view), {"the teacher": 0.5}
    drawn = vl_convert.vegalite_to_svg(dots(choices, chance=chance, untrained=untrained, poster=poster, lines=lines))
    legend = r'legend for [^:"]*: ([^"]*)"><g transform="translate\(([-\d.]+),([-\d.]+)\)'
    found = [(name, float(x), float(y)) for name, x, y in re.findall(legend, drawn) if "0.5" not in name]
    assert {name for name, _, _ in found} == {"never trained", "by chance", "the poster", "the teacher"}
    assert len({x for _, x, _ in found}) == 1
    assert all(above[2] + 13 < below[2] for above, below in pairwise(found))
    mark = (
        r'role-legend-symbol"[^>]*><path transform="translate\(([\d.]+),.*?<text[^>]*translate\(([\d.]+),[^>]*>([^<]*)<'
    )
    for symbol, text, name in re.findall(mark, drawn):
        assert float(text) - float(symbol) > 9, f"the mark stands in '{name}'"
