"""Run a study on this machine: what is missing, in processes of one thread each."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnContext
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any

import torch

from core.config import Config
from core.data import open_dataset
from core.data.dataset import Dataset
from core.errors import UserError
from core.run.adopt import adopt
from core.run.begin import begin
from core.run.check import check, weights_told
from core.run.failures import reasons, why
from core.run.interrupt import Interrupt
from core.run.lock import held
from core.run.plan import Task, plan
from core.run.provenance import provenance
from core.run.recipe import keys, stays, to_make
from core.run.status import told
from core.store import remove_unfinished, sha256_file, write_json
from core.study import Study, cache_folder
from core.worker import deaf, die_with_parent, keep_memory


@dataclass(frozen=True)
class Progress:
    """How far a run is: `done` of `total` cost, seconds so far and left (None until known), and what runs now."""

    done: float
    total: float
    seconds: float
    left: float | None
    running: dict[str, str]
    finished: str = ""


def run_study(
    config: Config,
    folder: Path | None = None,
    device: str = "auto",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda sentence: None,
) -> Study:
    """Compute what is missing of a study, and return it.

    Parameters
    ----------
    config : Config
    folder : Path, optional
        Where the study lives; `studies/<name>` of the cache by default.
    device : str
        "auto" (CUDA where there is one), "cpu" or "cuda".
    on_progress : callable
    on_note : callable
        Told in a sentence what a person should know and did not ask for.

    Raises
    ------
    UserError
        The folder holds a study of another name or is being run already, the device is not there, or tasks failed: each
        is named with its reason, the others were finished and kept.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device is auto, cpu or cuda, not '{device}'.")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("There is no CUDA device here; use --device cpu.")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = folder or cache_folder() / "studies" / config.name
    # What cannot be read or built is met before anything is written.
    dataset = open_dataset(config.data)
    check(config, dataset)
    if not (folder / "summary.parquet").exists():
        for sentence in weights_told(config, len(dataset.classes)):
            on_note(sentence)
    if (folder / "study.toml").exists() and (name := Study(folder).name) != config.name:
        raise UserError(f"{folder} holds the study '{name}', not '{config.name}'; choose another --out.")
    with held(folder), told(folder, on_progress) as tell:
        _complete(config, folder, dataset, device, tell, on_note)
    return Study(folder)


def _complete(
    config: Config,
    folder: Path,
    dataset: Dataset,
    device: str,
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
) -> None:
    workers = 1 if device == "cuda" else cores()
    remove_unfinished(folder)
    made = provenance(config, dataset, device)
    study = Study(folder) if (folder / "study.toml").exists() else begin(config, folder, made)
    unchanged = study.config == config
    if not unchanged:
        study = begin(config, folder, {**study.provenance, "knows": dataset.knows})
    study.dataset = dataset
    wanted = keys(study)
    files = _up_to_date(study, wanted, unchanged, on_note)
    absent = set(wanted) - {name for name, entry in files.items() if "sha256" in entry}
    tasks = plan(study, wanted, to_make(study, absent & stays(study, wanted), absent), device, workers)
    trained = {name for task in tasks for name in task.gives if name.startswith("models/")}
    with suppress(UserError):  # a damaged manifest, which was spoken of
        if again := len(trained & set(study.left_out)):
            on_note(f"[keep] left {again} networks out; their numbers are to be made again, so they are trained again.")
    if trained:
        begin(config, folder, made)
    if tasks:
        _run(study, tasks, wanted, files, workers, on_progress, on_note)
    _sweep(study, wanted, files)


Files = dict[str, dict[str, str]]
"""The manifest: per file its `key`, and its `sha256` unless it was left out."""


def _sweep(study: Study, wanted: dict[str, str], files: Files) -> None:
    """Remove what `[keep]` leaves out; the manifest goes on to say what it was made from."""
    gone = {name for name in set(wanted) - stays(study, wanted) if "sha256" in files.get(name, {})}
    if not gone:
        return
    for name in gone:
        del files[name]["sha256"]
    _write_manifest(study, files)
    for name in gone:
        (study.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # other files are there
            (study.folder / name).parent.rmdir()


def _write_manifest(study: Study, files: Files) -> None:
    kept = {name: entry for name, entry in files.items() if "sha256" in entry}
    left_out = {name: entry["key"] for name, entry in files.items() if "sha256" not in entry}
    write_json(study.folder / "manifest.json", {"files": kept, "left_out": left_out})


def _up_to_date(study: Study, wanted: dict[str, str], unchanged: bool, on_note: Callable[[str], None]) -> "Files":
    """Return the manifest's entries of the files that are as they should be."""
    with suppress(UserError):  # a damaged manifest is as good as none
        if study.manifest:
            files = {name: entry for name, entry in study.manifest.items() if wanted.get(name) == entry["key"]}
            paths = {name: study.folder / name for name in files}
            whole = {n: e for n, e in files.items() if paths[n].is_file() and sha256_file(paths[n]) == e["sha256"]}
            gone = {name: {"key": key} for name, key in study.left_out.items() if wanted.get(name) == key}
            return gone | whole
    files, sentence = adopt(study, wanted, unchanged)
    if sentence:
        on_note(sentence)
    return files


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(
    study: Study,
    tasks: list[Task],
    wanted: dict[str, str],
    files: Files,
    workers: int,
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
) -> None:
    start = time.monotonic()
    total = sum(task.cost for task in tasks)
    done = 0.0
    shares: dict[str, tuple[float, str]] = {}
    failed: dict[str, str] = {}

    def tell(finished: str = "") -> None:
        interrupt.check()
        part = sum(share * costs[name] for name, (share, _) in shares.items())
        seconds = time.monotonic() - start
        ratio = (done + part) / total
        left = seconds * (1 - ratio) / ratio if ratio > 0.005 else None
        running = {name: word for name, (_, word) in shares.items()}
        on_progress(Progress(done + part, total, seconds, left, running, finished))

    def keep(task: Task) -> None:
        for name in task.gives:
            files[name] = {"sha256": sha256_file(study.folder / name), "key": wanted[name]}
        _write_manifest(study, files)

    def hear(name: str, share: float | None, word: str) -> None:
        if share is None:
            on_note(word)
        elif name in shares:
            shares[name] = (share, word)

    costs = {task.name: task.cost for task in tasks}
    pending = list(tasks)
    context = get_context("spawn")
    with Interrupt() as interrupt, _manager(context) as manager:
        queue = manager.Queue()
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_worker)
        running: dict[Future[Any], Task] = {}
        try:
            while pending or running:
                unmade = {name for task in [*pending, *running.values()] for name in task.gives}
                ready = [task for task in pending if not unmade & set(task.needs)]
                for task in sorted(ready, key=lambda each: -each.cost):
                    if len(running) == workers:
                        break
                    pending.remove(task)
                    shares[task.name] = (0.0, "")
                    if task.workers:
                        _here(study, task, hear, tell)
                        keep(task)
                        done += task.cost
                        del shares[task.name]
                        tell(task.name)
                        break
                    with deaf():
                        running[pool.submit(_call, task, study.folder, queue)] = task
                finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                while not queue.empty():
                    hear(*queue.get())
                tell()
                for future in finished:
                    task = running.pop(future)
                    shares.pop(task.name, None)
                    done += task.cost
                    try:
                        future.result()
                        keep(task)
                        _forget_state(study, task)
                        tell(task.name)
                    except BrokenProcessPool:
                        raise
                    except Exception as error:  # whatever befalls one task, the others go on
                        failed[task.name] = why(error)
                        pending = _without(pending, set(task.gives))
        except BrokenProcessPool:
            raise UserError(
                "A process of this run was ended from outside (out of memory?); the same command goes on from here."
            ) from None
        finally:
            for process in list((pool._processes or {}).values()):  # shutdown forgets them
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
    if failed:
        raise UserError(reasons(failed, {study.teacher.architecture, *study.config.students.architectures}))


@contextmanager
def _manager(context: SpawnContext) -> Iterator[SyncManager]:
    manager = SyncManager(ctx=context)
    with deaf():
        manager.start(die_with_parent)
    with manager:
        yield manager


def _here(study: Study, task: Task, hear: Callable[[str, float | None, str], None], tell: Callable[[], None]) -> None:
    def report(share: float | None, word: str) -> None:
        hear(task.name, share, word)
        tell()

    task.function(study.folder, cores(), *task.args, report)


def _without(pending: list[Task], lost: set[str]) -> list[Task]:
    """Drop the tasks that can no longer run, and those that need them in turn."""
    while True:
        dropped = [task for task in pending if lost & set(task.needs)]
        if not dropped:
            return pending
        lost |= {name for task in dropped for name in task.gives}
        pending = [task for task in pending if task not in dropped]


def _forget_state(study: Study, task: Task) -> None:
    """Remove the training state of cells whose network is in the manifest."""
    for name in task.gives:
        if name.startswith("models/"):
            (study.folder / "state" / Path(name).name).unlink(missing_ok=True)
    with suppress(OSError):
        (study.folder / "state").rmdir()


def _worker() -> None:
    die_with_parent()
    keep_memory()
    # Several processes of one thread beat one of several threads by far (BIRDS.md), and give the same bits every time.
    torch.set_num_threads(1)


def _call(task: Task, folder: Path, queue: Any) -> None:
    last = 0.0

    def report(share: float | None, word: str) -> None:
        nonlocal last
        if share is None or time.monotonic() - last > 0.2:
            last = time.monotonic()
            queue.put((task.name, share, word))

    task.function(folder, *task.args, report)
