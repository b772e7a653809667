"""Runs that outlive who starts them: one at a time, stopped, killed, gone on with, deleted."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config
from core.errors import UserError
from core.overview import Overview, overview
from core.run import curves, launch, lock
from core.run.complete import run_study
from core.run.lock import held
from core.run.status import Status, begun, log_path, process_stamp, read_status, write_status
from core.study import Study, cache_folder, study_names
from tests.tiny import tiny_config

LONG = {"epochs": 500}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache; whatever a test leaves running in it is ended."""
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    yield tmp_path
    for folder in tmp_path.glob("studies/*"):
        status = read_status(folder)
        if status is not None and status.alive:
            os.kill(status.pid, signal.SIGKILL)


def until(name: str, *words: str, what: str = "", least: float = 0.0) -> Overview:
    """Wait until a study is in one of these states, a file of it matches `what`, and its run is so far at `least`."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        seen = overview(name)
        far = seen.status.share if seen.status else 1.0
        if seen.word in words and far >= least and (not what or list((cache_folder() / "studies" / name).glob(what))):
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{seen}\n{launch.last_line(cache_folder() / 'studies' / name)}")


def long_study(name: str = "small") -> Config:
    """Settings of a study that would take minutes."""
    return tiny_config(name=name, training=LONG)


def test_a_study_is_begun_watched_killed_resumed_stopped_and_deleted(cache: Path) -> None:
    folder = launch.start(long_study())
    assert folder == cache / "studies" / "small"
    begun_by = read_status(folder)
    assert begun_by is not None
    assert overview("small").sentence == "running, just begun"
    assert os.getsid(begun_by.pid) == begun_by.pid != os.getsid(0), "neither a terminal nor the server ends it"
    with pytest.raises(UserError, match=rf"being run already, by process {begun_by.pid} since 20"):
        launch.start(long_study())
    with pytest.raises(UserError, match="being run already"):
        launch.remove("small")
    beside = subprocess.run(
        [sys.executable, "-m", "core", "run", str(folder / "study.toml"), "--out", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert beside.returncode == 1
    assert f"by process {begun_by.pid}" in " ".join(beside.stderr.split())

    seen = until("small", "running", what="state/resnet34-a1.0-s0.safetensors")
    assert seen.status is not None
    assert seen.status.pid == begun_by.pid
    small = Study(folder)
    assert small.teacher in curves.begun(small), "other undistilled networks may be training beside it"
    so_far = curves.curve(small, small.teacher)
    assert list(so_far["epoch"]) == list(range(1, len(so_far) + 1))
    assert (so_far["loss"] > 0).all()

    os.kill(begun_by.pid, signal.SIGKILL)
    until("small", "interrupted")
    launch.resume("small")
    again = until("small", "running", least=0.001)
    assert again.status is not None
    assert again.status.pid != begun_by.pid
    assert "left" in again.sentence or again.status.left is None
    assert len(curves.curve(small, small.teacher)) >= len(so_far), "it goes on where it was"
    assert launch.stop("small")
    assert until("small", "stopped").sentence == "stopped"
    assert not launch.stop("small"), "there is nothing to stop"
    launch.resume("small")
    assert launch.stop("small"), "also while it only begins"
    assert overview("small").word == "stopped"

    launch.remove("small")
    assert not folder.exists()
    assert study_names() == []


def test_a_run_that_comes_to_its_end_leaves_nothing_but_the_study(cache: Path) -> None:
    students = {"architectures": ["resnet18"], "alphas": [1.0]}
    config = tiny_config(students=students, teacher={"architecture": "resnet18"}, explain={"methods": ["saliency"]})
    folder = launch.start(config)
    until("small", "complete")
    assert not (folder / "state").exists()
    assert Study(folder).config == config
    assert Study(folder).provenance["threads_per_cell"] == 1
    assert Study(folder).damaged() == []


def test_a_run_that_cannot_begin_says_why(cache: Path) -> None:
    launch.start(tiny_config(data={"dataset": "folder", "root": "/nowhere"}))
    seen = until("small", "failed", "interrupted", "complete")
    assert seen.word == "failed"
    assert "/nowhere" in seen.said
    assert not seen.said.startswith("Error")


def test_what_a_run_dies_of_is_its_last_line(cache: Path) -> None:
    folder = cache / "studies" / "small"
    folder.mkdir(parents=True)
    launch.begin(tiny_config(), folder, {})
    write_status(folder, Status(1, "long ago", "2026-01-01 00:00", 0.25, 60.0))
    log_path(folder).write_text("75 %\n\x1b[31mMemoryError: no more\x1b[0m\n\n")
    seen = overview("small")
    assert (seen.word, seen.said) == ("interrupted", "MemoryError: no more")
    assert (seen.cells, seen.trained, seen.measured) == (4, 0, 0)


def test_a_recycled_pid_is_not_the_run(cache: Path) -> None:
    own = begun(os.getpid())
    assert own.alive
    assert not Status(own.pid, own.stamp + "1", own.since).alive
    assert not Status(own.pid, "", own.since).alive
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        stamp = process_stamp(process.pid)
    assert stamp
    assert process_stamp(process.pid) == ""


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        ended = begun(process.pid)
        assert ended.alive
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not ended.alive


def test_a_failed_run_says_so_and_a_whole_one_forgets_it(
    ran_copy: Study, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = tiny_config(training={"learning_rate": 1e30})
    with pytest.raises(UserError, match="the loss is not a number"):
        run_study(wild, device="cpu")
    seen = overview("small")
    assert seen.word == "failed"
    assert "the loss is not a number" in seen.said
    run_study(tiny_config(), device="cpu")
    assert overview("small").word == "complete"
    assert not (ran_copy.folder / "state").exists()


def test_a_study_of_other_settings_is_not_overwritten(ran_copy: Study) -> None:
    with pytest.raises(UserError, match="'small' with other settings; choose another name"):
        launch.start(long_study())


def test_the_shipped_study_and_links_are_not_deleted(
    cache: Path, ran: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    copy = tmp_path / "studies" / "small"
    shutil.copytree(ran.folder, copy)
    (copy.parent / "link").symlink_to(copy)
    with pytest.raises(UserError, match="is a link"):
        launch.remove("link")
    monkeypatch.setattr(launch, "SHIPPED", copy)
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    with pytest.raises(UserError, match=r"ships with the project.*git restore studies/small"):
        launch.remove("small")
    assert Study(copy).damaged() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "/etc", "no-such"])
def test_a_name_is_no_path(cache: Path, name: str) -> None:
    (cache / "other").mkdir()
    (cache / "other" / "study.toml").write_text("")
    for act in (launch.remove, launch.resume, launch.stop):
        with pytest.raises(UserError, match="There is no study called"):
            act(name)
    assert (cache / "other" / "study.toml").exists()


def test_a_network_is_not_brought_into_a_study_that_is_being_run(
    ran_copy: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from core.imported import add_model
    from core.models import build

    torch.save(build("resnet18", 3, 0.0625, "small").state_dict(), tmp_path / "own.pth")
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    with held(ran_copy.folder), pytest.raises(UserError, match="started or changed"):
        add_model(ran_copy, "mine", "resnet18", tmp_path / "own.pth", 0.0625, "small")
    add_model(ran_copy, "mine", "resnet18", tmp_path / "own.pth", 0.0625, "small")
    seen = overview("small")
    assert (seen.word, seen.cells, seen.trained, seen.measured) == ("not finished", 5, 5, 4)
