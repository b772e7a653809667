import math

import numpy as np
import pandas as pd
import pytest

from core.cells import Cell
from core.study import Study
from dashboard import gallery, one_image
from dashboard.state import Choices, cells

TEACHER = Cell("resnet101", 1.0, 0)
WIDE = [Cell("resnet50", alpha, 0) for alpha in (1.0, 0.5, 0.1)]
SMALL = [Cell("resnet18", alpha, 0) for alpha in (1.0, 0.5, 0.1)]


@pytest.fixture
def choices(cache):
    study = Study(cache / "studies" / "tiny")
    students = study.config.students
    return Choices(study, students.architectures, students.alphas, "integrated_gradients")


def test_the_sentence_is_about_the_smallest_most_distilled_student():
    found = one_image.sentence([TEACHER, *WIDE, *SMALL], [1, 0.1, 0.2, 0.3, 0.44, 0.5, 0.61])
    expected = "On this image ResNet18 distilled at α = 0.1 ranks the parts like the teacher at ρ = 0.61"
    assert found == f"{expected}; undistilled 0.44."


@pytest.mark.parametrize(
    ("students", "values", "words"),
    [
        ([], [], "Choose more networks"),
        ([Cell("resnet50", None, None, "mine")], [0.2], "On this image mine ranks the parts like the teacher at"),
        ([SMALL[0]], [0.2], "ResNet18 undistilled ranks the parts like the teacher at ρ = 0.20."),
        ([SMALL[2]], [-0.2], "at ρ = −0.20."),
        ([SMALL[2]], [math.nan], "at ρ undefined"),
        ([WIDE[0], SMALL[1]], [0.9, 0.2], "α = 0.5 ranks the parts like the teacher at ρ = 0.20."),
    ],
)
def test_the_sentence_says_what_there_is(students, values, words):
    assert words in one_image.sentence([TEACHER, *students], [1.0, *values])


def test_panels_hold_what_the_study_kept(choices):
    shown = cells(choices)
    image = int(gallery.images(choices, shown[-1])["id"].iloc[2])
    one = one_image.stored(choices, shown, image)
    assert [panel.cell for panel in one.panels] == [cell.name for cell in shown]
    label = choices.study.labels([image])[0]
    for cell, panel in zip(shown, one.panels, strict=True):
        ids, logits = choices.study.logits(cell)
        answer = logits[list(ids).index(image)].argmax()
        assert panel.right == (answer == label)
        assert panel.says.startswith(choices.study.dataset.classes[answer])
        rows = choices.study.importance(cell).query("image == @image and method == 'integrated_gradients'")
        np.testing.assert_array_equal(panel.importance, rows["density"])
        assert one.parts == list(rows["part"])
        kept = choices.study.maps(cell, "integrated_gradients", [image])[1][0]
        np.testing.assert_array_equal(panel.relevance, kept)
    rows = choices.study.measures(shown[-1]).query("image == @image and measure == 'rank_alignment'")
    value = rows.query("method == 'integrated_gradients' and importance == 'density'")["value"].item()
    assert one.panels[-1].alignment == pytest.approx(value, nan_ok=True)
    assert one.explained == [one.explained[0]] * len(shown)
    table = one_image.measure_table(choices, one, image)
    assert table["Rank alignment, per pixel"].iloc[-1] == pytest.approx(value, nan_ok=True)
    assert "Completeness gap" in table


def test_ranks_are_in_the_teachers_order_without_parts_out_of_sight(choices):
    shown = cells(choices)
    image = int(gallery.images(choices, shown[-1])["id"].iloc[0])
    one = one_image.stored(choices, shown, image)
    table = one_image.rank_table(one.panels, one.parts)
    assert list(table.iloc[:, 1]) == sorted(table.iloc[:, 1])
    assert len(table) == np.isfinite(one.panels[0].importance).sum()
    assert list(table.columns[1:]) == [panel.short for panel in one.panels]


def test_the_matrix_pins_its_colours():
    table = pd.DataFrame({"part": ["a", "b", "c"], "x": [1, 2, 3], "y": pd.array([3, None, 1], dtype="Int64")})
    spec = one_image.rank_matrix(table).spec("light")
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == [1, 3]
    assert sum(len(rows) for rows in spec["datasets"].values()) == 5


def test_the_gallery_says_who_is_right(choices):
    shown = cells(choices)
    table = gallery.images(choices, shown[-1])
    assert len(table) == choices.config.keep.maps
    for row in table.itertuples():
        label = choices.study.labels([row.id])[0]
        teacher, student = (gallery.answer(choices.study, cell, row.id)[0] for cell in (shown[0], shown[-1]))
        assert (row.teacher, row.student, row.agree) == (teacher == label, student == label, teacher == student)


def test_without_the_photos_there_is_no_photo(choices, monkeypatch):
    config = choices.study.config
    data = config.data.model_copy(update={"dataset": "folder", "root": "/nowhere"})
    choices.study.config = config.model_copy(update={"data": data})
    assert gallery.photo(choices.study, 0) is None
