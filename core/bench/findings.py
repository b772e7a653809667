"""Whether intervals cover what they promise, and how long concluding a large study takes."""

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from core.cells import grid, teacher_cell, untrained_cells
from core.config import Config, parse_config
from core.estimates import how_often, interval, known_mean, means_over_images, over, resamples
from core.summarise import summarise
from core.values import load_values

LEVEL = 0.95
CLASSES = 12


class Coverage(NamedTuple):
    """Which share of simulated studies has the truth within the interval."""

    seeds: float
    """Student's t over the seeds, as studies of several seeds are judged."""
    one_seed: float
    """The bootstrap over images of one seed, which speaks of these very networks only."""
    pooled: float
    """A bootstrap over the images of all seeds, which is what a study must not do."""
    half_width: float
    """Of t, on average, in standard deviations between seeds."""


def coverage(
    studies: int, seeds: int, images: int, between: float = 0.02, within: float = 0.3, effect: float = 0.05
) -> Coverage:
    """Simulate contrasts whose truth is known, and count how often it lies within the intervals.

    A study's test images are what they are: some gain more by distillation than others (`within` / 2), in every seed
    alike. A seed moves all images (`between`), and each network has noise of its own on each image (`within`).

    Parameters
    ----------
    studies, seeds, images : int
    between, within : float
        Standard deviations.
    effect : float
        What distillation gains.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(images) % CLASSES
    often = how_often(labels, resamples(labels))
    hits, widths = np.zeros(3), 0.0
    for _ in range(studies):
        of_image = rng.normal(0, within / 2, images)
        of_seed = rng.normal(0, between, seeds)
        values = effect + of_image + of_seed[:, None] + rng.normal(0, within, (seeds, images))
        truth = effect + of_image.mean()
        t = over(list(values), often, LEVEL)
        one = over([values[0]], often, LEVEL)
        low, high = interval(often @ values.mean(0) / images, LEVEL)
        hits += [t.low <= truth <= t.high, one.low <= effect + of_seed[0] <= one.high, low <= truth <= high]
        widths += (t.high - t.low) / 2 / values.mean(1).std(ddof=1)
    t_seeds, one_seed, pooled = (float(share) for share in hits / studies)
    return Coverage(t_seeds, one_seed, pooled, widths / studies)


def made_study(seeds: int, images: int, tests: int) -> Any:
    """Return as much of a study of the full grid as `summarise` reads, with random measures, all in memory."""
    tree = {"name": "bench", "students": {"seeds": list(range(seeds))}, "explain": {"images": images}}
    config = parse_config(tree, None)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    cells = [*grid(config), *untrained_cells(config)]
    teacher = teacher_cell(config)
    tables = {cell: _measures(config, cell == teacher, images, tests, rng) for cell in cells}
    return SimpleNamespace(
        config=config,
        teacher=teacher,
        cells=grid(config),
        measured=cells,
        measures=tables.__getitem__,
        parts=lambda cell: pd.DataFrame(columns=["method", "part", "mean", "error", "n"]),
        costs=lambda: pd.DataFrame(columns=["cell", "architecture", "measure", "estimate", "low", "high", "n"]),
        images=lambda: pd.DataFrame({"id": np.arange(tests), "label": np.arange(tests) % CLASSES}),
    )


def _measures(config: Config, is_teacher: bool, images: int, tests: int, rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for measure, method, importance, outside in _names(config, is_teacher):
        count = images if method else tests
        values = rng.random(count) if measure != "accuracy" else (rng.random(count) < 0.8).astype(float)
        row = {"measure": measure, "method": method, "importance": importance, "outside": outside, "value": values}
        frames.append(pd.DataFrame({"image": np.arange(count), **row}))
    text = ["measure", "method", "importance", "outside"]
    return pd.concat(frames, ignore_index=True).astype(dict.fromkeys(text, "category"))


def _names(config: Config, is_teacher: bool) -> Iterator[tuple[str, str, str, str]]:
    """Give measure, method, importance and outside of everything that `core.measure_cell` writes."""
    outputs = ("accuracy", "logit_alignment", "logit_alignment_shuffled", "top1_agreement", "top5_agreement", "kl")
    area = ("_area",) if is_teacher else ()
    yield from ((name, "", "", "") for name in outputs)
    for method in config.explain.methods:
        yield from ((name, method, "", "") for name in ("map_similarity", "win_rate"))
        for importance in ("density", "mass"):
            yield from ((f"rank_alignment{end}", method, importance, "") for end in ("", "_shuffled", *area))
            for outside in ("image", "parts"):
                focus = (f"focus{end}" for end in ("", "_shuffled", *area))
                yield from ((name, method, importance, outside) for name in (*focus, "focus_ratio", "enrichment"))


def bootstrap_seconds(study: Any) -> tuple[float, float]:
    """Time the intervals of every measure of all networks: as the summary makes them, and by gathering each sample.

    Gathering is timed on one network and counted for all.
    """
    ours = gathered = 0.0
    for found in load_values(study).values():
        start = time.perf_counter()
        means_over_images(found.values, found.often)
        middle = time.perf_counter()
        interval(known_mean(found.values[0][found.drawn], 1))
        ours += middle - start
        gathered += (time.perf_counter() - middle) * len(found.values)
    return ours, gathered


def run(console: Console, studies: int, seeds: int, images: int, tests: int) -> None:
    """Print both, each beside its plain alternative."""
    with console.status("simulating studies"):
        found = coverage(studies, seeds, images)
    console.print(
        f"{studies} simulated studies of {seeds} seeds and {images} images; nominal {LEVEL:.0%} covers\n"
        f"  t over seeds, of these test images  {found.seeds:.1%}  (half-width {found.half_width:.2f} sd of a seed)\n"
        f"  one seed, bootstrap over images     {found.one_seed:.1%}  (of these two networks only)\n"
        f"  all seeds pooled, which we do not   {found.pooled:.1%}",
        highlight=False,
    )
    with console.status("making measures"):
        study = made_study(seeds, images, tests)
    with console.status("concluding"):
        seconds, table = _timed(lambda: summarise(study))
        ours, gathered = bootstrap_seconds(study)
    console.print(
        f"{len(study.measured)} networks, {images} images explained of {tests}, {len(study.config.explain.methods)} "
        f"methods: {len(table)} numbers with intervals in {seconds:.1f} s.\nEvery network's own intervals, of that: "
        f"{ours:.1f} s by matrix products, {gathered:.1f} s by gathering every sample ({gathered / ours:.1f} ×).",
        highlight=False,
    )


def _timed(work: Callable[[], pd.DataFrame]) -> tuple[float, pd.DataFrame]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found
