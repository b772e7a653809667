"""Tasks run on many machines: those of a Ray cluster, of which this one is one."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayError
from ray.util.placement_group import PlacementGroup, placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from core.config import Config
from core.errors import UserError
from core.progress import duration
from core.run.address import answers, check_address
from core.run.mailbox import Mailbox
from core.run.orders import ANSWER, GOES_ON, TRIES, Orders
from core.run.plan import Task
from core.run.remote import origin
from core.study import Study

PATIENCE = 600.0
"""Seconds to wait for a machine where there is none: a cloud's takes minutes to come."""
WANTED = 256
"""Places that a cluster is asked for at most, which may grow."""
LOOK = 1.0
"""Seconds between two looks at which machines are there."""


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
    check_address(address)
    try:
        with _hushed():
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except ConnectionError as error:
        raise UserError(_kept_out(address, str(error))) from None
    except (RuntimeError, ValueError, RayError) as error:
        said = str(error).splitlines()[0]
        if said.startswith("Token authentication"):
            raise UserError(_kept_out(address, said)) from None
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
        self._looked, self._since = -LOOK, time.monotonic()
        self._lonely: float | None = None
        self._names: dict[str, str] = {}
        self._there: set[str] = set()
        self._cores: dict[str, dict[str, float]] = {}
        self.answered = True
        self.device = device
        self.look()
        if not self._cores:
            self._ask_for(1)
        while not self._cores:
            time.sleep(LOOK)
            self.look()
        gpus = any("GPU" in found for found in self._cores.values())
        if device == "auto":
            self.device = "cuda" if gpus else "cpu"
        elif device == "cuda" and not gpus:
            raise UserError("The cluster has no GPU; use --device cpu.")
        count = sum(self._room(found) for found in self._cores.values())
        what = "GPU" if self.device == "cuda" else "core"
        there = f"{_plural(count, what)} on {_plural(len(self._cores), 'machine')}"
        on_note(f"The cluster at {host}:{port} has {there}.")

    @property
    def workers(self) -> int:
        """How many tasks they take side by side: one a GPU, or a core."""
        self.look()
        return sum(self._room(found) for found in self._cores.values())

    @property
    def options(self) -> dict[str, Any]:
        """What of a machine a process takes; whether it is begun again is not Ray's to decide."""
        return {"num_cpus": 1, "num_gpus": 1 if self.device == "cuda" else 0, "max_retries": 0}

    def free(self, taken: Counter[str]) -> str | None:
        """Return the machine with most room beside what was taken, by its id; None where none has any.

        It is chosen here, not by Ray, to know what is lost with it: where a machine does not answer any more, but its
        connections stand, Ray waits for its tasks for minutes after it has given it up.
        """
        room = {key: self._room(found) - taken[key] for key, found in self._cores.items()}
        best = max(room, key=lambda key: room[key], default=None)
        return best if best is not None and room[best] > 0 else None

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

    @property
    def there(self) -> list[str]:
        """Their ids."""
        return list(self._cores)

    def lost(self, machine: str) -> None:
        """Do without a machine until the cluster says again that it is there."""
        self._cores.pop(machine, None)

    def have(self, machines: Iterable[str]) -> bool:
        """Return whether some machines are still there."""
        return set(machines) <= self._cores.keys()

    def provenance(self, config: Config, knows: str) -> dict[str, Any]:
        """Return where and with what networks are about to be trained; UserError where no machine says so."""
        ask = ray.remote(origin).options(**self.options)
        for _ in range(TRIES):
            self._found = ask.remote(config, knows, self.device)
            with suppress(RayError):
                while not ray.wait([self._found], timeout=LOOK)[0]:
                    self.look()
                made, self.made = ray.get(self._found)
                return dict(made)
        raise UserError(f"The cluster's machines end what is begun on them; {GOES_ON}.")

    @contextmanager
    def executor(self, study: Study, tasks: list[Task]) -> Iterator[Orders]:
        """Give an executor (`core.run.loop`) of these machines."""
        here = NodeAffinitySchedulingStrategy(self._here, soft=False)
        mailbox = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        orders = Orders(self, study, tasks, mailbox)
        self._ask_for(min(len(tasks), WANTED))
        try:
            yield orders
        finally:
            if self.answered:
                self._ask_for(0)
                orders.end()

    def _ask_for(self, places: int) -> None:
        """Tell a cluster that grows by itself how many places are wanted; to others it is all the same."""
        place = {"GPU": 1} if self.device == "cuda" else {"CPU": 1}
        request_resources(bundles=[place] * places)

    def _room(self, found: dict[str, float]) -> int:
        return int(found.get("GPU" if self.device == "cuda" else "CPU", 0))

    def look(self) -> None:
        """See now and then which machines are there, and say what changed.

        Raises
        ------
        UserError
            The cluster does not answer any more, or has had no machine for too long.
        """
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        self.answered = answers(*self._head)
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
        for key in cores.keys() - self._there if self._names else ():
            self._on_note(f"{alive[key]['NodeManagerHostname']} has joined the cluster.")
        for key in self._there - cores.keys():
            self._on_note(f"{self._names[key]} has left the cluster; what it was at goes on elsewhere.")
        self._there = set(cores)
        self._names |= {key: node["NodeManagerHostname"] for key, node in alive.items()}
        self._cores = cores
        if cores:
            self._lonely = None
        elif self._lonely is None:
            self._lonely = self._looked
            self._on_note(f"The cluster has no machine to compute on; one is waited for, for {duration(PATIENCE)}.")
        elif self._looked - self._lonely > PATIENCE:
            raise UserError(f"The cluster has had no machine to compute on for {duration(PATIENCE)}; {GOES_ON}.")


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


def _kept_out(address: str, said: str) -> str:
    """Say why no connection came to be; Ray itself tells only by its words."""
    if said.startswith("Could not find any"):
        return "This machine is part of no Ray cluster. One is begun with: ray start --head"
    if said.startswith("Found multiple"):
        return "This machine is part of several Ray clusters; say of which with --cluster HOST:PORT."
    if said.startswith("Token authentication is enabled but no"):
        return (
            "RAY_AUTH_MODE=token is set, but there is no word in ~/.ray/auth_token; copy that file from another "
            "machine of the cluster."
        )
    which = "this machine is part of" if address == "auto" else f"at {address}"
    return (
        f"The Ray cluster {which} does not let this run in. If it was begun with RAY_AUTH_MODE=token, that has to be "
        "set here too, and ~/.ray/auth_token has to be the same."
    )


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
