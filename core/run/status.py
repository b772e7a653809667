"""What a run tells of itself while it is under way: a file in the study's folder, replaced as a whole."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UserError
from core.store import read_json, write_json

if TYPE_CHECKING:
    from core.run.local import Progress

SECONDS = 1.0
"""Between two writings."""
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


def begun(pid: int) -> Status:
    """Return the status of a run that a process begins now."""
    return Status(pid, process_stamp(pid), datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"))


def write_status(folder: Path, status: Status) -> None:
    """Write it, atomically."""
    write_json(status_path(folder), asdict(status))


def read_status(folder: Path) -> Status | None:
    """Return what the last run told, if it left anything: one that came to its end does not."""
    try:
        found: Any = read_json(status_path(folder))
        status = Status(**found)
        right = isinstance(status.pid, int) and isinstance(status.running, dict) and 0 <= status.share <= 1
        return status if right and all(isinstance(text, str) for text in (status.stamp, status.since)) else None
    except (UserError, TypeError):
        return None


@contextmanager
def told(folder: Path, on_progress: Callable[["Progress"], None]) -> Iterator[Callable[["Progress"], None]]:
    """Give a callback that writes progress into the folder, and passes it on, while the block lasts.

    Nothing is left where the block comes to its end; else what became of it.
    """
    status = begun(os.getpid())
    write_status(folder, status)
    last = time.monotonic()

    def tell(progress: "Progress") -> None:
        nonlocal status, last
        share = progress.done / progress.total if progress.total else 1.0
        status = replace(
            status, share=min(1.0, share), seconds=progress.seconds, left=progress.left, running=dict(progress.running)
        )
        if progress.finished or time.monotonic() - last > SECONDS:
            last = time.monotonic()
            write_status(folder, status)
        on_progress(progress)

    try:
        yield tell
    except KeyboardInterrupt:
        write_status(folder, replace(status, running={}, ended="stopped"))
        raise
    except BaseException as error:
        said = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        with suppress(UserError):  # a full disk, say: then it is what failed
            write_status(folder, replace(status, running={}, ended="failed", said=said))
        raise
    for path in (status_path(folder), log_path(folder)):
        path.unlink(missing_ok=True)


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
