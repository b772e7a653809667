"""Tasks run on many machines: those of a Ray cluster, of which this one is one."""

import logging
import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

from core.config import Config
from core.errors import UserError
from core.run.mailbox import Mailbox, Message
from core.run.plan import Task
from core.run.remote import Order, Outcome, each, origin, work
from core.store import sha256_file, write_bytes
from core.study import Study

PATIENCE = 60.0
"""Seconds to wait for a machine where there is none, and for the cluster where it does not answer."""
ANSWER = 15.0
"""Seconds that the cluster's head has to answer: Ray itself ends this process after sixty."""
LOOK = 1.0
"""Seconds between two looks at which machines are there."""
TRIES = 3
"""Times in a row that a task may lose its process without having got any further."""
GOES_ON = "what was finished is kept, and the same command goes on from here"


@contextmanager
def joined(address: str, device: str, on_note: Callable[[str], None]) -> Iterator["Machines"]:
    """Join a Ray cluster while the block lasts.

    Parameters
    ----------
    address : str
        HOST:PORT of its head, or "auto": the one that this machine is part of.
    device : str
        "auto" (CUDA where the cluster has it), "cpu" or "cuda".
    on_note : callable

    Raises
    ------
    UserError
        No cluster answers there, this machine is no part of it, or it has no such device.
    """
    # What Ray says of its machines is said here, in fewer words.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    host, _, port = address.rpartition(":")
    if address != "auto":
        if not host or not port.isdigit():
            raise UserError(f"--cluster is auto, or the HOST:PORT of a Ray cluster's head, not '{address}'.")
        if not _answers(host, int(port)):
            raise UserError(f"No Ray cluster answers at {address}. One is begun with: ray start --head --port={port}")
    try:
        with _hushed():
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except ConnectionError:
        raise UserError("This machine is part of no Ray cluster. One is begun with: ray start --head") from None
    except (RuntimeError, ValueError, RayError) as error:
        said = str(error).splitlines()[0]
        raise UserError(
            f"The Ray cluster at {address} cannot be joined ({said}). Is this machine part of it (ray start "
            f"--address={address}), with the same versions of Ray and Python?"
        ) from None
    # There is no public switch for what its machines report.
    ray._private.worker._worker_logs_enabled = False
    machines = None
    try:
        machines = Machines(device, on_note)
        yield machines
    finally:
        if machines is None or machines.answered:  # else Ray waits for an answer, and ends this process
            ray.shutdown()


class Machines:
    """The machines of the cluster: how many tasks they take, and what becomes of them."""

    def __init__(self, device: str, on_note: Callable[[str], None]) -> None:
        self._on_note = on_note
        host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
        self._head = host, int(port)
        self._here = ray.get_runtime_context().get_node_id()
        self._looked, self._since, self._lonely = 0.0, time.monotonic(), time.monotonic()
        self._names: dict[str, str] = {}
        self._cores: dict[str, dict[str, float]] = {}
        self.answered = True
        self.device = device
        self._look()
        if device == "auto":
            self.device = "cuda" if self._count("GPU") else "cpu"
        elif device == "cuda" and not self._count("GPU"):
            raise UserError("The cluster has no GPU; use --device cpu.")
        count = self._count("GPU" if self.device == "cuda" else "CPU")
        what = "GPU" if self.device == "cuda" else "core"
        on_note(f"The cluster has {_plural(count, what)} on {_plural(len(self._cores), 'machine')}.")

    @property
    def workers(self) -> int:
        """How many tasks they take side by side: one a GPU, or a core.

        Raises
        ------
        UserError
            The cluster does not answer any more, or has had no machine for too long.
        """
        if time.monotonic() - self._looked > LOOK:
            self._look()
        return self._count("GPU" if self.device == "cuda" else "CPU")

    @property
    def options(self) -> dict[str, Any]:
        """What of a machine a process takes; whether it is begun again is not Ray's to decide."""
        return {"num_cpus": 1, "num_gpus": 1 if self.device == "cuda" else 0, "max_retries": 0}

    def group(self, devices: int) -> PlacementGroup:
        """Ask for places for the processes of one task, near each other where there is room.

        Raises
        ------
        UserError
            All machines together have not so many.
        """
        if 0 < self.workers < devices:
            there = _plural(self.workers, "GPU" if self.device == "cuda" else "core")
            raise UserError(f"training.processes is {devices}, but the cluster has {there}.")
        place = {"CPU": 1, "GPU": 1} if self.device == "cuda" else {"CPU": 1}
        return placement_group([place] * devices, strategy="PACK")

    def provenance(self, config: Config, knows: str) -> dict[str, Any]:
        """Return where and with what networks are about to be trained; UserError where no machine says so."""
        ask = ray.remote(origin).options(**self.options)
        for _ in range(TRIES):
            self._found = ask.remote(config, knows, self.device)
            with suppress(RayError):
                while not ray.wait([self._found], timeout=LOOK)[0]:
                    _ = self.workers
                made, self.made = ray.get(self._found)
                return dict(made)
        raise UserError(f"The cluster's machines end what is begun on them; {GOES_ON}.")

    @contextmanager
    def executor(self, study: Study, tasks: list[Task]) -> Iterator["Orders"]:
        """Give an executor (`core.run.loop`) of these machines."""
        here = NodeAffinitySchedulingStrategy(self._here, soft=False)
        mailbox = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        orders = Orders(self, study, tasks, mailbox)
        try:
            yield orders
        finally:
            if self.answered:
                orders.end()

    def _count(self, kind: str) -> int:
        return int(sum(each.get(kind, 0) for each in self._cores.values()))

    def _look(self) -> None:
        self._looked = time.monotonic()
        self.answered = _answers(*self._head)
        if not self.answered:
            if self._looked - self._since > ANSWER:
                raise UserError(f"The Ray cluster at {self._head[0]}:{self._head[1]} does not answer; {GOES_ON}.")
            return
        self._since = self._looked
        nodes = ray.nodes()
        alive = {node["NodeID"]: node for node in nodes if node["Alive"]}
        if self._here not in alive:
            self.answered = False
            raise UserError(f"This machine is no part of the Ray cluster any more; {GOES_ON}.")
        kinds = {key: node["Resources"] for key, node in alive.items()}
        cores = {key: found for key, found in kinds.items() if found.get("CPU", 0) >= 1}
        for key in set(cores) - set(self._cores) if self._names else ():
            self._on_note(f"{alive[key]['NodeManagerHostname']} has joined the cluster.")
        for key in set(self._cores) - set(cores):
            self._on_note(f"{self._names[key]} has left the cluster; what it was at goes on elsewhere.")
        self._names |= {key: node["NodeManagerHostname"] for key, node in alive.items()}
        self._cores = cores
        if cores:
            self._lonely = self._looked
        elif self._looked - self._lonely > PATIENCE:
            raise UserError(f"The cluster has had no machine to compute on for {PATIENCE:.0f} s; {GOES_ON}.")


@dataclass
class _Attempt:
    task: Task
    name: str
    best: float
    tries: int
    group: PlacementGroup | None = None


class Orders:
    """Tasks of one study on the machines of a cluster. Files come and go through Ray; only this process keeps them."""

    def __init__(self, machines: Machines, study: Study, tasks: list[Task], mailbox: Any) -> None:
        self._machines, self._study, self._mailbox = machines, study, mailbox
        self._run = uuid.uuid4().hex
        self._work = ray.remote(work)
        self._uses = Counter(name for task in tasks for name in task.needs)
        self._sent: dict[str, tuple[str, Any]] = {}
        # They are cells by being there (`Study.cells`).
        self._imported = [study.path("models", cell) for cell in study.cells if cell.own_name]
        self._running: dict[Any, _Attempt] = {}
        self._heard: list[tuple[str, float | None, str]] = []

    @property
    def workers(self) -> int:
        """How many tasks the machines take."""
        return self._machines.workers

    def submit(self, task: Task) -> None:
        """Begin a task."""
        self._heard.append((task.name, 0.0, "waiting for a machine"))
        self._begin(task, 0.0, 0)

    def heard(self) -> list[tuple[str, float | None, str]]:
        """Return what tasks told since."""
        self._collect()
        heard, self._heard = self._heard, []
        return heard

    def finished(self, seconds: float) -> list[tuple[Task, BaseException | None]]:
        """Wait for tasks to end; what lost its machine is begun again from the state that came here."""
        if not self._running:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(list(self._running), timeout=seconds)
        self._collect()
        ended: list[tuple[Task, BaseException | None]] = []
        for ref in ready:
            attempt = self._running.pop(ref)
            if attempt.group is not None:  # with what is left of its other processes
                remove_placement_group(attempt.group)
            try:
                outcome: Outcome = ray.get(ref)
            except RayError as error:
                if attempt.tries < TRIES:
                    self._begin(attempt.task, attempt.best, attempt.tries)
                    continue
                reason = "its machine's memory is full" if isinstance(error, OutOfMemoryError) else "out of memory?"
                said = f"its process was ended {TRIES} times before it got any further ({reason})"
                ended.append((attempt.task, UserError(said)))
                continue
            if outcome.unfit:
                raise UserError(f"{outcome.host} can be no part of this run: {outcome.unfit}")
            ended.append((attempt.task, self._keep(attempt.task, outcome)))
        return ended

    def end(self) -> None:
        """Give up what runs."""
        for ref in self._running:
            ray.cancel(ref, force=True)

    def _begin(self, task: Task, best: float, tries: int) -> None:
        study = self._study
        attempt = _Attempt(task, uuid.uuid4().hex, best, tries + 1)
        needed = [path for name in task.needs for path in each(study.folder / name)]
        inputs = {self._name(path): self._send(path) for path in [*needed, *self._imported]}
        state = {self._name(path): path.read_bytes() for name in task.state for path in each(study.folder / name)}
        order = Order(
            task,
            attempt.name,
            self._run,
            study.config,
            study.provenance,
            self._machines.made,
            inputs,
            state,
            os.environ.get("WHERE_MODELS_LOOK_CACHE", ""),
            self._machines.device,
        )
        options = {**self._machines.options, "name": task.name}
        if task.devices > 1:
            attempt.group = self._machines.group(task.devices)
            options["scheduling_strategy"] = PlacementGroupSchedulingStrategy(attempt.group, 0)
        self._running[self._work.options(**options).remote(order, self._mailbox)] = attempt

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


@contextmanager
def _hushed() -> Iterator[None]:
    """Drop what is written to the error output: that it was told to say little, Ray's C++ says there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _answers(host: str, port: int) -> bool:
    """Return whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
