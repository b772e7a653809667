"""What a run tells of itself while it is under way: a file in the study's folder, replaced as a whole."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UserError
from core.run.failures import why
from core.store import read_json, write_json

if TYPE_CHECKING:
    from core.run.loop import Progress

SECONDS = 1.0
"""Between two writings."""
LONGEST = 1e9
"""Seconds that a run may take, or expect to: thirty years."""
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Status:
    """How far a run is, and who runs it.

    Attributes
    ----------
    pid : int
    stamp : str
        Of the process (`process_stamp`): a pid is given out again, the two together are not.
    since : str
        When it began, in local time, as people write it.
    share : float
        Done so far, from 0 to 1.
    seconds, left : float
        So far, and still to come; `left` is None until that can be told.
    running : dict
        Task to how far it is.
    ended : str
        "" while it runs (or was cut off), else "stopped" or "failed".
    said : str
        Why it failed.
    """

    pid: int
    stamp: str
    since: str
    share: float = 0.0
    seconds: float = 0.0
    left: float | None = None
    running: dict[str, str] = field(default_factory=dict)
    ended: str = ""
    said: str = ""

    @property
    def alive(self) -> bool:
        """Whether its process is there and has not said that it ended."""
        return not self.ended and bool(self.stamp) and process_stamp(self.pid) == self.stamp


def status_path(folder: Path) -> Path:
    """Return where a run of the study in `folder` tells how far it is."""
    return folder / "state" / "run.json"


def log_path(folder: Path) -> Path:
    """Return where the output of a run goes that no terminal shows."""
    return folder / "state" / "run.log"


def open_own(path: Path, flags: int) -> int:
    """Open a file of a study's state/ itself, never what a link in its place leads to; return its descriptor.

    Raises
    ------
    OSError
        As `os.open`.
    UserError
        It, or its folder, is a link.
    """
    for each in (path.parent, path):
        if each.is_symlink():
            raise UserError(f"{each} is a link, which a run would follow out of its study; remove it, then try again.")
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o644)


def begun(pid: int) -> Status:
    """Return the status of a run that a process begins now."""
    return Status(pid, process_stamp(pid), datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"))


def identity(folder: Path) -> str:
    """Return what a folder keeps when it is renamed, and a copy of it has not; "" where there is none.

    Raises
    ------
    OSError
        Whether there is one cannot be said.
    """
    try:
        found = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return f"{found.st_dev} {found.st_ino}"


def write_status(folder: Path, status: Status) -> None:
    """Write it, atomically, with the folder that it is of."""
    write_json(status_path(folder), {**asdict(status), "folder": identity(folder)})


def read_status(folder: Path) -> Status | None:
    """Return what the last run told, if it left anything that can be read: one that came to its end does not.

    A study that was copied during its run came with what that told. It is not run, and to stop it must not stop the
    other, so of its status the process is left out.
    """
    path = status_path(folder)
    if path.is_symlink() or path.parent.is_symlink():  # out of the study
        return None
    try:
        said = read_json(path)
        own = said.pop("folder", "") == identity(folder)
        status = Status(**said)
    except (UserError, TypeError, AttributeError, OSError):
        return None
    if not _is_right(status):
        return None
    return status if own else replace(status, stamp="")


def _is_right(status: Status) -> bool:
    """Return whether every field is of its kind; NaN is within no bounds."""
    if type(status.pid) is not int or not isinstance(status.running, dict):
        return False
    texts = [status.stamp, status.since, status.ended, status.said, *status.running, *status.running.values()]
    numbers = [(status.share, 1.0), (status.seconds, LONGEST), (0.0 if status.left is None else status.left, LONGEST)]
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(number, int | float) and 0 <= number <= most for number, most in numbers
    )


@contextmanager
def told(folder: Path, on_progress: Callable[["Progress"], None]) -> Iterator[Callable[["Progress"], None]]:
    """Give a callback that writes progress into the folder, and passes it on, while the block lasts.

    Nothing is left where the block comes to its end; else what became of it.
    """
    status = begun(os.getpid())
    write_status(folder, status)
    if not _speaks_to(log_path(folder)):
        with suppress(OSError):
            log_path(folder).unlink(missing_ok=True)  # of an earlier run
    last = time.monotonic()

    def tell(progress: "Progress") -> None:
        nonlocal status, last
        share = progress.done / progress.total if progress.total else 1.0
        status = replace(
            status, share=min(1.0, share), seconds=progress.seconds, left=progress.left, running=dict(progress.running)
        )
        if progress.finished or time.monotonic() - last > SECONDS:
            last = time.monotonic()
            with suppress(UserError):  # that it cannot be told is no reason to stop
                write_status(folder, status)
        on_progress(progress)

    try:
        yield tell
    except KeyboardInterrupt:
        with suppress(UserError):
            write_status(folder, replace(status, running={}, ended="stopped"))
        raise
    except BaseException as error:
        said = why(error)
        with suppress(UserError):  # a full disk, say: then it is what failed
            write_status(folder, replace(status, running={}, ended="failed", said=said))
        raise
    for path in (status_path(folder), log_path(folder)):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _speaks_to(log: Path) -> bool:
    """Return whether what this process says on its error output goes to that file."""
    try:
        return os.path.samestat(os.fstat(2), log.stat())
    except OSError:
        return False


def process_stamp(pid: int) -> str:
    """Return when a process started, in the system's own words; "" where there is none (any more) of that pid."""
    if not BOOT.exists():
        ask = ["ps", "-o", "lstart=", "-p", str(pid)]
        with suppress(OSError):
            return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
        return ""
    try:
        # After the name, which may hold anything: the state first, the start the twentieth (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else f"{BOOT.read_text().strip()} {fields[19]}"
    except OSError:
        return ""
