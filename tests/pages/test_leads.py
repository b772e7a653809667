"""What a mark of a chart leads to, and how the page of explanations answers."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core.cells import grid
from core.figures.images import of_images
from core.store import read_table, write_table
from core.study import open_study
from tests.pages.test_pages import errors, headline, open_page, texts

pytestmark = pytest.mark.usefixtures("shared")

STUDENT, CELL = "ResNet18, α = 0.1", "resnet18-a0.1-s0"
PAGES = ["home", "training", "focus", "rank", "logit", "tradeoffs", "literature", "changes", "compare"]


def led(app: AppTest) -> pd.DataFrame:
    """Every row of every chart that leads somewhere."""
    return pd.concat([table[table["link"] != ""] for table in drawn_rows(app) if "link" in table])


def drawn_rows(app: AppTest) -> list[pd.DataFrame]:
    """The rows of every chart."""
    drawn = [each.data.data for chart in app.get("vega_lite_chart") for each in chart.proto.datasets]
    return [convert_arrow_bytes_to_pandas_df(data) for data in drawn]


def asked(link: str) -> dict[str, str]:
    address = urlsplit(link)
    assert address.path == "explanations"
    return {key: values[-1] for key, values in parse_qs(address.query).items()}


def images(app: AppTest) -> list[int]:
    """The strip, from left to right."""
    return [int(image) for image in app.session_state["images in order"]]


def kept() -> np.ndarray:
    return open_study("tiny").images().query("kept")["id"].sort_values().to_numpy()


def values(measure: str, cell: str = CELL) -> pd.Series:
    return of_images(open_study("tiny").measures(cell), measure, "integrated_gradients").reindex(kept())


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_of_networks_leads_to_their_images(page: str) -> None:
    app = open_page(page, study="wide")
    assert errors(app) == []
    rows = led(app)
    assert len(rows)
    for link in sorted(set(rows["link"]))[:2]:
        query = asked(link)
        assert query["study"] == "wide"
        opened = open_page("explanations", **query)
        assert errors(opened) == []
        assert not opened.info
        assert opened.selectbox(key="student").value in grid(open_study("wide").config)
    if page in ("home", "rank"):
        for row in rows.to_dict("records"):
            assert asked(row["link"])["student"] == f"{row['network']}, α = {row['alpha']}"


def test_the_teacher_and_what_is_not_there_lead_nowhere() -> None:
    tables = drawn_rows(open_page("focus", study="wide"))
    roles = {role for table in tables if "role" in table for role in table.loc[table["link"] == "", "role"]}
    assert roles == {"retrained"}


@pytest.mark.parametrize("page", ["focus", "changes"])
def test_a_bar_of_a_part_opens_the_students_images(page: str) -> None:
    rows = led(open_page(page, study="wide"))
    bars = rows[(rows["role"] == "teacher") & rows["part"].notna()]
    assert len(bars)
    (link,) = set(bars["link"])
    assert asked(link) == {"study": "wide", "student": STUDENT, "sort": "Rank alignment, lowest first"}


@pytest.mark.parametrize(
    ("page", "address", "sort", "who"),
    [
        ("rank", {}, "Rank alignment, lowest first", None),
        ("rank", {"rank_images": "Both right"}, "Rank alignment, lowest first", "Both right"),
        ("rank", {"rank_importance": "In total"}, None, None),
        ("focus", {}, "Focus, lowest first", None),
        ("focus", {"focus_of": "The whole image"}, None, None),
        ("focus", {"focus_as": "Enrichment", "focus_of": "The whole image"}, "Enrichment, lowest first", None),
        ("focus", {"focus_importance": "In total", "focus_images": "Both right"}, None, "Both right"),
        ("tradeoffs", {"against": "Accuracy"}, "Student wrong first", None),
        ("training", {}, "Student wrong first", None),
    ],
)
def test_marks_lead_to_the_images_that_the_switches_leave(
    page: str, address: dict[str, str], sort: str | None, who: str | None
) -> None:
    rows = led(open_page(page, study="wide", **address))
    for link in set(rows.loc[rows["counted"].notna(), "link"]):  # of the page's first chart
        assert (asked(link).get("sort"), asked(link).get("who")) == (sort, who)


@pytest.mark.parametrize("page", PAGES)
def test_every_mark_can_be_reached_without_a_pointer(page: str) -> None:
    app = open_page(page, study="wide")
    listed = {link for text in texts(app) for link in re.findall(r"^- \[.+\]\((explanations\?\S+)\)$", text, re.M)}
    assert set(led(app)["link"]) == listed
    assert listed


def test_what_a_mark_opens_is_said_to_be_less_than_what_it_is_of() -> None:
    app = open_page("rank", study="wide")
    said = "of 16 that were explained the 6 whose maps were kept, by the network of the first of 3 seeds (0)."
    assert any(each.value.endswith(said) for each in app.caption)
    said = "Click on a strong mark to open its image: 6 of 16 images have maps to open."
    assert any(each.value == said for each in open_page("changes", study="wide").caption)


def test_a_difference_of_two_studies_opens_the_images_of_the_first() -> None:
    rows = led(open_page("compare", study="wide", beside="tiny", compared="Accuracy"))
    for row in rows.to_dict("records"):
        student = f"{row['network']}, α = {row['alpha']}"
        assert asked(row["link"]) == {"study": "wide", "student": student, "sort": "Student wrong first"}


def test_shares_are_percent_on_the_page_that_compares_as_elsewhere() -> None:
    app = open_page("compare", study="wide", beside="tiny", compared="Focus")
    (table,) = (each for each in app.dataframe if "difference" in each.value)
    (drawn,) = (table for table in (drawn_rows(app)) if "estimate_1" in table)
    assert table.value["wide"].to_list() == [100 * value for value in drawn["estimate_1"]]
    assert "%.1f %%" in table.proto.columns


def test_on_images_that_both_get_right_the_controls_are_said_to_be_of_all() -> None:
    for page in ("rank", "focus"):
        said = [
            any("is of all images" in each.value for each in open_page(page, **address).caption)
            for address in ({}, {f"{page}_images": "Both right"})
        ]
        assert said == [False, True]


def test_a_class_without_kept_maps_leads_nowhere(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "images.parquet"
    table = read_table(path)
    write_table(path, table.assign(kept=table["kept"] & (table["label"] != 0)))
    (means,) = (table for table in drawn_rows(open_page("changes", study="tiny")) if "mean" in table)
    gone = open_study("tiny").dataset.classes[0]
    assert set(means.loc[means["link"] == "", "name"]) == {gone}


def test_what_is_chosen_on_every_page_goes_along() -> None:
    app = open_page("rank", study="wide", method="Saliency", alphas=["1.0", "0.5"])
    (query,) = {urlsplit(link).query.split("&student")[0] for link in led(app)["link"]}
    assert parse_qs(query) == {"study": ["wide"], "method": ["Saliency"], "alphas": ["1.0", "0.5"]}


@pytest.mark.parametrize("way", ["lowest", "highest"])
@pytest.mark.parametrize("measure", ["Rank alignment", "Map similarity", "Focus"])
def test_images_are_in_the_order_asked_for(measure: str, way: str) -> None:
    app = open_page("explanations", study="tiny", student=STUDENT, sort=f"{measure}, {way} first")
    assert errors(app) == []
    known = values(measure.lower().replace(" ", "_")).dropna()
    found = [image for image in images(app) if image in known.index]
    assert known.loc[found].is_monotonic_increasing if way == "lowest" else known.loc[found].is_monotonic_decreasing
    assert images(app)[: len(found)] == found, "undefined ones are last"
    assert set(images(app)) == set(kept())


def test_the_images_on_which_the_student_is_wrong_come_first(cache: Path) -> None:
    flip_some_answers(cache)
    app = open_page("explanations", study="tiny", student=STUDENT, sort="Student wrong first")
    assert errors(app) == []
    assert images(app)[0] == kept()[0]
    assert images(app)[1:] == list(kept()[1:])


def test_most_changed_by_distillation_comes_first_up_or_down() -> None:
    app = open_page("explanations", study="tiny", student=STUDENT, sort="Most changed by distillation")
    change = (values("rank_alignment") - values("rank_alignment", "resnet18-a1.0-s0")).abs()
    assert change.loc[images(app)].dropna().is_monotonic_decreasing


def test_a_range_of_alignment_leaves_what_lies_in_it() -> None:
    known = values("rank_alignment")
    least = round(float(known.median()), 1)
    app = open_page("explanations", study="tiny", aligned=[str(least), "1.0"])
    assert errors(app) == []
    assert set(images(app)) == set(known[known.round(2) >= least].index) != set(known.index)
    app = app.switch_page("../pages/rank.py").run().switch_page("../pages/explanations.py").run()
    assert app.slider(key="aligned").value == (least, 1.0), "kept on the way to another page and back"


@pytest.mark.parametrize(
    ("answers", "keep"),
    [
        ("Both right", lambda student, teacher, label: (student == label) & (teacher == label)),
        ("Student right", lambda student, teacher, label: student == label),
        ("Student wrong", lambda student, teacher, label: student != label),
        ("Teacher wrong", lambda student, teacher, label: teacher != label),
        ("Student and teacher disagree", lambda student, teacher, label: student != teacher),
    ],
)
def test_answers_filter_the_images(answers: str, keep: Any, cache: Path) -> None:
    study = open_study("tiny")
    flip_some_answers(cache)
    ids = study.logits(CELL)[0]
    student, teacher = (study.logits(cell)[1].argmax(1) for cell in (CELL, "resnet34-a1.0-s0"))
    label = study.images().set_index("id").loc[ids, "label"].to_numpy()
    want = set(ids[keep(student, teacher, label)]) & set(kept())
    assert 0 < len(want) < len(kept())
    app = open_page("explanations", study="tiny", student=STUDENT, who=answers)
    assert errors(app) == []
    assert set(images(app)) == want


def flip_some_answers(cache: Path) -> None:
    """Make teacher and student wrong on an image each, and not the same one."""
    from core.store import read_arrays, write_arrays

    for cell, place in ((CELL, 0), ("resnet34-a1.0-s0", 1)):
        path = cache / "studies" / "tiny" / "logits" / f"{cell}.safetensors"
        arrays = read_arrays(path)
        at = np.searchsorted(arrays["ids"], kept()[place])
        arrays["logits"][at] = -arrays["logits"][at]
        write_arrays(path, arrays)


def test_the_grid_shows_every_network_and_a_student_has_its_fellow_beside_it() -> None:
    pair = open_page("explanations", study="tiny", student=STUDENT)
    assert "undistilled" in headline(pair)
    grid = open_page("explanations", study="tiny", layout="The whole grid")
    assert errors(grid) == []
    assert any("All maps share one scale. ρ" in caption.value for caption in grid.caption)
    assert not any(button.label == "Check these maps" for button in grid.button)


def test_the_student_is_the_same_on_both_pages_that_have_one() -> None:
    app = open_page("explanations", study="tiny", student="ResNet34, α = 0.1")
    app = app.switch_page("../pages/changes.py").run()
    assert errors(app) == []
    assert "ResNet34 distilled" in headline(app)


def test_without_a_student_the_teacher_stands_alone() -> None:
    app = open_page("explanations", study="tiny", architectures="ResNet34", alphas="1.0")
    assert errors(app) == []
    assert "Choose more networks" in headline(app)


def test_an_imported_student_has_its_own_name(cache: Path) -> None:
    folder = cache / "studies" / "tiny"
    for kind in ("measures", "importance", "logits"):
        for path in (folder / kind).glob("resnet18-a1.0-s0.*"):
            path.with_stem("mine").write_bytes(path.read_bytes())
    for path in (folder / "maps").rglob("resnet18-a1.0-s0.*"):
        path.with_stem("mine").write_bytes(path.read_bytes())
    summary = read_table(folder / "summary.parquet")
    own = summary[(summary["kind"] == "cell") & (summary["cell"] == "resnet18-a1.0-s0")]
    write_table(folder / "summary.parquet", pd.concat([summary, own.assign(cell="mine", alpha=np.nan, seed="")]))
    for layout in ("Teacher and student", "The whole grid"):
        app = open_page("explanations", study="tiny", student="mine", layout=layout)
        assert errors(app) == []
        assert headline(app).startswith("## On this image mine ranks the parts like the teacher")


@pytest.mark.parametrize("page", [*PAGES, "explanations"])
def test_every_chart_has_its_definition_and_its_files(page: str) -> None:
    app = open_page(page, study="tiny")
    names = [each.proto.label for each in app.get("download_button")]
    charts = len(app.get("vega_lite_chart"))
    assert charts
    assert all(names.count(kind) == charts for kind in ("CSV", "SVG", "PNG"))
    popovers = [block for block in app.get("popover") if block.proto.popover.label == "Definition"]
    assert len(popovers) == charts
    assert texts(app)
