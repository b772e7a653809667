"""How long a study would take here, and how much disk: its own plan, with the networks' steps timed on this machine."""

import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core import stages
from core.attribution import Prepared, saliency
from core.cells import grid, parse_cell, teacher_cell
from core.config import Config
from core.costs import SECONDS as TIMING_SECONDS
from core.costs import file_size, parameters
from core.data import open_dataset
from core.data.dataset import Dataset
from core.distill.train import autocast_dtype, memory_format
from core.models import build
from core.progress import duration, size
from core.run.begin import begin
from core.run.check import check
from core.run.local import cores
from core.run.loop import fits
from core.run.plan import POINTS, TWICE, Task, plan
from core.run.recipe import keys
from core.study import Study

START = 8.0
"""Seconds until the processes of a run are there."""
MEASURE, CONCLUDE = 0.6, 0.4
"""Seconds to measure one network, and to conclude, a network; of the shipped study."""
READS = 6
"""Images read to see how long that takes."""
IMAGE_BYTES, IMPORTANCE_BYTES, CELL_BYTES, STUDY_BYTES = 35, 9.5, 11_000, 120_000
"""On disk, compressed, as in the shipped study: a test image's measures and place in a list, a part's importance by one
method on one image, what is the same for every network, and what there is once."""


@dataclass(frozen=True)
class Expected:
    """What a study would take.

    Attributes
    ----------
    seconds : float
        An estimate; good to within a factor of two where nothing else runs.
    bytes : int
        Of the study's folder in the end.
    more : int
        On top of that while it runs, at most: the state of training, full maps, what `[keep]` leaves out in the end.
    decoded : int
        The images, decoded once for all studies of them, beside the studies.
    device : str
    cores : int
        Processes that would work side by side.
    load : float
        Other programs that computed here, on average over the last minute.
    """

    seconds: float
    bytes: int
    more: int
    decoded: int
    device: str
    cores: int
    load: float = 0.0

    @property
    def sentence(self) -> str:
        """The estimate in words, and where it comes from."""
        where = "the GPU" if self.device == "cuda" else f"{self.cores} core{'s' * (self.cores > 1)}"
        return (
            f"About {rough(self.seconds)} on {where} of this machine and {size(self.bytes)} of disk ({size(self.more)} "
            f"more while it runs, {size(self.decoded)} for the decoded images). An estimate: each network's step was "
            f"timed here just now. {self._beside}"
        )

    @property
    def _beside(self) -> str:
        if self.load < 0.5 * self.cores:
            return "Beside other work it takes longer."
        programs = f"{self.load:.0f} other program{'s' * (round(self.load) != 1)}"
        return f"Just now {programs} compute here too, which it does not reckon with: it will take longer."


def expected(config: Config, device: str = "auto") -> Expected:
    """Estimate what a study would take on this machine, if nothing of it were there.

    Takes a few seconds: a training step, a pass and a gradient of every architecture are timed, in one thread as in a
    run, and the tasks of the study's plan are laid beside one another as the run would.

    Raises
    ------
    UserError
        The study could not be run: its data are not there, or its networks cannot be built.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dataset = open_dataset(config.data)
    check(config, dataset)
    workers = 1 if device == "cuda" else cores()
    names = dict.fromkeys([config.teacher.architecture, *config.students.architectures])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        timed = {name: _timed(name, config, len(dataset.classes), torch.device(device)) for name in names}
    finally:
        torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        study = begin(config, Path(folder), {})
        study.dataset = dataset
        wanted = keys(study)
        tasks = plan(study, wanted, set(wanted), device, workers)
        reading = _reading(dataset)
        of = {cell.name: timed[cell.architecture] for cell in study.measured}
        seconds = {task.name: _seconds(task, config, dataset, of, reading / workers, workers) for task in tasks}
    total = START + _makespan(tasks, seconds, workers)
    return Expected(total, *_bytes(config, dataset, study, timed, tasks, workers), device, workers, load)


@dataclass(frozen=True)
class _Timed:
    """Seconds an image of one architecture, and its size."""

    train: float
    forward: float
    gradient: float
    parameters: int
    bytes: int


def _timed(architecture: str, config: Config, classes: int, device: torch.device) -> _Timed:
    side, recipe = config.data.image_size, config.training
    model = build(architecture, classes, config.students.width, config.students.stem)
    dtype = autocast_dtype(device, recipe.precision)
    model.to(device, memory_format=memory_format(device, dtype))  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, fused=True)

    def step(count: int) -> None:
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            logits = model(_noise(count, side, device))
        optimiser.zero_grad()
        nn.functional.cross_entropy(logits.float(), torch.zeros(count, dtype=torch.long, device=device)).backward()
        optimiser.step()

    train = _an_image(step, recipe.batch_size, device)
    model.eval().requires_grad_(False)

    @torch.inference_mode()
    def forward(count: int) -> None:
        model(_noise(count, side, device))

    plain = _an_image(forward, stages.BATCH, device)
    network = Prepared(model, _noise(1, side, device))
    targets = np.zeros(64, np.int64)
    gradient = _an_image(lambda count: saliency(network, _noise(count, side, device), targets[:count]), 64, device)  # type: ignore[arg-type]
    return _Timed(train, plain, gradient, parameters(model), file_size(model))


def _noise(count: int, side: int, device: torch.device) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)


ENOUGH = 0.4
"""Seconds of a call that it is worth to wait for."""


def _an_image(work: Callable[[int], None], usual: int, device: torch.device) -> float:
    """Return the seconds an image of `work`, done on the usual number of them or on fewer where that takes long."""
    count = 2
    seconds = _clocked(work, count, device)
    while count < usual and seconds < ENOUGH:
        count = min(usual, 4 * count)
        _clocked(work, count, device)
        seconds = _clocked(work, count, device)
    return seconds / count


def _clocked(work: Callable[[int], None], count: int, device: torch.device) -> float:
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    wait()
    start = clock()
    work(count)
    wait()
    return clock() - start


def _reading(dataset: Dataset) -> float:
    ids = dataset.table["id"].to_numpy()[:: max(1, len(dataset.table) // READS)][:READS]
    start = time.perf_counter()
    dataset.load(ids)
    return (time.perf_counter() - start) / len(ids)


def _seconds(
    task: Task, config: Config, dataset: Dataset, timed: dict[str, _Timed], reading: float, workers: int
) -> float:
    """Return what a task of the plan takes; `timed` is by network."""
    counts = {split: len(dataset.ids(split)) for split in ("train", "validation", "test")}
    if task.function is stages.prepare:
        return reading * sum(counts.values())
    if task.function is stages.train_cells:
        return _training(task.args[0], config, counts, timed) / min(task.devices, workers)
    if task.function is stages.cost:
        # Each network one image at a time, forty times, and as often to warm up.
        return min(TIMING_SECONDS, 80 * sum(each.forward for each in set(timed.values())))
    if task.function is stages.conclude:
        return CONCLUDE * len(grid(config))
    if task.function is stages.measure:
        return MEASURE
    network = timed[task.args[0]]
    if task.function is stages.predict_cell:
        return counts["test"] * network.forward
    single = ("saliency", "grad_cam", "input_x_gradient")
    gradients = sum(1 if method in single else POINTS for method in config.explain.methods)
    if task.function is stages.join_maps:
        return 0.0
    images = min(config.explain.images, counts["test"])
    if task.function is stages.explain_range:
        images = task.args[3] - task.args[2]
    return images * gradients * network.gradient


def _training(names: tuple[str, ...], config: Config, counts: dict[str, int], timed: dict[str, _Timed]) -> float:
    """Return what it takes to train a group: its own steps, and the teacher's answer to every image of every epoch."""
    recipe = config.training
    shown, looks = recipe.epochs * counts["train"], math.ceil(recipe.epochs / recipe.validate_every)
    taught = any(parse_cell(name).alpha != 1 for name in names)
    # A gradient that is learned from is differentiated in turn.
    times = {name: TWICE if parse_cell(name).explanation_weight else 1.0 for name in names}
    own = sum(
        shown * times[name] * timed[name].train + looks * counts["validation"] * timed[name].forward for name in names
    )
    return own + (shown * timed[teacher_cell(config).name].forward if taught else 0.0)


def _makespan(tasks: list[Task], seconds: dict[str, float], workers: int) -> float:
    """Return when the last task ends, if tasks are begun as `core.run.loop` does: what is ready, the dearest first."""
    now, pending, running = 0.0, list(tasks), list[tuple[float, Task]]()
    while pending or running:
        unmade = {name for task in [*pending, *(task for _, task in running)] for name in task.gives}
        ready = [task for task in pending if not unmade & set(task.needs)]
        for task in sorted(ready, key=lambda each: -each.cost):
            if not fits(task, (each for _, each in running), workers):
                break
            pending.remove(task)
            running.append((now + seconds[task.name], task))
        first = min(running, key=lambda each: each[0])
        running.remove(first)
        now = first[0]
    return now


def _bytes(
    config: Config, dataset: Dataset, study: Study, timed: dict[str, _Timed], tasks: list[Task], workers: int
) -> tuple[int, int, int]:
    """Return the bytes of a study in the end, the most on top while it runs, and those of its decoded images."""
    methods, side = len(config.explain.methods), config.data.image_size
    tests = len(dataset.ids("test"))
    explained = min(config.explain.images, tests)
    logits = tests * (8 + 2 * len(dataset.classes))
    maps = min(config.keep.maps, explained) * min(config.keep.map_size, side) ** 2 * 2 * methods
    importance = explained * len(dataset.parts) * methods * IMPORTANCE_BYTES
    networks = set(study.networks)
    stays, goes = 0.0, 0.0  # `core.run.recipe.stays`: what goes, goes when all is done
    for cell in study.measured:
        stays += tests * IMAGE_BYTES + CELL_BYTES
        large = logits + maps + (0 if cell.untrained else timed[cell.architecture].bytes)
        if cell in networks:
            stays += large + importance
        elif cell.untrained and config.keep.seeds == "all":
            stays, goes = stays + importance, goes + large
        else:
            goes += large + importance
    # The teacher's full maps, as fp16, and the state of what is trained side by side, which goes with its group.
    goes += explained * side**2 * 2 * methods
    groups = (_state(task.args[0], timed) for task in tasks if task.function is stages.train_cells)
    goes += sum(sorted(groups, reverse=True)[:workers])
    return int(stays) + STUDY_BYTES, int(goes), len(dataset.table) * side**2 * 4


def _state(names: tuple[str, ...], timed: dict[str, _Timed]) -> int:
    """Return the bytes of the state of a group in training: fp32 weights with their momentum, one being rewritten."""
    sizes = [8 * timed[parse_cell(name).architecture].parameters for name in names]
    return sum(sizes) + max(sizes)


def rough(seconds: float) -> str:
    """Return a time as an estimate deserves it: 40 s, 12 min, 3.5 hours, 2 days."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 100 * 60:
        minutes = seconds / 60
        return duration(30 * round(2 * minutes)) if minutes < 3 else f"{round(minutes)} min"
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.0f} days"
