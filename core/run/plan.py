"""The tasks that make what is missing of a study."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import stages
from core.cells import Cell
from core.explain_cell import ranges, shards_of
from core.run.recipe import CONCLUDED, files_of, needs
from core.study import Study

COST = {"resnet18": 1.0, "resnet34": 1.6, "resnet50": 3.0, "resnet101": 4.2}
"""Seconds of a training step beside ResNet18's (BIRDS.md), for the time left; others count as ResNet50."""
POINTS = 40
"""Gradients that a map of integrated gradients takes, about."""
FORWARD = 0.25
"""Cost of showing an image to a network, beside training on it."""
TWICE = 3.0
"""Steps of a student that learns from its maps, in steps of one that does not; about."""


@dataclass(frozen=True)
class Task:
    """One call of a function of `core.stages`, in a process of its own.

    Attributes
    ----------
    name : str
        What a person reads.
    function : callable
        Called as `function(folder, *args, report)`.
    needs, gives : tuple of str
        Files, relative to the study's folder; or folders of its state, which another task goes on from.
    cost : float
        Expected time, in any unit that all tasks of a plan share.
    state : tuple of str
        Files and folders in which it keeps how far it is; they go when what it gives is kept.
    workers : bool
        Whether it wants to be told how many processes it may use, and so runs in the caller's own.
    devices : int
        Places that it takes. Above one it is `core.stages.train_cells`, done by so many processes together, each of
        which calls `core.train_together.train_rank`.
    """

    name: str
    function: Callable[..., list[Path]]
    args: tuple[Any, ...]
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    cost: float
    state: tuple[str, ...] = ()
    workers: bool = False
    devices: int = 1


def plan(study: Study, wanted: dict[str, str], missing: set[str], device: str, workers: int) -> list[Task]:
    """Return the tasks that make what is missing, in an order in which they can run.

    Parameters
    ----------
    study : Study
    wanted : dict
        Every file's key, from `keys`.
    missing : set of str
        Files that are not there, or not made from what they should be.
    device : str
        Where networks run.
    workers : int
        Processes that will run tasks side by side.
    """
    config = study.config
    tasks: list[Task] = []
    # Images decoded by another machine are not part of the study, so reading them is always part of a plan.
    if missing - {"summary.parquet", "costs.parquet"}:
        tasks.append(Task("read images", stages.prepare, (), (), ("images.parquet",), 1.0, workers=True))
    tasks += _training(study, wanted, missing, device, workers)
    for cell in study.measured:
        files, reads = files_of(study, cell), needs(study, cell)
        cost = COST.get(cell.architecture, 3.0) * FORWARD
        tests = config.data.test_images if config.data.dataset == "birds" else 1000
        if files["logits"] in missing:
            args: tuple[str, ...] = (cell.name, device)
            gives = (files["logits"],)
            title = f"predict {cell.name}"
            tasks.append(Task(title, stages.predict_cell, args, reads["logits"], gives, cost * tests * 2))
        made = tuple(files[kind] for kind in ("importance", *(f"maps/{method}" for method in config.explain.methods)))
        if cell == study.teacher:
            made += (files["relevance"],)
        if set(made) & missing:
            steps = sum(1 if m == "saliency" else POINTS for m in config.explain.methods)
            cost *= config.explain.images * steps * 4
            tasks += _explaining(study, cell, wanted[made[1]], device, reads["importance"], made, cost)
        made = tuple(files[kind] for kind in CONCLUDED)
        if set(made) & missing:
            tasks.append(Task(f"measure {cell.name}", stages.measure, (cell.name,), reads["measures"], made, 200.0))
    measured = tuple(files_of(study, cell)[kind] for cell in study.measured for kind in CONCLUDED)
    if "costs.parquet" in missing:
        # It reads none of them: it is timed, and by then nothing else of this run is left to disturb it.
        tasks.append(Task("time networks", stages.cost, (device,), measured, ("costs.parquet",), 3000.0))
    if "summary.parquet" in missing:
        reads_all = ("images.parquet", "costs.parquet", *measured)
        tasks.append(Task("conclude", stages.conclude, (), reads_all, ("summary.parquet",), 1000.0))
    return tasks


def _explaining(
    study: Study, cell: Cell, key: str, device: str, reads: tuple[str, ...], made: tuple[str, ...], cost: float
) -> list[Task]:
    """Explain a cell in one task, or many images in several, which are then put together."""
    config, state = study.config, (f"state/explain/{cell.name}",)
    images = min(config.explain.images, len(study.dataset.ids("test")))
    cut = ranges(images, config.data.image_size)
    if len(cut) == 1:
        return [Task(f"explain {cell.name}", stages.explain_cell, (cell.name, key, device), reads, made, cost, state)]
    tasks = []
    for start, stop in cut:
        title, place = f"explain {cell.name}, images {start + 1} to {stop}", (shards_of(cell.name, key, start, stop),)
        part = cost * (stop - start) / images
        tasks.append(
            Task(title, stages.explain_range, (cell.name, key, start, stop, device), reads, place, part, place)
        )
    shards = ("images.parquet", *(name for task in tasks for name in task.gives))
    tasks.append(
        Task(
            f"join maps of {cell.name}",
            stages.join_maps,
            (cell.name, key, tuple(cut)),
            shards,
            made,
            0.01 * cost,
            state,
        )
    )
    return tasks


def _training(study: Study, wanted: dict[str, str], missing: set[str], device: str, workers: int) -> list[Task]:
    """Group the cells to train: of one seed, with or without a teacher; a few seeds are spread over the workers.

    Of one seed, as a seed names the order and the views: cells of another are shown other batches, of which the teacher
    is asked anew, so that in one group they would share neither. Images are decoded once for all in any case.
    """
    config, together = study.config, study.config.training.processes
    images = config.data.train_images if config.data.dataset == "birds" else 1000
    groups: dict[tuple[int | None, str], list[Cell]] = {}
    for cell in study.cells:
        files = files_of(study, cell)
        if not cell.own_name and {files["models"], files["history"]} & missing:
            kind = "teacher" if cell == study.teacher else "alone" if cell.alpha == 1 else "taught"
            groups.setdefault((cell.seed, kind), []).append(cell)
    tasks = []
    # Every group asks the teacher anew, so with seeds enough to keep all workers busy, a seed is one group.
    apart = max(1, workers // together // max(1, sum(kind == "taught" for _, kind in groups)))
    for (_, kind), cells in groups.items():
        bins = _spread(cells, apart if kind == "taught" else 1)
        for group in bins:
            cost = sum(map(_cost, group))
            if kind == "taught":
                cost += COST.get(config.teacher.architecture, 3.0) * FORWARD
            names = tuple(cell.name for cell in group)
            cell_keys = {cell.name: wanted[files_of(study, cell)["models"]] for cell in group}
            gives = tuple(files_of(study, cell)[kind] for cell in group for kind in ("models", "history"))
            title = f"train {names[0]}" if len(names) == 1 else f"train {len(names)} together: {', '.join(names)}"
            tasks.append(
                Task(
                    title,
                    stages.train_cells,
                    (names, cell_keys, device),
                    needs(study, group[0])["models"],
                    gives,
                    cost * config.training.epochs * images / together,
                    tuple(f"state/{name}.safetensors" for name in names),
                    devices=together,
                )
            )
    return tasks


def _spread(cells: list[Cell], count: int) -> list[list[Cell]]:
    """Cut cells into at most `count` groups of about the same cost, the dearest first."""
    bins: list[list[Cell]] = [[] for _ in range(min(count, len(cells)))]
    loads = [0.0] * len(bins)
    for cell in sorted(cells, key=lambda c: -_cost(c)):
        least = loads.index(min(loads))
        bins[least].append(cell)
        loads[least] += _cost(cell)
    return bins


def _cost(cell: Cell) -> float:
    return COST.get(cell.architecture, 3.0) * (TWICE if cell.explanation_weight else 1.0)
