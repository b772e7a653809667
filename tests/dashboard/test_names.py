import math

import pytest
from markdown_it import MarkdownIt

from core.cells import Cell
from core.figures.encoding import written
from dashboard.names import decimal, kind, plain, rho, short, subject, title

TEACHER = Cell("resnet101", 1.0, 0)
ALONE, DISTILLED = Cell("resnet18", 1.0, 0), Cell("resnet18", 0.1, 0)
IMPORTED = Cell("resnet50", None, None, "somebody's")


def test_cells_in_words():
    cells = [TEACHER, ALONE, DISTILLED, IMPORTED]
    assert [title(cell) for cell in cells] == ["ResNet101", "ResNet18", "ResNet18", "somebody's"]
    assert kind(TEACHER, TEACHER) == "the teacher"
    assert "without distillation" in kind(ALONE, TEACHER)
    assert "0.1" in kind(DISTILLED, TEACHER)
    assert "ResNet50" in kind(IMPORTED, TEACHER)
    assert len({short(cell, TEACHER) for cell in cells}) == 4
    assert subject(DISTILLED) == "ResNet18 distilled at α = 0.1"
    assert subject(ALONE) == "ResNet18 undistilled"


@pytest.mark.parametrize(
    ("value", "text"), [(0.614, "0.61"), (-0.2, "−0.20"), (-0.001, "0.00"), (1, "1.00"), (math.nan, "undefined")]
)
def test_decimals(value, text):
    assert decimal(value) == text


def test_a_number_has_a_true_minus_and_none_before_a_zero_wherever_it_is_written():
    for value, text in ((-0.2, "−0.20"), (-0.001, "0.00"), (0.001, "0.00"), (math.nan, "–")):
        assert written(value, ".2f") == text
    assert [written(value, "+.1%") for value in (-0.042, 0.3, -0.0001)] == ["−4.2%", "+30.0%", "0.0%"]


def test_an_undefined_correlation_says_so():
    assert rho(math.nan) == "ρ undefined"


@pytest.mark.parametrize(
    "name",
    ["**bold** _it_ ~~s~~ `code`", "![x](http://example.org/a.png)", ":material/home: :red[no]", "<b>$x^2$</b> #1"],
)
def test_plain_text_has_no_markup(name):
    tokens = MarkdownIt().parseInline(plain(name))[0].children
    assert "".join(token.content for token in tokens) == name
    assert {token.type for token in tokens} <= {"text", "text_special"}
