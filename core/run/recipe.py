"""Which files a study consists of, what each is made from, and which of them stay."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.cells import Cell, undistilled
from core.config import WORDS
from core.store import digest_of, sha256_file
from core.study import Study

VERSIONS = {"images": 1, "train": 2, "predict": 1, "explain": 4, "measure": 4, "costs": 1, "conclude": 10}
"""Raise a station's number when its results change: what it made, and all that follows, is then made again."""
NOT_OF_ALL = {"validate_every", "replay", "temperature", "processes"}
"""Of [training]: what changes no network, what distilled students alone depend on, and what counts only above one."""


def keys(study: Study) -> dict[str, str]:
    """Return, for every file a complete study has, the digest of all that it is made from."""
    config = study.config
    data = study.dataset.digest
    found: dict[str, str] = {}

    def key(station: str, *parts: Any) -> str:
        return digest_of([station, VERSIONS[station], *parts])

    students = config.students
    found["images.parquet"] = key("images", data, config.explain.images, config.keep.maps)
    teacher = files_of(study, study.teacher)
    for cell in study.measured:
        names = files_of(study, cell)
        if cell.own_name:
            model = digest_of(study.header(cell).digest)
        elif cell.untrained:
            model = key("train", "not", found[teacher["models"]], students.width, students.stem, cell.name)
        else:
            weights = config.teacher.weights if cell == study.teacher else students.weights
            recipe = config.training.model_dump(exclude=NOT_OF_ALL)
            initial = weights if weights in WORDS else sha256_file(Path(weights))
            parts = [data, recipe, students.width, students.stem, initial, cell.architecture, cell.alpha, cell.seed]
            parts.append(students.weights == "imagenet")  # which decides how all images are normalised
            if config.training.processes > 1:  # sums in another order give other bits
                parts.append(["processes", config.training.processes])
            if cell.alpha != 1:
                parts += [config.training.temperature, found[teacher["models"]]]
                if cell.explanation_weight:
                    parts.append(["input x gradient", cell.explanation_weight])
            model = key("train", *parts)
            found[names["models"]] = found[names["history"]] = model
        found[names["logits"]] = key("predict", data, model)
        aims = [found[teacher["logits"]]] if config.explain.target == "teacher" else []
        beside = [] if cell == study.teacher else [found[teacher["relevance"]]]
        explained = key("explain", data, model, config.explain.model_dump(), *aims, *beside)
        found |= {names[kind]: explained for kind in ("importance", *(["relevance"] if cell == study.teacher else []))}
        gallery = digest_of([explained, config.keep.maps, config.keep.map_size])
        found |= {names[f"maps/{method}"]: gallery for method in config.explain.methods}
    for cell in study.measured:
        names = files_of(study, cell)
        inputs = [found[name] for name in needs(study, cell)["measures"] if name != "images.parquet"]
        found[names["measures"]] = found[names["parts"]] = key("measure", *inputs, config.measure.top_k)
    # Not by seed, α or weights, which change no cost; all networks are timed together or not at all.
    architectures = sorted({cell.architecture for cell in study.cells if not cell.own_name})
    headers = {cell.own_name: study.header(cell) for cell in study.cells if cell.own_name}
    imported = [[name, each.architecture, each.width, each.stem] for name, each in headers.items()]
    shape = [students.width, students.stem, len(study.dataset.classes), config.data.image_size]
    found["costs.parquet"] = key("costs", architectures, *shape, imported)
    measures = [found[files_of(study, cell)["measures"]] for cell in study.measured]
    found["summary.parquet"] = key("conclude", measures, found["costs.parquet"])
    return found


def files_of(study: Study, cell: Cell) -> dict[str, str]:
    """Return the files of one cell by kind, relative to the study's folder, whether it has one of that kind or not."""
    kinds = ("models", "history", "logits", "importance", "relevance", "measures", "parts")
    paths = {kind: study.path(kind, cell) for kind in kinds}
    paths |= {f"maps/{method}": study.path("maps", cell, method) for method in study.config.explain.methods}
    return {kind: path.relative_to(study.folder).as_posix() for kind, path in paths.items()}


def needs(study: Study, cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return, by the kind of a cell's files, the files that making it reads."""
    own, teacher = files_of(study, cell), files_of(study, study.teacher)
    images = "images.parquet"
    network = teacher["models"] if cell.untrained else own["models"]
    explain: tuple[str, ...] = (images, network, own["logits"], teacher["logits"])
    if cell != study.teacher:
        explain += (teacher["relevance"],)
    measure: tuple[str, ...] = (images, own["logits"], own["importance"], teacher["logits"], teacher["importance"])
    plain = undistilled(cell, study.config)
    if plain is not None:
        measure += (files_of(study, plain)["importance"],)
    train = (images,) if cell.alpha == 1 else (images, teacher["models"])
    made = {"models": train, "history": train, "logits": (images, network), "measures": measure, "parts": measure}
    maps = (f"maps/{method}" for method in study.config.explain.methods)
    return {**made, **dict.fromkeys(("importance", "relevance", *maps), explain)}


def to_make(study: Study, missing: Iterable[str], absent: set[str]) -> set[str]:
    """Return what is missing with all that must be made again to make it.

    Parameters
    ----------
    study : Study
    missing : iterable of str
        Files that are not there, or not made from what they should be.
    absent : set of str
        Files that are not there, but need not be unless something is made from them.
    """
    makes = {files_of(study, cell)[kind]: read for cell in study.measured for kind, read in needs(study, cell).items()}
    measured = tuple(files_of(study, cell)[kind] for cell in study.measured for kind in CONCLUDED)
    makes["summary.parquet"] = ("costs.parquet", *measured)
    found, new = set(), set(missing)
    while new:
        found |= new
        new = {name for made in new for name in makes.get(made, ()) if name in absent} - found
    return found


CONCLUDED = ("measures", "parts")
"""Kinds of a cell's files that the summary is made from."""


def stays(study: Study, wanted: Iterable[str]) -> set[str]:
    """Return those of a complete study's files that `[keep]` keeps.

    The teacher's relevance at full size serves other networks' explanations only, and goes when they are done. Of
    untrained networks, which are controls, numbers stay.
    """
    maps = [f"maps/{method}" for method in study.config.explain.methods]
    gone = {files_of(study, study.teacher)["relevance"]}
    gone |= {files_of(study, cell)[kind] for cell in study.measured if cell.untrained for kind in ("logits", *maps)}
    if study.config.keep.seeds == "first":
        others = [cell for cell in study.measured if cell.untrained or cell not in study.networks]
        gone |= {files_of(study, cell)[kind] for cell in others for kind in ("models", "logits", "importance", *maps)}
    return set(wanted) - gone
