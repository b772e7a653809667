"""What is done with a study, stage by stage and otherwise, to be put under faults (`tests.faulted`)."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

from core import stages
from core.imported import add_model
from core.live import LiveCache, cache
from core.report import Report, report
from core.run import local
from core.run.begin import begin
from core.run.complete import run_study
from core.run.manifest import up_to_date, write_manifest
from core.run.recipe import keys
from core.run.status import begun, write_status
from core.store import write_bytes
from core.study import Study
from tests.core.conftest import Manager, Threads

TEACHER, ALONE = "resnet34-a1.0-s0", "resnet18-a1.0-s0"
TAUGHT = ("resnet34-a0.1-s0", "resnet18-a0.1-s0")
METHODS = ("saliency", "integrated_gradients")


@dataclass(frozen=True)
class Subject:
    """Something that is done with a study.

    Attributes
    ----------
    name : str
    work : callable
        Does it, given the study's folder.
    makes : tuple of str
        Patterns of the files of the cache that it makes, which are not there before.
    step : str
        The function that does a step of it: what is to be done twice after a fault is counted in its calls.
    twice : int
        So many at most.
    quiet : bool
        Whether it does not say so when it fails, as nothing is lost by it.
    """

    name: str
    work: Callable[[Path], object]
    makes: tuple[str, ...]
    step: str = ""
    twice: int = 0
    quiet: bool = False


def train(*names: str) -> Callable[[Path], object]:
    """Return what trains cells together."""

    def work(folder: Path) -> object:
        wanted = keys(Study(folder))
        of = {name: wanted[f"models/{name}.safetensors"] for name in names}
        return stages.train_cells(folder, names, of, "cpu", silent)

    return work


def explain(name: str) -> Callable[[Path], object]:
    """Return what explains a cell."""

    def work(folder: Path) -> object:
        return stages.explain_cell(
            folder, name, keys(Study(folder))[f"maps/saliency/{name}.safetensors"], "cpu", silent
        )

    return work


def silent(share: float | None, word: str) -> None:
    """Hear how far a stage is."""


def bring_in(folder: Path) -> object:
    """Add the teacher's own weights as somebody's."""
    weights = folder / "models" / f"{TEACHER}.safetensors"
    return add_model(Study(folder), "mine", "resnet34", weights, 0.0625, "small")


def write_up(folder: Path) -> object:
    """Write the report's page, figures and tables; drawn once, which takes seconds."""
    found = _drawn(folder.parents[1].with_name("ready") / "studies" / "small")
    write_bytes(folder.parent / "report" / "report.html", found.html.encode())
    return found.write_files(folder.parent / "report")


@lru_cache(maxsize=1)
def _drawn(folder: Path) -> Report:
    return report(Study(folder))


def keep_live(folder: Path) -> object:
    """Ask for a result of the live cache."""
    import numpy as np

    cache._database.cache_clear()
    found = LiveCache(folder.parents[1] / "live").once("key", lambda: {"map": np.ones((64, 64), np.float32)})
    if found["map"].sum() != 64 * 64:
        raise SystemExit("the live cache gave something else than what was computed")
    cache._database.cache_clear()
    return None


def of(*names: str) -> tuple[str, ...]:
    """Return the patterns of what training cells makes."""
    return tuple(f"studies/small/{kind}/{name}.*" for name in names for kind in ("models", "history"))


def maps(name: str) -> tuple[str, ...]:
    """Return the patterns of what explaining a cell makes."""
    return (f"studies/small/importance/{name}.*", *(f"studies/small/maps/{method}/{name}.*" for method in METHODS))


STEP, LOOK = "core.distill.train.take_step", "core.explain_cell.explain"


@contextmanager
def in_threads() -> Iterator[None]:
    """Run studies in threads of this process, where what fails can be chosen."""
    with patch.object(local, "ProcessPoolExecutor", Threads), patch.object(local, "SyncManager", Manager):
        yield


def go_on(folder: Path) -> object:
    """Run what is missing."""
    with in_threads():
        return run_study(Study(folder).config, folder, "cpu")


def list_files(folder: Path) -> object:
    """Make the manifest anew, from the networks that are there."""
    study = Study(folder)
    return write_manifest(study, up_to_date(study, keys(study), True, lambda sentence: None))


SUBJECTS = [
    Subject(
        "begin", lambda folder: begin(Study(folder).config, folder.parent / "new", {}), ("studies/new/study.toml",)
    ),
    Subject("read images", lambda folder: stages.prepare(folder, 1, silent), ("data/*/*", "studies/small/images.*")),
    Subject("train a teacher", train(TEACHER), of(TEACHER), STEP, 1),
    Subject("train together", train(*TAUGHT), (*of(*TAUGHT), "studies/small/replay/*/*"), STEP, 2),
    Subject("predict", lambda f: stages.predict_cell(f, ALONE, "cpu", silent), (f"studies/small/logits/{ALONE}.*",)),
    Subject("explain a teacher", explain(TEACHER), (*maps(TEACHER), "studies/small/relevance/*"), LOOK, 1),
    Subject("explain", explain(ALONE), maps(ALONE), LOOK, 1),
    Subject(
        "measure",
        lambda folder: stages.measure(folder, ALONE, silent),
        (f"studies/small/measures/{ALONE}.*", f"studies/small/parts/{ALONE}.*"),
    ),
    Subject("time", lambda folder: stages.cost(folder, "cpu", silent), ("studies/small/costs.parquet",)),
    Subject("conclude", lambda folder: stages.conclude(folder, silent), ("studies/small/summary.parquet",)),
    Subject("status", lambda folder: write_status(folder, begun(os.getpid())), ("studies/small/state/run.json",)),
    Subject("adopt", list_files, ("studies/small/manifest.json",)),
    Subject("run", go_on, ("studies/small/summary.parquet",)),
    Subject("add", bring_in, ("studies/small/models/mine.*",)),
    Subject("report", write_up, ("studies/report/*",)),
    Subject("live cache", keep_live, (), quiet=True),
]
