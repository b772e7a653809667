"""The lock of a study, and what else lies in its state/: held once, followed nowhere, believed only when whole."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from core.config import Config, Data, Students
from core.errors import UserError
from core.overview import overview
from core.run import launch, lock
from core.run.begin import begin
from core.run.lock import held, lock_path, taken
from core.run.status import Status, begun, log_path, read_status, status_path, told, write_status
from core.study import study_names


def config(name: str = "small", **data: Any) -> Config:
    return Config(name=name, data=Data(classes=3, **data), students=Students(width=0.125))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of a cache of one's own, begun and no more."""
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    return begin(config(), tmp_path / "studies" / "small", {}).folder


def test_the_lock_is_held_once_and_dies_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; from pathlib import Path; from core.run.lock import held\n"
        "with held(Path(sys.argv[1])):\n"
        "    print('held', flush=True); input()"
    )
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="started or changed by another process"), taken(tmp_path):
            pass
        owner.kill()
        owner.wait()
        assert lock_path(tmp_path).exists(), "nobody was left to remove it"
        with held(tmp_path), pytest.raises(UserError), taken(tmp_path):
            pass
    assert not (tmp_path / "state").exists()


def test_who_waits_for_a_file_that_went_takes_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is removed, as by a run that ended, between opening and locking it."""
    opened = []
    whole = lock._lock

    def late(descriptor: int) -> bool:
        if not opened:
            lock_path(tmp_path).unlink()
        opened.append(descriptor)
        return whole(descriptor)

    monkeypatch.setattr(lock, "_lock", late)
    with taken(tmp_path):
        assert len(opened) == 2
        monkeypatch.setattr(lock, "PATIENCE", 0.0)
        with pytest.raises(UserError), taken(tmp_path):
            pass


def test_a_lock_that_always_goes_away_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.3)
    monkeypatch.setattr(lock, "_opened", lambda path: None)
    with pytest.raises(UserError, match="try again in a moment"), taken(tmp_path):
        pass


def test_whoever_lost_the_folder_leaves_the_new_owners_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    with held(folder):
        folder.rename(folder.with_name("elsewhere"))
        new = taken(folder)
        new.__enter__()
    assert lock_path(folder).exists()
    with pytest.raises(UserError, match="try again in a moment"), taken(folder):
        pass
    new.__exit__(None, None, None)


def test_a_study_begun_under_the_name_of_one_being_deleted_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = launch.shutil.rmtree

    def begin_anew(path: Path, **options: Any) -> None:
        if not folder.exists():
            begin(config(image_size=96), folder, {})
        assert study_names() == ["small"], "what is being deleted is no study"
        whole(path, **options)

    monkeypatch.setattr(launch.shutil, "rmtree", begin_anew)
    left = folder.with_name(f"{launch.DELETED}{uuid.uuid4().hex}")
    left.mkdir()
    (left / "study.toml").touch()
    launch.remove("small")
    assert "image_size = 96" in (folder / "study.toml").read_text()
    assert [each.name for each in folder.parent.iterdir()] == ["small"]


def test_a_study_that_is_deleted_while_it_is_resumed_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = launch._there

    def gone(name: str) -> Path:
        found = there(name)
        launch.shutil.rmtree(found)
        return found

    monkeypatch.setattr(launch, "_there", gone)
    monkeypatch.setattr(launch, "_launch", lambda *given: pytest.fail("it was run"))
    with pytest.raises(UserError, match="There is no study"):
        launch.resume("small")


@pytest.mark.parametrize("linked", ["state", "state/run.lock", "state/run.log"])
def test_links_in_a_study_are_not_followed(folder: Path, tmp_path: Path, linked: str) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name in ("run.log", "run.lock"):
        (foreign / name).write_text("private")
    (folder / linked).parent.mkdir(exist_ok=True)
    (folder / linked).symlink_to(foreign if linked == "state" else foreign / Path(linked).name)
    assert launch.last_line(folder) == ""
    with pytest.raises(UserError, match=rf"{linked} is a link"):
        launch.resume("small")
    assert {path.read_text() for path in foreign.iterdir()} == {"private"}


@pytest.mark.parametrize("linked", ["state", "state/run.lock"])
def test_a_link_to_nowhere_is_told_at_once(folder: Path, linked: str) -> None:
    (folder / linked).parent.mkdir(exist_ok=True)
    (folder / linked).symlink_to(folder / "nowhere" / "at all")
    with pytest.raises(UserError, match="is a link"), taken(folder):
        pass


def test_a_run_that_cannot_be_started_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any, **options: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(launch.subprocess, "Popen", refuse)
    with pytest.raises(UserError, match=r"^The run cannot be started: Resource temporarily unavailable\.$"):
        launch.resume("small")
    log_path(folder).unlink()
    log_path(folder).mkdir(parents=True)
    with pytest.raises(UserError, match=r"run\.log cannot be written"):
        launch.resume("small")


def test_a_run_of_another_user_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    write_status(folder, begun(os.getpid()))
    monkeypatch.setattr(launch.os, "kill", refuse)
    with pytest.raises(UserError, match=f"Process {os.getpid()} belongs to another user"):
        launch.stop("small")


def test_a_copy_of_a_study_under_way_is_not_run_and_its_stop_stops_nothing(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        write_status(folder, begun(run.pid))
        copy = folder.with_name("copy")
        shutil.copytree(folder, copy)
        assert not launch.stop("copy")
        assert overview("copy").word == "interrupted"
        moved = folder.rename(folder.with_name("moved"))
        assert run.poll() is None
        assert overview("moved").word == "running", "a folder is the same by another name"
        assert launch.stop("moved")
        assert run.wait() != 0
    write_status(moved, Status(1, "a", "b", 0.5, ended="failed", said="why"))
    shutil.copytree(moved, folder)
    assert overview("small").said == "why"


def test_what_a_run_died_of_is_kept_until_the_next_run(folder: Path) -> None:
    write_status(folder, Status(1, "long ago", "2026-01-01 00:00"))
    log_path(folder).write_text("MemoryError: no more\n")
    with held(folder):  # as to bring a network in
        pass
    assert launch.last_line(folder) == "MemoryError: no more"
    with told(folder, lambda progress: None):
        assert launch.last_line(folder) == ""


WHOLE = {"pid": 1, "stamp": "a", "since": "b"}


@pytest.mark.parametrize(
    "content",
    [
        *["", "{", "[]", "[" * 100_000, '{"pid": 1}', '{"pid": "x", "stamp": "", "since": ""}'],
        *(
            json.dumps(WHOLE | wrong)
            for wrong in (
                *({"said": 5}, {"ended": None}, {"since": 3}, {"pid": True}, {"running": [1]}, {"running": {"a": 1}}),
                *({"left": "soon"}, {"left": float("nan")}, {"seconds": float("inf")}, {"share": 1.5}, {"other": 1}),
            )
        ),
    ],
)
def test_a_damaged_status_is_none(tmp_path: Path, content: str) -> None:
    status_path(tmp_path).parent.mkdir()
    status_path(tmp_path).write_text(content)
    assert read_status(tmp_path) is None


def test_a_status_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for status in (begun(os.getpid()), Status(1, "a", "b", 1.0, 60.0, 0.5, {"train": "epoch 1"}, "failed", "why")):
        write_status(tmp_path, status)
        assert read_status(tmp_path) == status
