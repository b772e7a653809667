"""Training cells by several processes, each on its slice of every batch."""

import os
import socket
import tempfile
from collections.abc import Sequence
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
        torch.cuda.set_device(place)
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
    loop = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
    if loop:  # nobody on another machine is to be heard
        os.environ |= {"GLOO_SOCKET_IFNAME": loop, "NCCL_SOCKET_IFNAME": loop}

    def report(share: float | None, word: str) -> None:
        if rank == 0:
            line.send((share, word))

    try:
        line.send(train_rank(rank, world, dist.FileStore(store, world), folder, names, keys, device, report))
    except Exception as error:
        line.send(error)
