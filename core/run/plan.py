"""Which files a study consists of, what each is made from, and the tasks that make those that are missing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import stages
from core.cells import Cell
from core.config import WORDS
from core.store import digest_of, sha256_file
from core.study import Study

VERSIONS = {"images": 1, "train": 1, "predict": 1, "explain": 2, "measure": 1, "costs": 1, "conclude": 1}
"""Raise a station's number when its results change: what it made, and all that follows, is then made again."""

COST = {"resnet18": 1.0, "resnet34": 1.6, "resnet50": 3.0, "resnet101": 4.2}
"""Seconds of a training step beside ResNet18's (BIRDS.md), for the time left; others count as ResNet50."""
POINTS = 40
"""Gradients that a map of integrated gradients takes, about."""
FORWARD = 0.25
"""Cost of showing an image to a network, beside training on it."""


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
        Files, relative to the study's folder.
    cost : float
        Expected time, in any unit that all tasks of a plan share.
    workers : bool
        Whether it wants to be told how many processes it may use, and so runs in the caller's own.
    """

    name: str
    function: Callable[..., list[Path]]
    args: tuple[Any, ...]
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    cost: float
    workers: bool = field(default=False)


def keys(study: Study) -> dict[str, str]:
    """Return, for every file a complete study has, the digest of all that it is made from."""
    config = study.config
    data = study.dataset.digest
    found: dict[str, str] = {}

    def key(station: str, *parts: Any) -> str:
        return digest_of([station, VERSIONS[station], *parts])

    students = config.students
    found["images.parquet"] = key("images", data, config.explain.images, config.keep.maps)
    for cell in study.cells:
        names = _files(study, cell)
        if cell.own_name:
            model = digest_of(study.header(cell).digest)
        else:
            weights = config.teacher.weights if cell == study.teacher else students.weights
            recipe = config.training.model_dump(exclude={"validate_every", "temperature"})
            initial = weights if weights in WORDS else sha256_file(Path(weights))
            parts = [data, recipe, students.width, students.stem, initial, cell.architecture, cell.alpha, cell.seed]
            parts.append(students.weights == "imagenet")  # which decides how all images are normalised
            if cell.alpha != 1:
                parts += [config.training.temperature, found[_files(study, study.teacher)["models"]]]
            model = key("train", *parts)
            found[names["models"]] = found[names["history"]] = model
        found[names["logits"]] = key("predict", data, model)
        aims = [found[_files(study, study.teacher)["logits"]]] if config.explain.target == "teacher" else []
        explained = key("explain", data, model, config.explain.model_dump(), config.keep.model_dump(), *aims)
        found[names["importance"]] = explained
        for method in config.explain.methods:
            found[names[f"maps/{method}"]] = explained
        teacher = _files(study, study.teacher)
        beside = [found[teacher["importance"]], found[teacher["logits"]]]
        found[names["measures"]] = key("measure", explained, found[names["logits"]], *beside, config.measure.top_k)
    # Not by seed, α or weights, which change no cost; all networks are timed together or not at all.
    architectures = sorted({cell.architecture for cell in study.cells if not cell.own_name})
    headers = {cell.own_name: study.header(cell) for cell in study.cells if cell.own_name}
    imported = [[name, each.architecture, each.width, each.stem] for name, each in headers.items()]
    shape = [students.width, students.stem, len(study.dataset.classes), config.data.image_size]
    found["costs.parquet"] = key("costs", architectures, *shape, imported)
    measures = [found[_files(study, cell)["measures"]] for cell in study.cells]
    found["summary.parquet"] = key("conclude", measures, found["costs.parquet"])
    return found


def _files(study: Study, cell: Cell) -> dict[str, str]:
    """Return the files of one cell, relative to the study's folder."""
    kinds = {kind: study.path(kind, cell) for kind in ("models", "history", "logits", "importance", "measures")}
    kinds |= {f"maps/{method}": study.path("maps", cell, method) for method in study.config.explain.methods}
    return {kind: path.relative_to(study.folder).as_posix() for kind, path in kinds.items()}


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
    teacher = _files(study, study.teacher)
    for cell in study.cells:
        files = _files(study, cell)
        cost = COST.get(cell.architecture, 3.0) * FORWARD
        tests = config.data.test_images if config.data.dataset == "birds" else 1000
        if files["logits"] in missing:
            tasks.append(
                Task(
                    f"predict {cell.name}",
                    stages.predict_cell,
                    (cell.name, device),
                    ("images.parquet", files["models"]),
                    (files["logits"],),
                    cost * tests * 2,
                )
            )
        needs: tuple[str, ...]
        maps = tuple(files[f"maps/{method}"] for method in config.explain.methods)
        if {files["importance"], *maps} & missing:
            steps = sum(1 if m == "saliency" else POINTS for m in config.explain.methods)
            tasks.append(
                Task(
                    f"explain {cell.name}",
                    stages.explain_cell,
                    (cell.name, wanted[files["importance"]], device),
                    ("images.parquet", files["models"], files["logits"], teacher["logits"]),
                    (files["importance"], *maps),
                    cost * config.explain.images * steps * 4,
                )
            )
        if files["measures"] in missing:
            needs = ("images.parquet", files["logits"], files["importance"], teacher["logits"], teacher["importance"])
            tasks.append(Task(f"measure {cell.name}", stages.measure, (cell.name,), needs, (files["measures"],), 200.0))
    measures = tuple(_files(study, cell)["measures"] for cell in study.cells)
    if "costs.parquet" in missing:
        # It reads none of them: it is timed, and by then nothing else of this run is left to disturb it.
        tasks.append(Task("time networks", stages.cost, (device,), measures, ("costs.parquet",), 3000.0))
    if "summary.parquet" in missing:
        needs = ("images.parquet", "costs.parquet", *measures)
        tasks.append(Task("conclude", stages.conclude, (), needs, ("summary.parquet",), 1000.0))
    return tasks


def _training(study: Study, wanted: dict[str, str], missing: set[str], device: str, workers: int) -> list[Task]:
    """Group the cells to train: of one seed, with or without a teacher; a few seeds are spread over the workers."""
    config = study.config
    images = config.data.train_images if config.data.dataset == "birds" else 1000
    groups: dict[tuple[int | None, str], list[Cell]] = {}
    for cell in study.cells:
        files = _files(study, cell)
        if not cell.own_name and {files["models"], files["history"]} & missing:
            kind = "teacher" if cell == study.teacher else "alone" if cell.alpha == 1 else "taught"
            groups.setdefault((cell.seed, kind), []).append(cell)
    tasks = []
    # Every group asks the teacher anew, so with seeds enough to keep all workers busy, a seed is one group.
    apart = max(1, workers // max(1, sum(kind == "taught" for _, kind in groups)))
    for (_, kind), cells in groups.items():
        bins = _spread(cells, apart if kind == "taught" else 1)
        for group in bins:
            cost = sum(COST.get(cell.architecture, 3.0) for cell in group)
            needs: tuple[str, ...] = ("images.parquet",)
            if kind == "taught":
                cost += COST.get(config.teacher.architecture, 3.0) * FORWARD
                needs += (_files(study, study.teacher)["models"],)
            names = tuple(cell.name for cell in group)
            cell_keys = {cell.name: wanted[_files(study, cell)["models"]] for cell in group}
            gives = tuple(_files(study, cell)[kind] for cell in group for kind in ("models", "history"))
            title = f"train {names[0]}" if len(names) == 1 else f"train {len(names)} together: {', '.join(names)}"
            tasks.append(
                Task(
                    title,
                    stages.train_cells,
                    (names, cell_keys, device),
                    needs,
                    gives,
                    cost * config.training.epochs * images,
                )
            )
    return tasks


def _spread(cells: list[Cell], count: int) -> list[list[Cell]]:
    """Cut cells into at most `count` groups of about the same cost, the dearest first."""
    bins: list[list[Cell]] = [[] for _ in range(min(count, len(cells)))]
    loads = [0.0] * len(bins)
    for cell in sorted(cells, key=lambda c: -COST.get(c.architecture, 3.0)):
        least = loads.index(min(loads))
        bins[least].append(cell)
        loads[least] += COST.get(cell.architecture, 3.0)
    return bins
