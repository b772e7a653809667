"""Tasks of one study on the machines of a Ray cluster: files come and go through Ray; this process alone keeps them."""

import os
import time
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import GetTimeoutError, NodeDiedError, OutOfMemoryError, RayError, TaskUnschedulableError
from ray.util.placement_group import PlacementGroup, placement_group_table, remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

from core.errors import UserError
from core.run.mailbox import Message
from core.run.plan import Task
from core.run.remote import Order, Outcome, each, forget, work
from core.store import sha256_file, write_bytes
from core.study import Study

if TYPE_CHECKING:
    from core.run.cluster import Machines

ANSWER = 15.0
"""Seconds that a machine has to answer: Ray itself ends this process after sixty in which the head did not."""
TRIES = 3
"""Times in a row that a task may lose its process without having got any further."""
LEAVE = 5.0
"""Seconds that machines have in the end to remove what they do not need any more."""
GOES_ON = "what was finished is kept, and the same command goes on from here"


@dataclass
class _Attempt:
    """One of the times that a task is begun: `best` is how far it ever was, `tries` how often it came no further."""

    task: Task
    best: float = 0.0
    tries: int = 0
    name: str = ""
    machine: str = ""
    group: PlacementGroup | None = None

    @property
    def machines(self) -> list[str]:
        """Those that it was given places on."""
        if self.group is None:
            return [self.machine]
        return [each for each in placement_group_table(self.group).get("bundles_to_node_id", {}).values() if each]


class Orders:
    """Tasks of one study on the machines of a cluster. Files come and go through Ray; only this process keeps them."""

    def __init__(self, machines: "Machines", study: Study, tasks: list[Task], mailbox: Any) -> None:
        self._machines, self._study, self._mailbox = machines, study, mailbox
        self._run = uuid.uuid4().hex
        self._work = ray.remote(work)
        self._uses = Counter(name for task in tasks for name in task.needs)
        self._sent: dict[str, tuple[str, Any]] = {}
        # They are cells by being there (`Study.cells`).
        self._imported = [study.path("models", cell) for cell in study.cells if cell.own_name]
        self._waiting: list[_Attempt] = []
        self._running: dict[Any, _Attempt] = {}
        self._heard: list[tuple[str, float | None, str]] = []

    @property
    def workers(self) -> int:
        """How many tasks the machines take."""
        return self._machines.workers

    def submit(self, task: Task) -> None:
        """Begin a task."""
        self._heard.append((task.name, 0.0, "waiting for a machine"))
        self._waiting.append(_Attempt(task))
        self._place()

    def heard(self) -> list[tuple[str, float | None, str]]:
        """Return what tasks told since."""
        self._collect()
        heard, self._heard = self._heard, []
        return heard

    def finished(self, seconds: float) -> list[tuple[Task, BaseException | None]]:
        """Wait for tasks to end; what lost its machine is begun again from the state that came here."""
        ready: list[Any] = []
        if self._running:
            ready, _ = ray.wait(list(self._running), timeout=seconds)
        else:
            time.sleep(seconds)
        self._collect()
        self._machines.look()
        for ref, attempt in list(self._running.items()):
            if not self._machines.have(attempt.machines):
                del self._running[ref]
                self._again(attempt, 0)
        ended: list[tuple[Task, BaseException | None]] = []
        for ref in set(ready) & set(self._running):
            attempt = self._running.pop(ref)
            if attempt.group is not None:  # with what is left of its other processes
                remove_placement_group(attempt.group)
            try:
                outcome: Outcome = ray.get(ref)
            except (NodeDiedError, TaskUnschedulableError):
                if attempt.group is None:
                    self._machines.lost(attempt.machine)
                self._again(attempt, 0)
                continue
            except RayError as error:
                if attempt.tries < TRIES:
                    self._again(attempt, attempt.tries)
                    continue
                reason = "its machine's memory is full" if isinstance(error, OutOfMemoryError) else "out of memory?"
                said = f"its process was ended {TRIES} times before it got any further ({reason})"
                ended.append((attempt.task, UserError(said)))
                continue
            if outcome.unfit:
                raise UserError(f"{outcome.host} can be no part of this run: {outcome.unfit}")
            ended.append((attempt.task, self._keep(attempt.task, outcome)))
        self._place()
        return ended

    def end(self) -> None:
        """Give up what runs; where nothing does, leave no file on the machines."""
        for ref in self._running:
            ray.cancel(ref, force=True)
        if not self._running:
            ask, where = (
                ray.remote(forget),
                [NodeAffinitySchedulingStrategy(x, soft=False) for x in self._machines.there],
            )
            asked = [ask.options(num_cpus=0, max_retries=0, scheduling_strategy=x).remote(self._run) for x in where]
            ray.wait(asked, num_returns=len(asked), timeout=LEAVE)

    def _place(self) -> None:
        """Begin what waits wherever there is room; what came first goes first."""
        taken = Counter[str]()
        for attempt in self._running.values():
            taken.update(attempt.machines)
        for attempt in list(self._waiting):
            machine = self._machines.free(taken)
            if machine is None:
                return
            self._waiting.remove(attempt)
            attempt = replace(attempt, tries=attempt.tries + 1, name=uuid.uuid4().hex, machine=machine)
            if attempt.task.devices > 1:
                attempt.group = self._machines.group(attempt.task.devices)
            taken.update(attempt.machines)
            self._begin(attempt)

    def _again(self, attempt: _Attempt, tries: int) -> None:
        """Let a task wait for another machine."""
        self._heard.append((attempt.task.name, attempt.best, "waiting for a machine"))
        self._waiting.append(replace(attempt, tries=tries, group=None))

    def _begin(self, attempt: _Attempt) -> None:
        study, task = self._study, attempt.task
        needed = [path for name in task.needs for path in each(study.folder / name)]
        order = Order(
            task,
            attempt.name,
            self._run,
            str(study.folder),
            study.config,
            study.provenance,
            self._machines.made,
            {self._name(path): self._send(path) for path in [*needed, *self._imported]},
            {self._name(path): path.read_bytes() for name in task.state for path in each(study.folder / name)},
            os.environ.get("WHERE_MODELS_LOOK_CACHE", ""),
            self._machines.device,
        )
        where: Any = NodeAffinitySchedulingStrategy(attempt.machine, soft=False)
        if attempt.group is not None:
            where = PlacementGroupSchedulingStrategy(attempt.group, 0)
        begun = self._work.options(**self._machines.options, name=task.name, scheduling_strategy=where)
        self._running[begun.remote(order, self._mailbox)] = attempt

    def _name(self, path: Path) -> str:
        return path.relative_to(self._study.folder).as_posix()

    def _send(self, path: Path) -> tuple[str, Any]:
        name = self._name(path)
        if name not in self._sent:
            self._sent[name] = sha256_file(path), ray.put(path.read_bytes())
        return self._sent[name]

    def _collect(self) -> None:
        """Take the messages, and keep the state that came with them."""
        attempts = {attempt.name: attempt for attempt in self._running.values()}
        try:
            messages: list[Message] = ray.get(self._mailbox.take.remote(), timeout=ANSWER)
        except GetTimeoutError:
            return
        except RayError:
            raise UserError(f"The process that tasks report to was ended (out of memory?); {GOES_ON}.") from None
        for message in messages:
            attempt = attempts.get(message.attempt)
            if attempt is None:
                continue  # a machine that was thought dead speaks of what is done elsewhere by now
            for name, content in message.written.items():
                write_bytes(self._study.folder / name, content)
            for name in message.gone:
                (self._study.folder / name).unlink(missing_ok=True)
            if message.share is not None and message.share > attempt.best:
                attempt.best, attempt.tries = message.share, 0
            word = message.word if message.share is None else f"{message.word}, on {message.host}"
            self._heard.append((attempt.task.name, message.share, word))

    def _keep(self, task: Task, outcome: Outcome) -> UserError | None:
        """Put what a task made into the study."""
        if outcome.failed:
            return UserError(f"on {outcome.host}: {outcome.failed}")
        try:
            for name, content in outcome.files.items():
                write_bytes(self._study.folder / name, content)
        except UserError as error:  # a full disk, say
            return error
        self._uses.subtract(task.needs)
        for name in task.needs:
            if not self._uses[name]:
                self._sent.pop(name, None)
        return None
