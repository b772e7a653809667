"""The form of a study's settings, as far as it needs no page."""

import pytest

from core.config import MAX_SEEDS, Config, Data
from core.errors import UserError
from dashboard import study_form


def test_other_settings_go_before_the_fields() -> None:
    tree = {"name": "x", "training": {"epochs": 3, "batch_size": 8}}
    found = study_form._with(tree, "training.epochs = 4\n[keep]\nmaps = 7")
    assert found == {"name": "x", "training": {"epochs": 4, "batch_size": 8}, "keep": {"maps": 7}}


@pytest.mark.parametrize("text", ["a = ", "a = " + "[" * 3000 + "]" * 3000])
def test_other_settings_that_cannot_be_read_are_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match=r"^Other settings: "):
        study_form._with({}, text)


def test_numbers_are_bounded_by_the_reader_of_settings() -> None:
    with pytest.raises(UserError, match=f"^These settings: Trainings of each: at most {MAX_SEEDS} are taken"):
        study_form.checked({"name": "x", "students": {"seeds": list(range(MAX_SEEDS + 1))}})
    assert study_form.checked({"name": "x", "data": {"image_size": 1024}}).data == Data(image_size=1024)


def test_every_field_s_label_is_of_a_setting() -> None:
    for key in study_form.LABELS:
        section, _, setting = key.rpartition(".")
        assert setting in (Config.model_fields[section].annotation if section else Config).model_fields


def test_no_other_settings_are_none() -> None:
    assert study_form._with({"name": "mine"}, " \n") == {"name": "mine"}
