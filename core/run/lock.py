"""One run of a study at a time: a lock on a file in the study's folder, which dies with its owner."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import UserError
from core.run.status import Status, open_own, read_status
from core.store import cannot_write

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

INHERITED = "WHERE_MODELS_LOOK_LOCK"
"""Environment: the file descriptor of a lock that a process was started with (`core.run.launch`)."""

PATIENCE, POLL = 3.0, 0.1
"""Seconds to wait for a lock whose owner does not live: a killed process takes a moment to let go of its files. As long
for a file that goes away each time it was made, with whoever held it."""


@contextmanager
def taken(folder: Path) -> Iterator[int]:
    """Hold a study's lock and give its file descriptor; what inherits that holds the lock on.

    Two processes can hold it only one after the other, and it is free as soon as the last one that holds it has ended,
    however that ended. Where the system or the disk has no such locks, nothing is excluded.

    Raises
    ------
    UserError
        Somebody else holds it: the sentence says who, and since when. Or the folder cannot be written.
    """
    lock = _take(folder)
    try:
        yield lock
    finally:
        os.close(lock)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a study's lock, the inherited one where there is one, and leave no file of it. Raises as `taken`."""
    path = lock_path(folder)
    lock = _inherited(path)
    if lock is None:
        lock = _take(folder)
    try:
        yield
    finally:
        # Before it is free: whoever waits for this very file then finds that its name is gone, and makes a new one.
        if _is_at(lock, path):  # else the folder was moved away, and this name is another's by now
            with suppress(OSError):  # what a run needs to go on is there; or it cannot be removed, and harms nobody
                path.unlink(missing_ok=True)
                path.parent.rmdir()
        os.close(lock)


def lock_path(folder: Path) -> Path:
    """Return the file that is locked."""
    return folder / "state" / "run.lock"


def _take(folder: Path) -> int:
    path, end = lock_path(folder), time.monotonic() + PATIENCE
    while True:
        lock = _opened(path)
        if lock is not None and _lock(lock):
            if _is_at(lock, path):
                return lock
            os.close(lock)
        elif lock is not None:
            os.close(lock)
            status = read_status(folder)
            if status is not None and status.alive:
                raise UserError(_busy(folder, status))
        if time.monotonic() >= end:
            raise UserError(_busy(folder, None))
        time.sleep(POLL)


def _opened(path: Path) -> int | None:
    """Open the file, made where there is none; None if it went away meanwhile, with whoever held the lock."""
    try:
        if not path.parent.is_symlink():
            path.parent.mkdir(parents=True, exist_ok=True)
        return open_own(path, os.O_RDWR | os.O_CREAT)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(path, error) from None


def _lock(lock: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a network disk without locks: better no exclusion than no run
    return True


def _inherited(path: Path) -> int | None:
    """Return the lock this process was started with, if it is this study's."""
    given = os.environ.pop(INHERITED, "")
    if not given.isdigit() or not _is_at(int(given), path):
        return None
    os.set_inheritable(int(given), False)  # the workers are to die without it
    return int(given)


def _is_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except OSError:
        return False


def _busy(folder: Path, status: Status | None) -> str:
    if status is None:
        return f"The study in {folder} is being started or changed by another process; try again in a moment."
    return f"The study in {folder} is being run already, by process {status.pid} since {status.since}."
