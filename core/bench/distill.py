"""Distillation beside its plain form, interleaved in one process: how long a batch takes all students of a grid."""

import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from core.batch_norm import BatchNorm2d
from core.bench.record import environment
from core.bench.tables import spread
from core.cells import Cell, grid, parse_cell
from core.config import Config, Training
from core.costs import macs
from core.data import open_dataset
from core.distill import Batches, Learner, TrainingData
from core.distill.train import ask, autocast_dtype, memory_format, take_step
from core.models import build
from core.store import write_bytes

RATE = 1e-4
WARM_UP = 2
FILE_SIDES = (500, 375)
"""Pixels of a photo as it is kept, of the size that those of CUB-200-2011 have."""
WAYS = {
    "files": "as plain, and every batch of every student read from JPEG files",
    "plain": "fp32, torch's BatchNorm, each student its own batch and teacher pass",
    "separate": "ours, one student at a time",
    "shared": "ours, all students on one batch and one teacher pass",
    "replayed": "ours, all students, the teacher's answers read",
}


@dataclass
class Found:
    """Milliseconds, one a round; of `steps` and `teacher` by "plain" and "ours"."""

    preset: str
    device: str
    precision: str
    students: list[str]
    batch: int
    environment: dict[str, Any]
    flops: float
    """Of the students' steps and one teacher pass on one batch: multiplications and additions."""
    ways: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    steps: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By architecture: one student's own step."""
    teacher: dict[str, list[float]] = field(default_factory=lambda: {"plain": [], "ours": []})
    load: list[float] = field(default_factory=list)
    """Reading and augmenting a batch."""
    decode: list[float] = field(default_factory=list)
    """The same from JPEG files."""

    def bound(self, way: str) -> float:
        """Return how many times as fast as `separate` a way would be if it took its pieces' times and no more."""
        load, answer = statistics.median(self.load), statistics.median(self.teacher["ours"])
        steps = [statistics.median(self.steps[parse_cell(name).architecture]["ours"]) for name in self.students]
        once = {"shared": load + answer, "replayed": load}[way]
        return (len(steps) * (load + answer) + sum(steps)) / (once + sum(steps))


class Subject:
    """A teacher and a grid of students on one device, plain or as studies train them."""

    def __init__(self, config: Config, cells: list[Cell], device: torch.device, plain: bool) -> None:
        students, recipe = config.students, config.training
        self.dtype = torch.float32 if plain else autocast_dtype(device, recipe.precision)
        layout = memory_format(device, self.dtype)

        def network(architecture: str) -> torch.nn.Module:
            model = build(architecture, config.data.classes, students.width, students.stem)
            return model.to(device, memory_format=layout)  # type: ignore[call-overload]

        self.teacher = network(config.teacher.architecture).eval().requires_grad_(False)
        nowhere = Path("no state")
        self.students = [Learner(c.name, network(c.architecture), c.alpha or 0.0, "", nowhere, recipe) for c in cells]
        for module in (module for student in self.students for module in student.model.modules()):
            if isinstance(module, BatchNorm2d):
                module.twice = plain  # which takes torch's own way
        data = _noise(config, recipe)
        self.batches = Batches(data, recipe, 0, device, layout, device.type == "cuda")
        files: Any = Files(photos(config, len(data.ids)), config.data.image_size)
        self.files = Batches(replace(data, images=files), recipe, 0, device, layout)

    def separate(self, step: int, source: Batches | None = None) -> None:
        """Let each student learn from a batch of its own."""
        for student in self.students:
            x, y = (source or self.batches).at(0, step)
            take_step(student, x, y, ask(self.teacher, x, self.dtype, student.explains), RATE, self.dtype)

    def shared(self, step: int) -> None:
        """Let all students learn from one batch."""
        x, y = self.batches.at(0, step)
        answer = ask(self.teacher, x, self.dtype, any(student.explains for student in self.students))
        for student in self.students:
            take_step(student, x, y, answer, RATE, self.dtype)

    def pieces(self, found: Found, clocked: Callable[[Callable[[], Any]], float], way: str, step: int) -> None:
        """Time a batch, its answers and one student of each architecture, one by one."""
        load = clocked(lambda: self.batches.at(0, step))
        if way == "ours":
            found.load.append(load)
        x, y = self.batches.at(0, step)
        found.teacher[way].append(clocked(lambda: ask(self.teacher, x, self.dtype, False)))
        answer = ask(self.teacher, x, self.dtype, any(student.explains for student in self.students))
        for name, student in {parse_cell(each.name).architecture: each for each in self.students}.items():
            times = found.steps.setdefault(name, {"plain": [], "ours": []})
            times[way].append(clocked(lambda one=student: take_step(one, x, y, answer, RATE, self.dtype)))  # type: ignore[misc]


class Files:
    """Photos as JPEG files in memory, decoded and made small whenever they are asked for, as a plain data set does."""

    def __init__(self, files: list[bytes], side: int) -> None:
        self.files, self.side = files, side

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return (len(rows), side, side, 3) bytes."""
        photos = [Image.open(io.BytesIO(self.files[row])).convert("RGB") for row in rows]
        return np.stack(
            [np.asarray(photo.resize((self.side, self.side), Image.Resampling.BILINEAR)) for photo in photos]
        )


def photos(config: Config, count: int) -> list[bytes]:
    """Return the files of so many photos, over and over where there are fewer: the data set's, or drawn ones for birds.

    Raises
    ------
    UserError
        The data set is not there.
    """
    if config.data.dataset == "birds":
        return list(drawn(count))
    table = open_dataset(config.data).table
    sources = table.loc[table["split"] == "train", "source"]
    return [Path(config.data.root, source).read_bytes() for source in islice(cycle(sources), count)]


def drawn(count: int) -> Iterator[bytes]:
    """Give JPEG files of shapes and grain."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        shapes = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize(
            FILE_SIDES, Image.Resampling.BICUBIC
        )
        grain = rng.normal(0, 6, (*FILE_SIDES[::-1], 3))
        file = io.BytesIO()
        Image.fromarray((np.asarray(shapes) + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        yield file.getvalue()


def _noise(config: Config, recipe: Training) -> TrainingData:
    count, side = 8 * recipe.batch_size, config.data.image_size
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, side, side, 3), np.uint8)
    labels = random.integers(0, config.data.classes, count)
    middle, spread_ = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return TrainingData(images, labels, np.arange(count), images[:1], labels[:1], middle, spread_)


def measure(
    config: Config, device: torch.device, rounds: int, batches: int, tell: Callable[[str], None] = lambda word: None
) -> Found:
    """Time every way to train a grid's distilled students, in turn and in another order every round.

    On the CPU one thread computes, as in a study, and its processor time is taken, so that other programs count little.

    Parameters
    ----------
    config : Config
        Whose networks and recipe; images are noise of its size, files the photos of its data set (`photos`).
    device : torch.device
    rounds, batches : int
        Rounds, and batches of each way in a round.
    """
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        return _measure(config, device, rounds, batches, tell)
    finally:
        torch.set_num_threads(threads)


def _measure(config: Config, device: torch.device, rounds: int, batches: int, tell: Callable[[str], None]) -> Found:
    seed = config.students.seeds[0]
    distilled = [cell for cell in grid(config) if cell.alpha != 1 and cell.seed == seed]
    cells = [cell for cell in distilled if not cell.explanation_weight]  # of one step an architecture
    plain, ours = (Subject(config, cells, device, kind) for kind in (True, False))
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    clock = time.perf_counter if device.type == "cuda" else time.process_time

    def clocked(work: Callable[[], Any]) -> float:
        wait()
        start = clock()
        work()
        wait()
        return 1000 * (clock() - start)

    size, count = ours.batches.size, ours.batches.count
    flops = 6.0 * size * sum(macs(each.model.eval(), config.data.image_size) for each in ours.students)
    flops += 2.0 * size * macs(ours.teacher, config.data.image_size)
    for student in ours.students:
        student.model.train()
    precision = str(ours.dtype).removeprefix("torch.")
    names = [cell.name for cell in cells]
    found = Found(config.name, device.type, precision, names, size, environment(), flops)
    answers = [ask(ours.teacher, ours.batches.at(0, step)[0], ours.dtype, False) for step in range(count)]

    def replayed(step: int) -> None:
        x, y = ours.batches.at(0, step)
        for student in ours.students:
            take_step(student, x, y, answers[step], RATE, ours.dtype)

    ways = {
        "files": lambda step: plain.separate(step, plain.files),
        "plain": plain.separate,
        "separate": ours.separate,
        "shared": ours.shared,
        "replayed": replayed,
    }
    for turn in range(-WARM_UP, rounds):
        tell(f"round {turn + 1} of {rounds}" if turn >= 0 else "warming up")
        for way in list(ways) if turn % 2 == 0 else reversed(ways):
            times = [clocked(lambda step=step, way=way: ways[way](step % count)) for step in range(batches)]  # type: ignore[misc]
            if turn >= 0:
                found.ways[way].append(statistics.mean(times))
        if turn >= 0:
            found.decode.append(clocked(lambda step=turn % count: plain.files.at(0, step)))  # type: ignore[misc]
            plain.pieces(found, clocked, "plain", turn % count)
            ours.pieces(found, clocked, "ours", turn % count)
    return found


def ratios(slow: list[float], fast: list[float]) -> list[float]:
    """Return how many times as fast, round by round."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def tables(found: Found) -> tuple[Table, Table]:
    """Return the ways to train the grid, and one step of each architecture."""
    title = f"{len(found.students)} distilled students of '{found.preset}', a batch of {found.batch}"
    columns = [
        Column("", no_wrap=True),
        *(Column(h, justify="right") for h in ("ms", "× files", "× plain", "× separate", "bound")),
    ]
    whole = Table(*columns, title=title, caption="median (range) over rounds", box=SIMPLE, padding=0)
    for way in WAYS:
        times = found.ways[way]
        bound = f"{found.bound(way):.2f}" if way in ("shared", "replayed") else ""
        beside = [spread(ratios(found.ways[other], times), ".2f") for other in ("files", "plain", "separate")]
        whole.add_row(way, spread(times, ".3g"), *beside, bound)
    columns = [Column("", no_wrap=True), *(Column(h, justify="right") for h in ("plain, ms", "ours, ms", "× plain"))]
    title = "One student's step on a batch, and the teacher's pass"
    each = Table(*columns, title=title, box=SIMPLE, padding=0)
    for name, both in [*found.steps.items(), ("the teacher's pass", found.teacher)]:
        faster = spread(ratios(both["plain"], both["ours"]), ".2f")
        each.add_row(name, spread(both["plain"], ".3g"), spread(both["ours"], ".3g"), faster)
    return whole, each


def run(console: Console, config: Config, rounds: int, batches: int, file: Path | None) -> None:
    """Measure, and print what was found."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with console.status("building networks") as status:
        found = measure(config, device, rounds, batches, status.update)
    around = found.environment
    console.print(f"{found.device}, ours in {found.precision}, torch {around['torch']}, one thread", highlight=False)
    for table in tables(found):
        console.print(table)
    for way, label in WAYS.items():
        console.print(f"{way}: {label}", highlight=False, soft_wrap=True)
    shared = statistics.median(found.ways["shared"])
    decode = statistics.median(found.decode)
    console.print(
        f"Reading and augmenting is {statistics.median(found.load) / shared:.1%} of a shared batch, from JPEG files "
        f"{decode / found.batch:.1f} ms an image. The networks' own arithmetic goes at "
        f"{found.flops / shared / 1e9:.3g} TFLOP/s.",
        highlight=False,
        soft_wrap=True,
    )
    if file:
        write_bytes(file, (json.dumps(asdict(found), indent=1) + "\n").encode())
        console.print(f"Written to {file}.", highlight=False, markup=False, soft_wrap=True)
