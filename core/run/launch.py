"""Runs that outlive who starts them: begun, stopped and removed from a page that may be gone the next moment."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.config import Config
from core.errors import UserError, unknown
from core.run.begin import begin
from core.run.lock import INHERITED, held, taken
from core.run.status import begun, log_path, process_stamp, read_status, write_status
from core.study import Study, cache_folder, study_names

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "cache" / "studies" / "birds"
PATIENCE = 15.0
"""Seconds that a run has to stop by itself, before it is asked again, and then ended."""
POLL = 0.2
LOG_BYTES = 64_000
"""Of the end of a log, in which its last line is looked for."""


def start(config: Config) -> Path:
    """Begin a study in the cache, or go on with it, in a process of its own; return its folder.

    The process is of a session of its own, so that neither a closed browser nor a stopped server ends it. It holds the
    study's lock from before it exists, so of two who start the same study one is refused.

    Raises
    ------
    UserError
        There is a study of that name with other settings, it is being run, or its folder cannot be written.
    """
    folder = cache_folder() / "studies" / config.name
    with taken(folder) as lock:
        if not (folder / "study.toml").exists():
            begin(config, folder, {})
        elif Study(folder).config != config:
            raise UserError(f"There is a study called '{config.name}' with other settings; choose another name.")
        _launch(folder, lock)
    return folder


def resume(name: str) -> None:
    """Go on with a study of the cache, in a process of its own. Raises UserError as `start`."""
    folder = _there(name)
    with taken(folder) as lock:
        _launch(folder, lock)


def _launch(folder: Path, lock: int) -> None:
    # By its file, as its name may also be a preset's.
    command = [sys.executable, "-m", "core", "run", str(folder / "study.toml"), "--out", str(folder)]
    with log_path(folder).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env={**os.environ, INHERITED: str(lock), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,
        )
    # Long before it can speak for itself: it imports torch first.
    write_status(folder, begun(process.pid))
    threading.Thread(target=process.wait, daemon=True, name=f"wait-{process.pid}").start()  # else it stays a zombie


def stop(name: str, patience: float = PATIENCE) -> bool:
    """Ask the run of a study to stop, as Ctrl-C does; after `patience` seconds again, after as many more, end it.

    Returns whether there was one. What it had finished is kept.
    """
    folder = _there(name)
    status = read_status(folder)
    if status is None or not status.alive:
        return False
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        end = time.monotonic() + patience
        # Between this look and the signal a pid is not given out again: pids come round late.
        if process_stamp(status.pid) != status.stamp:
            break
        os.kill(status.pid, number)
        while time.monotonic() < end and process_stamp(status.pid) == status.stamp:
            time.sleep(POLL)
    with suppress(UserError), taken(folder):  # else somebody goes on with it already
        left = read_status(folder)
        if left is not None and left.stamp == status.stamp and not left.ended:
            write_status(folder, replace(left, running={}, ended="stopped"))
    return True


def remove(name: str) -> None:
    """Delete a study of the cache, with its networks and numbers.

    Raises
    ------
    UserError
        It ships with the project, or is being run.
    """
    folder = _there(name)
    if is_shipped(folder):
        raise UserError(
            f"The study '{name}' ships with the project and is not deleted here. If you remove its folder, "
            f"git brings it back: git restore {SHIPPED.relative_to(ROOT)}"
        )
    if folder.is_symlink():
        raise UserError(f"{folder} is a link to a study that lies elsewhere; remove the link by hand.")
    with held(folder):
        try:
            (folder / "study.toml").unlink()  # from here on it is no study, wherever this stops
        except OSError as error:
            raise UserError(f"{folder} cannot be deleted: {error.strerror or error}.") from None
        end = time.monotonic() + PATIENCE
        while folder.exists():
            # The workers of a run that was killed live, and write, for another second.
            shutil.rmtree(folder, ignore_errors=True)
            if time.monotonic() > end:
                raise UserError(f"{folder} cannot be deleted whole; remove by hand what is left of it.")
            time.sleep(POLL)


def is_shipped(folder: Path) -> bool:
    """Return whether this is the study that git keeps."""
    return folder.resolve() == SHIPPED


def last_line(folder: Path) -> str:
    """Return the last line that a run wrote where no terminal shows it, "" where there is none."""
    try:
        with log_path(folder).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""


def _there(name: str) -> Path:
    """Return the folder of a study of the cache. Only what is listed is opened: a name is no path."""
    if name not in study_names():
        raise unknown("study", name, study_names())
    return cache_folder() / "studies" / name
