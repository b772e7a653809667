"""What a second machine is worth on the explain stage, and what it costs to send a task to one."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ray.cluster_utils import Cluster
from rich.console import Console

from core import stages
from core.errors import UserError
from core.run.begin import begin
from core.run.cluster import Machines, joined
from core.run.local import cores, processes
from core.run.loop import Executor, run_tasks
from core.run.plan import Task, plan
from core.run.recipe import files_of, keys
from core.study import Study

EMPTY = 50
"""Tasks that do nothing, to see what a task costs."""
MEMORY = 500_000_000
"""Bytes that each node keeps in memory of what is sent around."""


def run(console: Console, study: Study, images: int, rounds: int) -> None:
    """Explain a study's networks on one and on two nodes of one core each, in turn, and time empty tasks.

    Raises
    ------
    UserError
        The study has no trained students here, or this machine has one core.
    """
    if cores() < 2:
        raise UserError("Two nodes of one core each need two cores.")
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place, console.status("") as status:
        status.update("preparing: the teacher is explained")
        copy = _copied(study, Path(place, "study"), images)
        tasks = _explaining(copy)
        status.update("starting nodes")
        with _nodes(2) as address, joined(address, "cpu", lambda sentence: None) as machines:
            machines.provenance(copy.config, copy.knows)
            wide = dict[int, list[float]]({1: [], 2: []})
            for turn in range(rounds + 1):
                for count in (1, 2) if turn % 2 else (2, 1):
                    status.update(f"explaining on {count}, round {turn} of {rounds}")
                    taken = _seconds(copy, tasks, _few(machines, copy, tasks, count))
                    if turn:  # the first warms up
                        wide[count].append(taken)
            empty = [Task(f"nothing {i}", nothing, (), (), (f"nothing/{i}",), 1.0) for i in range(EMPTY)]
            sent = _seconds(copy, empty, machines.executor(copy, empty)) / EMPTY
        opened = processes(copy.folder, 2)
        _seconds(copy, empty[:2], opened)
        own = _seconds(copy, empty, processes(copy.folder, 2)) / EMPTY
    one, two = (np.array(wide[count]) for count in (1, 2))
    ratios = one / two / 2
    console.print(
        f"{len(tasks)} networks explained on {images} images each: {np.median(one):.1f} s on one node of one core, "
        f"{np.median(two):.1f} s on two, an efficiency of {np.median(ratios):.2f} ({ratios.min():.2f} to "
        f"{ratios.max():.2f} in {rounds} rounds). A task that does nothing costs {1000 * sent:.0f} ms on two nodes, "
        f"{1000 * own:.0f} ms in two processes of this machine, their start shared out among {EMPTY}. Before, "
        f"{before:.1f} processes were at work here, on {cores()} cores.",
        highlight=False,
        soft_wrap=True,
    )


def nothing(folder: Path, report: stages.Report) -> list[Path]:
    """Be a task that does nothing."""
    return []


def _copied(study: Study, folder: Path, images: int) -> Study:
    """Copy what of a study its students are explained from, and explain the teacher, on so many images."""
    config = study.config
    config = config.model_copy(update={"explain": config.explain.model_copy(update={"images": images})})
    copy = begin(config, folder, study.provenance)
    shutil.copyfile(study.folder / "images.parquet", folder / "images.parquet")
    for cell in study.cells:
        for kind in ("models", "logits"):
            if study.path(kind, cell).exists():
                copy.path(kind, cell).parent.mkdir(exist_ok=True)
                shutil.copyfile(study.path(kind, cell), copy.path(kind, cell))
    stages.prepare(folder, cores(), lambda share, word: None)
    stages.explain_cell(folder, copy.teacher.name, "bench", "cpu", lambda share, word: None)
    return copy


def _explaining(study: Study) -> list[Task]:
    there = [cell for cell in study.cells if cell != study.teacher and study.path("models", cell).exists()]
    wanted = keys(study)
    missing = {files_of(study, cell)["importance"] for cell in there}
    tasks = [task for task in plan(study, wanted, missing, "cpu", 2) if task.function is not stages.prepare]
    if not tasks:
        raise UserError(f"No trained students of the study '{study.called}' are here.")
    return tasks


def _seconds(study: Study, tasks: list[Task], opened: Any) -> float:
    """Run tasks, and return how long it took."""
    start = time.perf_counter()
    run_tasks(study, tasks, {}, {}, opened, 1, lambda progress: None, lambda sentence: None)
    return time.perf_counter() - start


@dataclass
class _Few:
    """An executor that does no more than so many tasks side by side."""

    whole: Executor
    workers: int

    def submit(self, task: Task) -> None:
        self.whole.submit(task)

    def heard(self) -> Iterable[tuple[str, float | None, str]]:
        return self.whole.heard()

    def finished(self, seconds: float) -> list[tuple[Task, BaseException | None]]:
        return self.whole.finished(seconds)


@contextmanager
def _few(machines: Machines, study: Study, tasks: list[Task], count: int) -> Iterator[_Few]:
    with machines.executor(study, tasks) as orders:
        yield _Few(orders, count)


@contextmanager
def _nodes(count: int) -> Iterator[str]:
    """Start a cluster of so many nodes of one core each, on this machine, and a head that computes nothing."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    head = {"num_cpus": 0, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(count):
            cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
        yield cluster.address
    finally:
        cluster.shutdown()
