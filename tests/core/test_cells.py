import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cells import Cell, grid, parse_cell, teacher_cell, undistilled, unlooking
from core.config import Config, Students, Teacher
from core.errors import UserError
from core.models import architectures


def config(teacher: str = "resnet101", **students: object) -> Config:
    given = {"architectures": ["resnet18", "resnet34"], "alphas": [0.1, 1.0], "seeds": [4, 2], **students}
    return Config(name="x", teacher=Teacher(architecture=teacher), students=Students(**given))  # type: ignore[arg-type]


def test_names() -> None:
    assert Cell("resnet18", 0.1, 0).name == "resnet18-a0.1-s0"
    assert Cell("resnet18", 1.0, 12).name == "resnet18-a1.0-s12"
    assert Cell("resnet18", None, None, "mine").name == "mine"
    assert Cell("resnet18", 0.1, 0, explanation_weight=1.0).name == "resnet18-a0.1-e1.0-s0"


def test_only_distilled_cells_have_the_second_axis() -> None:
    cells = grid(config(explanation_weights=[0.0, 1.0]))
    plain = grid(config())
    assert [cell for cell in cells if not cell.explanation_weight] == plain
    added = [cell.name for cell in cells if cell.explanation_weight]
    assert added == [f"resnet{layers}-a0.1-e1.0-s{seed}" for layers in (18, 34) for seed in (4, 2)]


def test_what_a_cell_is_compared_with() -> None:
    looks = Cell("resnet18", 0.1, 2, explanation_weight=1.0)
    assert unlooking(looks) == Cell("resnet18", 0.1, 2)
    assert undistilled(looks, config()) == undistilled(Cell("resnet18", 0.1, 2), config()) == Cell("resnet18", 1.0, 2)
    assert unlooking(Cell("resnet18", 0.1, 2)) is None


def test_the_teacher_is_the_first_seed_without_distillation_and_comes_first() -> None:
    for teacher in ("resnet101", "resnet34"):
        cells = grid(config(teacher))
        assert cells[0] == teacher_cell(config(teacher)) == Cell(teacher, 1.0, 4)
        assert len(cells) == len({cell.name for cell in cells}) == (9 if teacher == "resnet101" else 8)
        assert {cell.name for cell in cells[1:]} >= {"resnet18-a1.0-s4", "resnet18-a0.1-s2", "resnet34-a1.0-s2"}


def test_an_alpha_written_as_a_whole_number_is_the_same_cell() -> None:
    whole = Config.model_validate({"name": "x", "students": {"alphas": [1, 0]}})
    assert grid(whole)[0].name == "resnet101-a1.0-s0"
    assert "resnet18-a0.0-s0" in {cell.name for cell in grid(whole)}


@given(
    st.sampled_from(architectures()),
    st.floats(0, 1),
    st.integers(0, 2**31),
    st.floats(0, allow_infinity=False),
)
def test_a_name_says_which_cell(architecture: str, alpha: float, seed: int, weight: float) -> None:
    cell = Cell(architecture, alpha, seed, explanation_weight=weight)
    assert parse_cell(cell.name) == cell


@pytest.mark.parametrize("name", ["", "resnet18", "resnet18-a0.1", "resnet18-ax-s0", "resnet18-a0.1-s-1", "a0.1-s0"])
def test_other_names_are_no_cells(name: str) -> None:
    with pytest.raises(UserError, match="no cell"):
        parse_cell(name)
