"""What a machine of a cluster does: a task, in a folder of its own; what it makes is sent to the run, which keeps it.

So the run alone writes into the study, whether the machines share its disk or not: one that is thought dead and is not
can spoil nothing.
"""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ray
import torch
from ray.util.placement_group import get_current_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from core import stages
from core.config import Config
from core.errors import UserError
from core.run.begin import begin
from core.run.failures import why
from core.run.local import cores
from core.run.mailbox import Message
from core.run.plan import Task
from core.run.provenance import provenance
from core.run.ranks import follow, lead
from core.run.recipe import VERSIONS
from core.store import write_bytes
from core.train_together import LEFT
from core.worker import keep_memory

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HOME = "where-models-look-"
"""How the folder of a run begins in a machine's folder for temporary files."""
TELL = 0.2
"""Seconds between two messages, unless there is something to keep."""
STUCK = 30.0
"""Seconds without a sign of life, after which a process that reads images is not waited for."""


@dataclass(frozen=True)
class Order:
    """A task, and all that a machine needs for it.

    Attributes
    ----------
    task : Task
    attempt : str
    run : str
        Names the run; one folder of a machine serves all tasks of it.
    folder : str
        The study's, where the run is: what people are told of.
    config : Config
    provenance : dict
        Of the study.
    made : dict
        In what all machines have to agree (`setting`).
    inputs : dict
        What it reads: the file's name to its checksum, and to where Ray keeps its bytes.
    state : dict of bytes
        What an earlier attempt left.
    cache : str
        $WHERE_MODELS_LOOK_CACHE, where it is set.
    device : str
    """

    task: Task
    attempt: str
    run: str
    folder: str
    config: Config
    provenance: dict[str, Any]
    made: dict[str, str]
    inputs: dict[str, tuple[str, Any]]
    state: dict[str, bytes]
    cache: str
    device: str


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes
    ----------
    host : str
    files : dict of bytes
        What it made, by name.
    failed : str
        Why it made nothing, "" if it did.
    unfit : str
        Why no task can be done there, "" if they can.
    """

    host: str
    files: dict[str, bytes] = field(default_factory=dict)
    failed: str = ""
    unfit: str = ""


def setting(config: Config, device: str) -> dict[str, str]:
    """Return what a machine has that decides bits: versions, those of the stages too, and in what networks multiply."""
    made = provenance(config, "", device)
    stations = {f"station '{name}'": str(number) for name, number in VERSIONS.items()}
    return {"precision": made["precision"], "Python": made["python"], **made["versions"], **stations}


def origin(config: Config, knows: str, device: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return where networks are trained, as a study has it, if it is here; and what other machines have to agree in."""
    return provenance(config, knows, device), setting(config, device)


def work(order: Order, mailbox: Any) -> Outcome:
    """Do a task."""
    host = socket.gethostname()
    folder = _home(order.run) / f"study-{os.getpid()}"
    told = _Told(order.attempt, host, folder, mailbox)
    try:
        _furnish(order, folder, told.report)
        for name, state in order.state.items():
            write_bytes(folder / name, state)
    except UserError as error:
        return Outcome(host, unfit=str(error))
    told.look()
    try:
        if order.task.devices > 1:
            lead(order.task, folder, told.report, partial(_other, order))
        else:
            order.task.function(folder, *order.task.args, told.report)
        told.end()
    except ray.exceptions.RayError:
        raise  # no fault of the task's
    except Exception as error:
        return Outcome(host, failed=why(error).replace(str(folder), order.folder))
    files = [path for name in order.task.gives for path in each(folder / name)]
    return Outcome(host, {path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def _other(order: Order, rank: int, address: str, port: int) -> Any:
    """Begin another process of a task, in its own place of the task's placement group."""
    group = get_current_placement_group()
    assert group is not None  # noqa: S101
    where = PlacementGroupSchedulingStrategy(group, rank)
    gpus = 1 if order.device == "cuda" else 0
    begun = ray.remote(_follow).options(num_cpus=1, num_gpus=gpus, max_retries=0, scheduling_strategy=where)
    return begun.remote(order, rank, address, port)


def _follow(order: Order, rank: int, address: str, port: int) -> str:
    folder = _home(order.run) / f"study-{os.getpid()}"
    try:
        _furnish(order, folder, lambda share, word: None)
        follow(order.task, folder, rank, address, port)
    except ray.exceptions.RayError:
        raise
    except Exception as error:
        return f"on {socket.gethostname()}: {why(error)}" if str(error) != LEFT else LEFT
    return ""


def forget(run: str) -> None:
    """Remove what a run that is over left on this machine."""
    shutil.rmtree(_place(run), ignore_errors=True)


def _furnish(order: Order, folder: Path, report: Callable[[float | None, str], None]) -> None:
    """Put everything into a folder that a task reads, but for its state; UserError where this machine is not fit."""
    torch.set_num_threads(1)
    keep_memory()
    if order.cache:
        os.environ["WHERE_MODELS_LOOK_CACHE"] = order.cache
    shutil.rmtree(folder, ignore_errors=True)
    begin(order.config, folder, order.provenance)
    _join(order, folder.parent, folder, report)
    for name, (digest, content) in order.inputs.items():
        _link(folder.parent / "inputs" / digest, folder / name, content)


class _Told:
    """What a task tells of itself, and of the files of its state."""

    def __init__(self, attempt: str, host: str, folder: Path, mailbox: Any) -> None:
        self.attempt, self.host, self.folder, self.mailbox = attempt, host, folder, mailbox
        self.last, self.sent = 0.0, None
        self.seen: dict[str, tuple[int, int]] = {}

    def report(self, share: float | None, word: str) -> None:
        """Tell the run; of state that was written, at once."""
        written, gone = self.look()
        if written or gone or share is None or time.monotonic() - self.last > TELL:
            self.last = time.monotonic()
            self.end()  # no two on their way: what is slow to arrive slows down who sends it
            self.sent = self.mailbox.put.remote(Message(self.attempt, self.host, share, word, written, gone))

    def end(self) -> None:
        """Wait until the last message has arrived."""
        if self.sent is not None:
            ray.get(self.sent)
            self.sent = None

    def look(self) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """Return the files of the state that changed since the last call, and the names of those that went."""
        now = {}
        for path in each(self.folder / "state"):
            found = path.stat()
            now[path.relative_to(self.folder).as_posix()] = (found.st_mtime_ns, found.st_ino)
        new = [name for name, stamp in now.items() if self.seen.get(name) != stamp]
        new.sort(key=lambda name: (now[name][0], name.endswith(".json")))  # as shards are written
        gone = tuple(set(self.seen) - set(now))
        self.seen = now
        return {name: (self.folder / name).read_bytes() for name in new}, gone


def each(path: Path) -> list[Path]:
    """Return a file, or the files below a folder; none of those that are being written."""
    if path.is_file():
        return [path]
    return [found for found in sorted(path.rglob("*")) if found.is_file() and not found.name.startswith(".")]


def _place(run: str) -> Path:
    return Path(tempfile.gettempdir(), f"{HOME}{run}")


def _home(run: str) -> Path:
    """Return this machine's folder for a run; those of runs that are over are removed.

    All processes that work in one hold a lock on it, which dies with them.
    """
    home = _place(run)
    if run in _known or fcntl is None:
        home.mkdir(mode=0o700, exist_ok=True)
        return home
    for other in set(home.parent.glob(f"{HOME}*")) - {home}:
        with suppress(OSError), (other / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(other, ignore_errors=True)
    while True:
        home.mkdir(mode=0o700, exist_ok=True)
        held = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(held, fcntl.LOCK_SH)
        with suppress(OSError):  # another run took it for one that is over, before it was locked
            if os.path.samestat(os.fstat(held), (home / "lock").stat()):
                return home
        os.close(held)


def _join(order: Order, home: Path, folder: Path, report: Callable[[float | None, str], None]) -> None:
    """Make this process one of the run's: see that it agrees with the others, and that the images are there."""
    if order.run in _known:
        return
    here = setting(order.config, order.device)
    for name, value in order.made.items():
        if here.get(name) != value:
            raise UserError(f"it has {name} {here.get(name, 'missing')}, others {value}, and all must have the same.")
    with _turn(home / "images") as lock:  # read once on a machine, unless its disk has them already

        def tell(share: float | None, word: str) -> None:
            os.utime(lock)
            report(0.0, word)

        stages.prepare(folder, cores(), tell)
    _known.add(order.run)


@contextmanager
def _turn(path: Path) -> Iterator[Path]:
    """Wait until no other process is in such a block on a file, or the one that is has long not touched it."""
    with path.open("a") as lock:
        while fcntl is not None:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.time() - path.stat().st_mtime > STUCK:
                break
            time.sleep(TELL)
        os.utime(path)
        yield path


_known: set[str] = set()
"""Runs that this process has joined."""


def _link(kept: Path, path: Path, content: Any) -> None:
    """Put an input into its place; its bytes are fetched once a machine."""
    if not kept.exists():
        write_bytes(kept, ray.get(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.link(kept, path)
