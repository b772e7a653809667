"""What the page of studies is put together from, as far as it needs no page."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from core.cells import Cell
from core.comparison import COMPARED
from core.errors import UserError
from core.run import curves
from dashboard import compared, loaded, studies_add, studies_new, studies_there


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("Another user's."), "Another user's."),
        (OSError(5, "?"), "Stopping it failed; end process 7 by hand."),
    ],
)
def test_a_run_that_cannot_be_stopped_is_told(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise error

    monkeypatch.setattr(studies_there.launch, "stop", refuse)
    stopping, problems = {7, 8}, dict[str, str]()
    try:
        studies_there._wait_for_stop("small", 7, stopping, problems)
    except OSError:
        assert isinstance(error, OSError)
    assert (stopping, problems) == ({8}, {"small": said})


def test_the_disk_is_measured_where_studies_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> Any:
        asked.append(path)
        return SimpleNamespace(free=5)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "not" / "yet"))
    assert studies_new._free() == 5
    (tmp_path / "not" / "yet" / "studies").mkdir(parents=True)
    studies_new._free()
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", "nor this one")
    studies_new._free()
    assert asked == [tmp_path, tmp_path / "not" / "yet" / "studies", Path.cwd()]


def test_an_upload_is_dropped_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    there = MemoryUploadedFileManager("/upload")
    for name in ("own", "other"):
        there.add_file("me", UploadedFileRec(name, f"{name}.pth", "", b"weights"))
    context = SimpleNamespace(session_id="me", uploaded_file_mgr=there)
    monkeypatch.setattr(studies_add, "get_script_run_ctx", lambda: context)
    studies_add._forget(SimpleNamespace(file_id="own"))  # type: ignore[arg-type]
    assert [each.file_id for each in there.get_files("me", ["own", "other"])] == ["other"]


def test_a_curve_is_read_again_only_when_its_files_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def curve(study: Any, cell: Cell) -> pd.DataFrame:
        read.append(cell.name)
        return pd.DataFrame({"epoch": [1]})

    monkeypatch.setattr(curves, "curve", curve)
    monkeypatch.setattr(curves, "sources", lambda study, cell: (tmp_path / "state", tmp_path / cell.name))
    study: Any = SimpleNamespace(folder=tmp_path)
    for _ in range(3):
        assert loaded.curve(study, Cell("resnet18", 0.5, 0))["alpha"].tolist() == [0.5]
    assert read == ["resnet18-a0.5-s0"]
    (tmp_path / "state").write_bytes(b"1")
    loaded.curve(study, Cell("resnet18", 0.5, 0))
    assert len(read) == 2


def study_by(name: str, *methods: str) -> Any:
    return SimpleNamespace(folder=Path(name), config=SimpleNamespace(explain=SimpleNamespace(methods=list(methods))))


def test_two_studies_are_shown_by_one_method_that_both_have(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    offered: list[list[str]] = []

    def choose(key: str, label: str, options: list[str], usual: str, name: Any) -> str:
        offered.append(options)
        return usual

    monkeypatch.setattr(compared.st, "info", said.append)
    monkeypatch.setattr(compared, "choose", choose)
    first = study_by("one", "saliency", "integrated_gradients", "grad_cam")
    same = study_by("two", "integrated_gradients", "saliency")
    assert compared.shared_method("saliency", first, same) == "saliency"
    assert (said, offered) == ([], [])
    assert compared.shared_method("grad_cam", first, same) == "saliency"
    assert offered == [["saliency", "integrated_gradients"]]
    assert said == ["two was not explained by Grad-CAM: both are shown by a method that both have."]
    assert compared.shared_method("saliency", first, study_by("three", "smoothgrad")) == ""
    assert said[-1].endswith("nor by any other method of one: where they look is not compared.")


def test_without_a_method_only_what_needs_none_is_compared() -> None:
    assert compared.measured("saliency") == list(COMPARED)
    assert compared.measured("") == ["accuracy", "logit_alignment"]


@pytest.mark.parametrize("name", ["difference", "network", "low", "Setting", "Measure", "Difference"])
def test_a_study_may_be_called_as_a_column_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[pd.DataFrame] = []
    monkeypatch.setattr(compared.st, "dataframe", lambda table, **options: drawn.append(table))
    numbers = {f"{end}{which}": [0.5] for which in ("_1", "_2", "") for end in ("estimate", "low", "high")}
    names = (name, "other")
    compared.numbers(pd.DataFrame({"network": ["ResNet18"], "alpha": [1.0], **numbers}), "accuracy", names)
    compared.effects_table(pd.DataFrame({"measure": ["accuracy"], **numbers}), names)
    monkeypatch.setattr(compared, "settings_apart", lambda first, second: [("training.epochs", 1, 2)])
    compared.settings(study_by(name), study_by("other"))
    assert [table.shape for table in drawn] == [(1, 11), (1, 4), (1, 3)]
    assert all(table.columns.is_unique for table in drawn)
    assert {"ResNet18", "Accuracy"} & set(drawn[0]["network"]) == {"ResNet18"}
