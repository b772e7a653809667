"""Cells trained by processes on several machines of a cluster: one that does the task, and others that it begins."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ray
import torch.distributed as dist
from ray.exceptions import RayError

from core.errors import UserError
from core.run.plan import Task
from core.stages import Report
from core.train_together import LEFT, PATIENCE, hear_only, train_rank

LOOK = 0.2
"""Seconds between two looks at whether the others are there."""
GRACE = 60.0
"""Seconds in which the others say why they have ended, or Ray that they are gone."""
READY = "ready"
"""Counts those that can begin, where all meet."""


def lead(task: Task, folder: Path, report: Report, begin: Callable[[int, str, int], Any]) -> list[Path]:
    """Train a task's cells with as many other processes as it wants.

    Parameters
    ----------
    task : Task
    folder : Path
        Of a study, with everything in it that the task reads.
    report : callable
    begin : callable
        Begins another process by its rank, this machine's address and a port, to call `follow` with them; returns Ray's
        reference to what it ends with: why it failed, or "".

    Raises
    ------
    UserError
        As `train_rank`, and what another process says of why it cannot go on.
    ray.exceptions.RayError
        Another process, or its machine, has ended.
    """
    (names, keys, device), world = task.args, task.devices
    address = ray.util.get_node_ip_address()
    hear_only(address)
    store = dist.TCPStore(address, 0, is_master=True, wait_for_workers=False, timeout=PATIENCE)
    others = [begin(rank, address, store.port) for rank in range(1, world)]
    over = threading.Event()
    try:
        while store.add(READY, 0) < world - 1:
            for ended in ray.wait(others, num_returns=len(others), timeout=LOOK)[0]:
                if said := ray.get(ended):
                    raise UserError(said)
        threading.Thread(target=_watch, args=(others, over), daemon=True).start()
        return train_rank(0, world, store, folder, names, keys, device, report)
    except UserError as error:
        if str(error) != LEFT:
            raise
        said = next((each for each in ray.get(others, timeout=GRACE) if each not in ("", LEFT)), LEFT)
        raise UserError(said) from None
    finally:
        over.set()
        for other in others:
            ray.cancel(other, force=True)


def follow(task: Task, folder: Path, rank: int, address: str, port: int) -> None:
    """Train with the process that leads. Raises as `train_rank`."""
    names, keys, device = task.args
    hear_only(ray.util.get_node_ip_address())
    store = dist.TCPStore(address, port, is_master=False, timeout=PATIENCE)
    store.add(READY, 1)
    train_rank(rank, task.devices, store, folder, names, keys, device, lambda share, word: None)


def _watch(others: Sequence[Any], over: threading.Event) -> None:
    """End this process when another was ended: where a whole machine is gone, no closed line says so."""
    left = list(others)
    while left:
        done, left = ray.wait(left)
        try:
            ray.get(done)
        except RayError:
            if not over.wait(GRACE):
                os._exit(1)
