"""Run a study: what is missing of it, and nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from core.config import Config
from core.data import open_dataset
from core.data.dataset import Dataset
from core.errors import UserError
from core.run.begin import begin
from core.run.check import check, weights_told
from core.run.local import check_device, cores, this_machine
from core.run.lock import held
from core.run.loop import Executor, Progress, run_tasks
from core.run.manifest import sweep, up_to_date
from core.run.plan import Task, plan
from core.run.recipe import keys, stays, to_make
from core.run.removed import unless_removed
from core.run.status import told
from core.store import cannot_write, remove_unfinished
from core.study import Study, cache_folder


def run_study(
    config: Config,
    folder: Path | None = None,
    device: str = "auto",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda sentence: None,
    cluster: str = "",
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
    cluster : str
        "auto" or HOST:PORT of a Ray cluster, whose machines are to do the work; by default this one does.

    Raises
    ------
    UserError
        The folder holds a study of another name or is being run already, the device is not there, or tasks failed: each
        is named with its reason, the others were finished and kept.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device is auto, cpu or cuda, not '{device}'.")
    if cluster and find_spec("ray") is None:
        raise UserError("Ray is not installed, which --cluster needs: pip install -e '.[cluster]'")
    if not cluster:
        check_device(device)
    folder = folder or cache_folder() / "studies" / config.name
    # What cannot be read or built is met before anything is written.
    dataset = open_dataset(config.data)
    check(config, dataset)
    if not (folder / "summary.parquet").exists():
        for sentence in weights_told(config, len(dataset.classes)):
            on_note(sentence)
    if (folder / "study.toml").exists() and (name := Study(folder).name) != config.name:
        raise UserError(f"{folder} holds the study '{name}', not '{config.name}'; choose another --out.")
    with _place(device, cluster, on_note) as place, held(folder):
        if not (folder / "study.toml").exists():
            begin(config, folder, {})  # where others see it: to learn with what it is made may take a while
        with unless_removed(folder) as see, told(folder, on_progress) as tell:

            def on_step(progress: Progress) -> None:
                see()
                tell(progress)

            _complete(config, folder, dataset, place, on_step, on_note)
    return Study(folder)


class Place(Protocol):
    """Where a study is run (`core.run.local.Machine`, `core.run.cluster.Machines`)."""

    @property
    def device(self) -> str:
        """Where networks run: "cpu" or "cuda"."""
        ...

    @property
    def workers(self) -> int:
        """How many tasks it takes side by side."""
        ...

    def provenance(self, config: Config, knows: str) -> dict[str, Any]:
        """Return where and with what networks are about to be trained."""
        ...

    def executor(self, study: Study, tasks: list[Task]) -> AbstractContextManager[Executor]:
        """Give what runs tasks there."""
        ...


def _place(device: str, cluster: str, on_note: Callable[[str], None]) -> AbstractContextManager[Place]:
    if not cluster:
        return this_machine(device)
    from core.run.cluster import joined

    return joined(cluster, device, on_note)


def _complete(
    config: Config,
    folder: Path,
    dataset: Dataset,
    place: Place,
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
) -> None:
    remove_unfinished(folder)
    made = place.provenance(config, dataset.knows)
    study = Study(folder)
    unchanged = study.config == config
    if not unchanged:
        study.config, study.dataset = config, dataset
        _withdraw(study)
        study = begin(config, folder, {**study.provenance, "knows": dataset.knows})
    study.dataset = dataset
    wanted = keys(study)
    files = up_to_date(study, wanted, unchanged, on_note)
    absent = set(wanted) - {name for name, entry in files.items() if "sha256" in entry}
    tasks = plan(study, wanted, to_make(study, absent & stays(study, wanted), absent), place.device, place.workers)
    trained = {name for task in tasks for name in task.gives if name.startswith("models/")}
    with suppress(UserError):  # a damaged manifest, which was spoken of
        if again := len(trained & set(study.left_out)):
            on_note(f"[keep] left {again} networks out; their numbers are to be made again, so they are trained again.")
    if trained:
        begin(config, folder, made)
        study.provenance = made
    if tasks:
        opened = place.executor(study, tasks)
        run_tasks(study, tasks, wanted, files, opened, cores(), on_progress, on_note)
    sweep(study, wanted, files)


def _withdraw(study: Study) -> None:
    """Remove a summary of other settings, before study.toml has these: whoever reads would take it for theirs."""
    made_from = None
    with suppress(UserError):
        made_from = study.manifest.get("summary.parquet", {}).get("key")
    if made_from != keys(study)["summary.parquet"]:
        try:
            (study.folder / "summary.parquet").unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(study.folder / "summary.parquet", error) from None
