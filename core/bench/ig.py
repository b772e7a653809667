"""Integrated gradients beside Captum's, interleaved in one process: seconds at equal error, and how errors hold."""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from core.attribution import Prepared
from core.bench.contenders import Found, Task, best_batch, by_captum, contenders, levels, same_points, timed, until
from core.bench.floor import convolution_floor
from core.bench.memory import peak_memory
from core.bench.quality import INTERVALS, UNKNOWN, Truth, reference
from core.bench.record import Options, Report, Run, Timed, environment, write_report
from core.bench.subjects import Subject, find_photos, imagenet_subject, random_subject, study_cells, study_subject
from core.bench.tables import show
from core.study import open_study

SMALL = 3
"""Rounds of a study's cell for each of a network at 224 px, of which a round takes half a minute an image."""

Tell = Callable[[float, str], None]
"""Called with the share of the work that is done, and a word on what is next."""
Step = Callable[[float, str], None]
"""Called with the share that was done since the last call, and a word on what is next."""


def run(options: Options, console: Console, json: Path | None = None) -> bool:
    """Measure, showing progress, and print what was found, after Ctrl-C too.

    Returns
    -------
    bool
        Whether it went to its end.

    Raises
    ------
    UserError
        Options that do not go together, or files that cannot be read.
    """
    report = Report(options, environment())
    try:
        with _progress(console) as tell:
            bench(report, tell)
    except KeyboardInterrupt:
        console.print("Stopped. This is what was measured so far:")
    show(report, console)
    if json:
        write_report(report, json)
        console.print(f"Written to {json}.", highlight=False, markup=False, soft_wrap=True)
    return report.complete


def bench(report: Report, tell: Tell) -> None:
    """Measure what the report's options ask for, and put it into the report as it comes."""
    options = report.options
    options.check()
    loaders = _loaders(options)
    for k, load in enumerate(loaders):
        tell(k / len(loaders), "loading a network")
        subject = load()
        result = Timed(subject.name, subject.note, subject.names, subject.trained)
        report.networks.append(result)
        measure(subject, result, options.intervals, _steps(tell, k, len(loaders), subject.name))
    if options.random:
        tell(1, "resnet101: peak memory")
        report.memory = peak_memory()
    report.environment["load_average_after"] = os.getloadavg()
    report.complete = True


def measure(subject: Subject, result: Timed, intervals: int = INTERVALS, step: Step = lambda share, word: None) -> None:
    """Time one network on all its images, and put what is found into `result` as it comes."""
    step(0, "Captum's best batch")
    plain = copy.deepcopy(subject.model).requires_grad_(True)
    result.preparing, network = timed(lambda: Prepared(subject.model, subject.images))
    tasks = [
        Task(plain, subject.model, network, subject.images[i : i + 1], subject.targets[i : i + 1], subject.regions[i])
        for i in range(len(subject.images))
    ]
    result.chunk = network.chunk(tasks[0].image)
    until(tasks[0], 0)  # a network's first pass pays for what later ones find ready
    result.captum_batch, result.captum_tried = best_batch(subject.model, tasks[0].image, tasks[0].target)
    step(0, "the convolutions alone")
    result.floor = convolution_floor(network, tasks[0].image)
    for i, task in enumerate(tasks):
        forward = _scaled(step, 1 / len(tasks), f"image {i + 1} of {len(tasks)}")
        forward(0)
        if subject.trained:
            _compare(task, subject, result, i, intervals, forward)
        else:
            _interleave(same_points(task, result.captum_batch), subject, result, i, None, forward)


def _compare(
    task: Task, subject: Subject, result: Timed, i: int, intervals: int, forward: Callable[[float], None]
) -> None:
    """Find what each way gives of one image, and time them."""
    map_ = reference(task.network, task.image, task.target, intervals, lambda share: forward(0.6 * share))
    truth = Truth(map_, task.regions)
    theirs = truth.errors(by_captum(task.frozen, task.image, task.target, result.captum_batch).map)
    of_map, map_level = levels(task, truth, "map", theirs.map)
    of_parts, parts_level = levels(task, truth, "regions", theirs.parts)
    result.levels[subject.names[i]] = of_map + of_parts
    forward(0.1)
    ways = contenders(task, result.captum_batch, map_level, parts_level)
    _interleave(ways, subject, result, i, truth, lambda share: forward(0.3 * share))


def _interleave(
    ways: dict[str, Callable[[], Found]],
    subject: Subject,
    result: Timed,
    i: int,
    truth: Truth | None,
    forward: Callable[[float], None],
) -> None:
    """Time every way to explain one image in turn: in order, and the next time from the last to the first."""
    for turn in range(subject.rounds):
        for way in list(ways) if (i + turn) % 2 == 0 else reversed(ways):
            seconds, found = timed(ways[way])
            errors = truth.errors(found.map) if truth else UNKNOWN
            bars = (found.difference, found.region_difference)
            result.runs.append(Run(subject.names[i], turn, way, seconds, found.points, *bars, errors))
            forward(1 / len(ways) / subject.rounds)


def _loaders(options: Options) -> list[Callable[[], Subject]]:
    """Return what loads each network, so that one at a time is in memory."""
    study, found = open_study(options.study), list[Callable[[], Subject]]()
    for cell in study_cells(study):
        found.append(lambda cell=cell: study_subject(study, cell, options.study_images, SMALL * options.rounds))  # type: ignore[misc]
    photos = find_photos(options.photos, options.images) if options.photos else []
    if weights := options.resnet50:
        found.append(lambda: imagenet_subject("resnet50", weights, photos, options.rounds, options.original_strides))
    if other := options.squeezenet:
        found.append(lambda: imagenet_subject("squeezenet1_0", other, photos, options.rounds))
    if options.random:
        found.append(lambda: random_subject("resnet101", options.rounds))
    return found


def _steps(tell: Tell, k: int, count: int, name: str) -> Step:
    """Turn shares of network `k` of `count` into shares of everything."""
    done = 0.0

    def step(share: float, word: str) -> None:
        nonlocal done
        done += share
        tell((k + done) / count, f"{name}: {word}")

    return step


def _scaled(step: Step, scale: float, word: str) -> Callable[[float], None]:
    return lambda share: step(scale * share, word)


@contextmanager
def _progress(console: Console) -> Iterator[Tell]:
    """Give a callback that shows progress while the block lasts: a bar in a terminal, else lines."""
    if console.is_terminal:
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as bar:
            task = bar.add_task("", total=1)
            yield lambda share, word: bar.update(task, completed=share, description=word)
        return
    last = ""

    def on_line(share: float, word: str) -> None:
        nonlocal last
        if word != last:
            console.print(f"{share:4.0%}  {word}", highlight=False, markup=False, soft_wrap=True)
        last = word

    yield on_line
