"""What is read of a study while a run changes it is not shown as true."""

import os
from pathlib import Path

import pytest

from core.errors import UserError
from core.run.begin import begin
from core.run.status import begun, status_path, write_status
from core.run.steady import steady
from tests.tiny import tiny_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begin(tiny_config(), tmp_path / "small", {}).folder


def test_a_study_that_stays_is_read(folder: Path) -> None:
    with steady(folder):
        pass
    with pytest.raises(ValueError, match="its own"), steady(folder):
        raise ValueError("its own")


def test_a_study_that_is_changed_meanwhile_is_not(folder: Path) -> None:
    with pytest.raises(UserError, match="is changed by a run while it is read"), steady(folder):
        begin(tiny_config(), folder, {"device": "cpu"})

    def replaced() -> None:
        with steady(folder):
            (folder / "manifest.json").write_text("{}")
            raise UserError("There is no file measures/a.parquet.")

    with pytest.raises(UserError, match="is changed by a run while it is read"):
        replaced()


def test_nor_is_one_that_is_being_run(folder: Path) -> None:
    write_status(folder, begun(os.getpid()))
    with pytest.raises(UserError, match="Try again when the run has ended"), steady(folder):
        pass
    status_path(folder).unlink()
    with steady(folder):
        pass
