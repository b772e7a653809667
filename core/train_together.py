"""Training cells by several processes, each on its slice of every batch."""

import os
import socket
import struct
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch
import torch.distributed as dist

from core import stages
from core.distill.share import Share
from core.errors import UserError
from core.worker import die_with_parent, keep_memory

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SIOCGIFADDR = 0x8915 if sys.platform == "linux" else 0xC0206921
"""Asks the system for the address of a network's interface."""
PATIENCE = timedelta(minutes=10)
"""That long a process waits for the others, who may be writing a state, or have ended without closing the line."""
GRACE = 5.0
"""Seconds after one process has failed in which the others may say why, before they are ended."""
LEFT = "another process that trains the same networks has ended; the same command goes on from here."
GONE = "one of its processes was ended from outside (out of memory?); the same command goes on from here."


def train_rank(
    rank: int,
    world: int,
    store: dist.Store,
    folder: Path,
    names: Sequence[str],
    keys: dict[str, str],
    device: str,
    report: stages.Report,
) -> list[Path]:
    """Do one process's share of `core.stages.train_cells`; all of them are called with the same arguments but `rank`.

    Parameters
    ----------
    rank, world : int
        Which process this is, of how many. The first writes all files, reports, and has the state that all go on from.
    store : torch.distributed.Store
        Where the processes find one another.
    folder, names, keys, device, report
        As of `train_cells`; `device` is this process's own.

    Raises
    ------
    UserError
        As of `train_cells`; or another process has ended, or could not be reached.
    """
    place = torch.device(device)
    if place.type == "cuda":
        torch.cuda.set_device(place.index or 0)
    try:
        # Over the processors, too, where a word is exchanged that the GPU is not to wait for.
        backend = "cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
        return stages.train_cells(folder, names, keys, device, report, Share(rank, world))
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise UserError(LEFT) from None
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def hear_only(address: str) -> None:
    """Let this process talk to those it trains with where this machine has an IPv4 address, and nowhere else."""
    for _, name in socket.if_nameindex() if fcntl is not None else ():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, suppress(OSError):  # one may have no address
            found = fcntl.ioctl(asked, SIOCGIFADDR, struct.pack("256s", name.encode()))[20:24]
            if socket.inet_ntoa(found) == address:
                os.environ |= {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}


def train_together(
    world: int, folder: Path, names: Sequence[str], keys: dict[str, str], device: str, report: stages.Report
) -> list[Path]:
    """Train cells as `core.stages.train_cells` does, by so many processes of this machine, on "cuda" a GPU each.

    Raises
    ------
    UserError
        As of `train_cells`; too few GPUs; or one of the processes was ended. None of them is left.
    """
    if device == "cuda" and world > torch.cuda.device_count():
        raise UserError(f"training.processes is {world}, but there are {torch.cuda.device_count()} GPUs here.")
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        lines, processes = [], []
        for rank in range(world):
            here, there = context.Pipe(duplex=False)
            own = f"cuda:{rank}" if device == "cuda" else device
            given = (rank, world, str(Path(place, "store")), folder, names, keys, own, there)
            processes.append(context.Process(target=_process, args=given, name=f"rank {rank}", daemon=True))
            processes[-1].start()
            there.close()
            lines.append(here)
        try:
            return _heard(lines, report)
        finally:
            for process in processes:
                process.kill()
                process.join()


def _heard(lines: Sequence[Connection], report: stages.Report) -> list[Path]:
    """Pass on what the processes report until all are done; return what they wrote."""
    left, done, failed = list(lines), list[Path](), list[Exception]()
    while left:
        ready = wait(left, GRACE if failed else None)
        if not ready:
            break
        for line in ready:
            assert isinstance(line, Connection)  # noqa: S101
            try:
                said = line.recv()
            except EOFError:
                failed.append(UserError(GONE))
                left.remove(line)
                continue
            if isinstance(said, tuple):
                report(*said)
                continue
            left.remove(line)
            if isinstance(said, Exception):
                failed.append(said)
            else:
                done += said
    if failed:
        # Why one has failed says more than that it has ended, which the others notice in turn.
        raise min(failed, key=lambda error: {GONE: 1, LEFT: 2}.get(str(error), 0))
    return done


def _process(
    rank: int,
    world: int,
    store: str,
    folder: Path,
    names: Sequence[str],
    keys: dict[str, str],
    device: str,
    line: Connection,
) -> None:
    die_with_parent()
    keep_memory()
    torch.set_num_threads(1)
    hear_only("127.0.0.1")

    def report(share: float | None, word: str) -> None:
        if rank == 0:
            line.send((share, word))

    try:
        line.send(train_rank(rank, world, dist.FileStore(store, world), folder, names, keys, device, report))
    except Exception as error:
        line.send(error)
