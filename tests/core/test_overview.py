"""Looking at studies that others run, and delete, at the same moment."""

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from core.config import Config
from core.overview import damage, overview, overviews
from core.run.begin import begin
from core.store import write_json
from core.study import Study


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    return begin(Config(name="small"), tmp_path / "studies" / "small", {}).folder


def test_folders_that_go_away_meanwhile_are_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "state").mkdir()
    (folder / "models").mkdir()
    (folder / "models" / "mine.safetensors").write_bytes(b"1234567")
    whole = os.scandir

    def late(path: Any) -> Any:
        if Path(path).name == "state":
            Path(path).rmdir()
        return whole(path)

    monkeypatch.setattr(os, "scandir", late)
    assert overview("small").bytes == 7 + (folder / "study.toml").stat().st_size


def test_a_file_that_goes_away_meanwhile_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "summary.parquet").write_bytes(b"1")
    write_json(folder / "manifest.json", {"files": {"summary.parquet": {"sha256": "", "key": ""}}})
    study = Study(folder)
    assert study.whole()
    monkeypatch.setattr(Path, "is_file", lambda path: True)  # it was there a moment ago
    monkeypatch.setattr(Study, "complete", lambda study: True)
    (folder / "summary.parquet").unlink()
    assert not study.whole()


def test_a_file_that_was_written_over_is_damage(ran_copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    assert overview("small").word == "complete"
    student = "resnet18-a0.1-s0"
    for name in ("summary.parquet", f"maps/saliency/{student}.safetensors", f"importance/{student}.parquet"):
        path = ran_copy.folder / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        seen = overview("small")
        assert (seen.word, seen.trained, seen.measured) == ("damaged", 4, 4)
        assert seen.said == f"{name} is damaged; python -m core run small makes it anew."
        path.write_bytes(whole)
        assert overview("small").word == "complete", "as it was, if later"
    monkeypatch.setattr("core.manifest.sha256_file", lambda path: pytest.fail(f"{path} was read again"))
    assert overview("small").word == "complete"


def test_the_summary_is_looked_at_however_old_it_is(ran_copy: Study) -> None:
    path = ran_copy.folder / "summary.parquet"
    path.write_bytes(b"12345")
    os.utime(path, (1, 1))
    assert overview("small").word == "damaged"
    path.unlink()
    assert overview("small").word == "not finished"


def test_a_file_that_cannot_be_opened_now_is_not_called_damaged(ran_copy: Study) -> None:
    path = ran_copy.folder / "summary.parquet"
    path.write_bytes(path.read_bytes())  # to be looked at anew
    with patch("core.manifest.sha256_file", side_effect=OSError(errno.EMFILE, "Too many open files", str(path))):
        assert damage(ran_copy) == ""
    assert damage(ran_copy) == ""
    path.write_bytes(b"12345")
    assert "summary.parquet is damaged" in damage(ran_copy)


def test_a_damaged_manifest_leaves_the_counts(ran_copy: Study) -> None:
    (ran_copy.folder / "manifest.json").write_text("{")
    seen = overview("small")
    assert (seen.word, seen.cells, seen.trained, seen.measured) == ("damaged", 4, 4, 4)
    assert "python -m core run small" in seen.said


def test_a_study_that_is_deleted_meanwhile_is_not_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.overview.study_names", lambda: ["small", "gone"])
    assert [seen.name for seen in overviews()] == ["small"]
    (folder / "study.toml").write_text("name = ")
    assert [(seen.name, seen.word) for seen in overviews()] == [("small", "damaged")]
