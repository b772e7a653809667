"""Run a study: what is missing of it, and nothing else."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from core.config import Config
from core.data import open_dataset
from core.data.dataset import Dataset
from core.errors import UserError
from core.run.begin import begin
from core.run.check import check, weights_told
from core.run.local import cores, processes
from core.run.lock import held
from core.run.loop import Progress, run_tasks
from core.run.manifest import sweep, up_to_date
from core.run.plan import plan
from core.run.provenance import provenance
from core.run.recipe import keys, stays, to_make
from core.run.status import told
from core.store import remove_unfinished
from core.study import Study, cache_folder


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
    files = up_to_date(study, wanted, unchanged, on_note)
    absent = set(wanted) - {name for name, entry in files.items() if "sha256" in entry}
    tasks = plan(study, wanted, to_make(study, absent & stays(study, wanted), absent), device, workers)
    trained = {name for task in tasks for name in task.gives if name.startswith("models/")}
    with suppress(UserError):  # a damaged manifest, which was spoken of
        if again := len(trained & set(study.left_out)):
            on_note(f"[keep] left {again} networks out; their numbers are to be made again, so they are trained again.")
    if trained:
        begin(config, folder, made)
    if tasks:
        opened = processes(study.folder, workers)
        run_tasks(study, tasks, wanted, files, opened, cores(), on_progress, on_note)
    sweep(study, wanted, files)
