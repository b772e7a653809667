"""Tasks run on this machine: in processes of one thread each."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import SpawnContext
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any

import torch

from core.config import Config
from core.errors import UserError
from core.run.plan import Task
from core.run.provenance import provenance
from core.store import remove_unfinished
from core.study import Study
from core.train_together import train_together
from core.worker import deaf, die_with_parent, keep_memory


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Machine:
    """The one that this process runs on: it takes a task a core, or one for its GPU."""

    device: str

    @property
    def workers(self) -> int:
        """How many tasks it takes side by side."""
        return 1 if self.device == "cuda" else cores()

    def provenance(self, config: Config, knows: str) -> dict[str, Any]:
        """Return where and with what networks are about to be trained."""
        return provenance(config, knows, self.device)

    def executor(self, study: Study, tasks: list[Task]) -> AbstractContextManager["Processes"]:
        """Give an executor (`core.run.loop`) of its processes."""
        return processes(study.folder, self.workers)


def check_device(device: str) -> None:
    """Raise UserError where this machine has no such device."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("There is no CUDA device here; use --device cpu.")


@contextmanager
def this_machine(device: str) -> Iterator[Machine]:
    """Give this machine, which has such a device (`check_device`)."""
    yield Machine("cuda" if device == "auto" and torch.cuda.is_available() else device.replace("auto", "cpu"))


@contextmanager
def processes(folder: Path, workers: int) -> Iterator["Processes"]:
    """Give an executor (`core.run.loop`) of so many processes, which work in a study's folder itself."""
    context = get_context("spawn")
    with _manager(context) as manager:
        pool = partial(ProcessPoolExecutor, workers, mp_context=context, initializer=_worker)
        executor = Processes(folder, workers, pool, manager.Queue())
        try:
            yield executor
        finally:
            executor.end()


class Processes:
    """Tasks of one study in a pool of processes.

    One that is ended from outside takes the pool with it, and nobody knows which of the tasks under way it was at. All
    of them are begun again from their state, in a new pool; but no task a third time, as it may be what ends them.
    """

    def __init__(self, folder: Path, workers: int, pool: Callable[[], ProcessPoolExecutor], queue: Any) -> None:
        self.folder, self.workers = folder, workers
        self._new_pool, self._pool, self._queue = pool, pool(), queue
        self._running: dict[Future[Any], Task] = {}
        self._lost = Counter[str]()

    def submit(self, task: Task) -> None:
        """Begin a task; UserError where a process of one was ended from outside a second time."""
        try:
            self._begin(task)
        except BrokenProcessPool:
            self._again(task)

    def heard(self) -> Iterator[tuple[str, float | None, str]]:
        """Return what tasks told since."""
        while not self._queue.empty():
            yield self._queue.get()

    def finished(self, seconds: float) -> list[tuple[Task, BaseException | None]]:
        """Wait for tasks to end, and return those in the order they began; UserError as `submit`, after all others."""
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        errors = {future: future.exception() for future in self._running if future in done}
        whole = {future: error for future, error in errors.items() if not isinstance(error, BrokenProcessPool)}
        if errors and not whole:
            self._again()
        return [(self._running.pop(future), error) for future, error in whole.items()]

    def end(self) -> None:
        """End all processes."""
        for process in list((self._pool._processes or {}).values()):  # shutdown forgets them
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, task: Task) -> None:
        with deaf():
            self._running[self._pool.submit(_call, task, self.folder, self._queue)] = task

    def _again(self, *more: Task) -> None:
        """Begin what was under way again, and more."""
        wait(self._running)  # of a pool that has broken, each ends at once
        broken = [future for future in self._running if isinstance(future.exception(), BrokenProcessPool)]
        tasks = [self._running.pop(future) for future in broken]
        self._lost.update(task.name for task in tasks)
        ended = "A process of this run was ended from outside (out of memory?)"
        if any(self._lost[task.name] > 1 for task in tasks):
            raise UserError(f"{ended}; the same command goes on from here.")
        self.end()
        remove_unfinished(self.folder)
        self._pool = self._new_pool()
        try:
            for task in (*tasks, *more):
                self._begin(task)
        except BrokenProcessPool:
            raise UserError(f"{ended}; the same command goes on from here.") from None
        if names := ", ".join(task.name for task in tasks):
            self._queue.put(("", None, f"{ended}; what was under way is gone on with: {names}."))


@contextmanager
def _manager(context: SpawnContext) -> Iterator[SyncManager]:
    manager = SyncManager(ctx=context)
    with deaf():
        manager.start(die_with_parent)
    with manager:
        yield manager


def _worker() -> None:
    die_with_parent()
    keep_memory()
    # Several processes of one thread beat one of several threads by far (BIRDS.md), and give the same bits every time.
    torch.set_num_threads(1)


def _call(task: Task, folder: Path, queue: Any) -> None:
    last = 0.0

    def report(share: float | None, word: str) -> None:
        nonlocal last
        if share is None or time.monotonic() - last > 0.2:
            last = time.monotonic()
            queue.put((task.name, share, word))

    work = partial(train_together, task.devices) if task.devices > 1 else task.function
    work(folder, *task.args, report)
