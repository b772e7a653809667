"""The loop of a run: which task is begun next, what those under way tell, and what is kept of those that are done."""

import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Protocol

from core.errors import UserError
from core.run.failures import reasons, why
from core.run.interrupt import Interrupt
from core.run.manifest import Files, write_manifest
from core.run.plan import Task
from core.store import sha256_file
from core.study import Study

WAIT = 0.2
"""Seconds between two looks at what tasks tell."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: `done` of `total` cost, seconds so far and left (None until known), and what runs now."""

    done: float
    total: float
    seconds: float
    left: float | None
    running: dict[str, str]
    finished: str = ""


class Executor(Protocol):
    """Where tasks run."""

    @property
    def workers(self) -> int:
        """How many processes it runs side by side, at the moment."""
        ...

    def submit(self, task: Task) -> None:
        """Begin a task, whose needs are in the study's folder."""
        ...

    def heard(self) -> Iterable[tuple[str, float | None, str]]:
        """Return what tasks told since the last call: a task's name, and the two arguments of its `report`."""
        ...

    def finished(self, seconds: float) -> list[tuple[Task, BaseException | None]]:
        """Wait so long for tasks to end; return those that did, their files in the study's folder, or why they failed.

        Raises
        ------
        UserError
            Nothing can run here any more.
        """
        ...


def run_tasks(
    study: Study,
    tasks: list[Task],
    wanted: dict[str, str],
    files: Files,
    opened: AbstractContextManager[Executor],
    here: int,
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
) -> None:
    """Run tasks as soon as what they need is made, the dearest first, and list in the manifest what they made.

    Parameters
    ----------
    study : Study
    tasks : list of Task
        At least one.
    wanted : dict
        Every file's key.
    files : dict
        The manifest's entries so far; they are added to.
    opened : context manager
        Gives the executor, and ends all that it runs.
    here : int
        Processes that a task may use which runs in this one.
    on_progress, on_note : callable

    Raises
    ------
    UserError
        Tasks failed: each is named with its reason, all that need nothing of them were finished and kept. Or nothing
        can run any more.
    """
    start = time.monotonic()
    total = sum(task.cost for task in tasks)
    done = 0.0
    shares: dict[str, tuple[float, str]] = {}
    failed: dict[str, str] = {}

    def tell(finished: str = "") -> None:
        interrupt.check()
        part = sum(share * costs[name] for name, (share, _) in shares.items())
        seconds = time.monotonic() - start
        ratio = (done + part) / total
        left = seconds * (1 - ratio) / ratio if ratio > 0.005 else None
        running = {name: word for name, (_, word) in shares.items()}
        on_progress(Progress(done + part, total, seconds, left, running, finished))

    def keep(task: Task) -> None:
        for name in set(task.gives) & set(wanted):
            files[name] = {"sha256": sha256_file(study.folder / name), "key": wanted[name]}
        write_manifest(study, files)

    def hear(name: str, share: float | None, word: str) -> None:
        if share is None:
            on_note(word)
        elif name in shares:
            shares[name] = (share, word)

    costs = {task.name: task.cost for task in tasks}
    pending = list(tasks)
    with Interrupt() as interrupt, opened as executor:
        running: dict[str, Task] = {}
        while pending or running:
            unmade = {name for task in [*pending, *running.values()] for name in task.gives}
            ready = [task for task in pending if not unmade & set(task.needs)]
            for task in sorted(ready, key=lambda each: -each.cost):
                if not fits(task, running.values(), executor.workers):
                    break  # nor does what is cheaper, or what takes many places would wait for ever
                pending.remove(task)
                shares[task.name] = (0.0, "")
                if task.workers:
                    _here(study, task, here, hear, tell)
                    keep(task)
                    done += task.cost
                    del shares[task.name]
                    tell(task.name)
                    break
                executor.submit(task)
                running[task.name] = task
            ended = executor.finished(WAIT)
            for said in executor.heard():
                hear(*said)
            tell()
            for task, error in ended:
                del running[task.name], shares[task.name]
                done += task.cost
                try:
                    if error is not None:
                        raise error
                    keep(task)
                    _forget_state(study, task)
                    tell(task.name)
                except Exception as reason:  # whatever befalls one task, the others go on
                    failed[task.name] = why(reason)
                    pending = _without(pending, set(task.gives))
    if failed:
        raise UserError(reasons(failed, {study.teacher.architecture, *study.config.students.architectures}))


def fits(task: Task, running: Iterable[Task], workers: int) -> bool:
    """Return whether there is room for a task beside others; alone it is begun wherever there is any."""
    taken = sum(each.devices for each in running)
    return workers > 0 and (not taken or taken + task.devices <= workers)


def _here(
    study: Study, task: Task, workers: int, hear: Callable[[str, float | None, str], None], tell: Callable[[], None]
) -> None:
    def report(share: float | None, word: str) -> None:
        hear(task.name, share, word)
        tell()

    task.function(study.folder, workers, *task.args, report)


def _without(pending: list[Task], lost: set[str]) -> list[Task]:
    """Drop the tasks that can no longer run, and those that need them in turn."""
    while True:
        dropped = [task for task in pending if lost & set(task.needs)]
        if not dropped:
            return pending
        lost |= {name for task in dropped for name in task.gives}
        pending = [task for task in pending if task not in dropped]


def _forget_state(study: Study, task: Task) -> None:
    """Remove the state of a task whose files are in the manifest."""
    for name in set(task.state) - set(task.gives):
        path = study.folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
        for folder in path.relative_to(study.folder).parents[:-1]:
            with suppress(OSError):  # others are there
                (study.folder / folder).rmdir()
