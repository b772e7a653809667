"""What a study computes, stage by stage; each function reads the study's folder and returns the files it wrote.

A task is one call of one of these functions. Files carry a key, the digest of everything that they are made from, known
before anything is computed: that is how a run tells what is missing or stale.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from core.attribution import Prepared, pick_targets
from core.cells import Cell, parse_cell
from core.controls import SHUFFLE_SEED, partners
from core.costs import costs
from core.data.dataset import SPLITS, Dataset
from core.data.decode import decoded
from core.distill import Learner, TrainingData, train
from core.distill.groups import in_groups
from core.distill.share import ALONE, Share
from core.errors import UserError
from core.explain_cell import Rows, Shards, explained, merge, shards_of
from core.header import Header
from core.inputs import as_input
from core.measure_cell import measure_cell, part_shares
from core.models import IMAGENET_MEAN, IMAGENET_STD, build, initialise, load_model, save_model
from core.store import map_arrays, write_arrays, write_table
from core.study import Study, cache_folder
from core.summarise import summarise
from core.train_cells import kept_answers, space

Report = Callable[[float | None, str], None]
"""Called with the share of the task that is done, and a word on it; or with None and what a person should know."""

NORMALISE_IMAGES = 2000
"""Images that the mean and the standard deviation of the channels are taken over."""
BATCH = 64


def data_folder(dataset: Dataset) -> Path:
    """Return the folder in which a dataset's decoded images are kept."""
    return cache_folder() / "data" / dataset.digest[:16]


@lru_cache(maxsize=16)
def _arrays(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, images and part maps of one split; decoded by `prepare` before."""
    dataset = Study(folder).dataset
    ids = dataset.ids(split)
    return (ids, *decoded(dataset, ids, data_folder(dataset), 1, lambda done, total: None))


def prepare(folder: Path, workers: int, report: Report) -> list[Path]:
    """Decode every image once and list them: images.parquet."""
    study = Study(folder)
    dataset = study.dataset
    table = dataset.table[["id", "label", "split", "source"]].copy()
    visible = np.zeros(len(table), dtype=np.int16)
    done = 0
    for split in SPLITS:
        ids = dataset.ids(split)
        start = done

        def tell(count: int, total: int, start: int = start) -> None:
            report((start + count) / len(table), f"reading images, {start + count} of {len(table)}")

        _, parts = decoded(dataset, ids, data_folder(dataset), workers, tell)
        for image, part_map in zip(ids, parts, strict=True):
            visible[image] = np.count_nonzero(np.bincount(part_map.ravel(), minlength=2)[1:])
        done += len(ids)
    chosen = explained_ids(table, study.config.explain.images)
    table["visible_parts"] = visible
    table["explained"] = table["id"].isin(chosen)
    table["kept"] = table["id"].isin(chosen[: study.config.keep.maps])
    path = folder / "images.parquet"
    write_table(path, table)
    return [path]


def explained_ids(table: pd.DataFrame, count: int) -> np.ndarray:
    """Return the test images to explain, the classes in turn, so that any first few are balanced."""
    test = table[table["split"] == "test"]
    turn = test.groupby("label").cumcount()
    return test.assign(turn=turn).sort_values(["turn", "label"])["id"].to_numpy()[:count]


Channels = tuple[float, float, float]


def _normalisation(weights: str, images: np.ndarray) -> tuple[Channels, Channels]:
    """Return mean and standard deviation of each channel: ImageNet's for its weights, else the dataset's."""
    if weights == "imagenet":
        return IMAGENET_MEAN, IMAGENET_STD
    levels, counts = np.arange(256) / 255, np.zeros((3, 256))
    for image in images[:: max(1, len(images) // NORMALISE_IMAGES)]:  # one by one: as floats they take gigabytes
        counts += [np.bincount(image[..., channel].ravel(), minlength=256) for channel in range(3)]
    shares = counts / counts.sum(1, keepdims=True)
    mean = shares @ levels
    std = np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(1)).clip(1e-3).round(4).tolist()
    mean = mean.round(4).tolist()
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def train_cells(
    folder: Path, names: Sequence[str], keys: dict[str, str], device: str, report: Report, share: Share = ALONE
) -> list[Path]:
    """Train cells of one seed on the same batches, as many at once as fit into memory: models/ and history/.

    The teacher is read back from its file, so that a resumed run learns from the same one. Several processes may train
    together (`core.train_together`); the leading one writes.
    """
    study = Study(folder)
    config, recipe = study.config, study.config.training
    cells = {name: parse_cell(name) for name in names}
    ids, images, _ = _arrays(folder, "train")
    validation_ids, validation_images, _ = _arrays(folder, "validation")
    labels = study.dataset.table["label"].to_numpy()
    mean, std = _normalisation(config.students.weights, images)
    data = TrainingData(images, labels[ids], ids, validation_images, labels[validation_ids], mean, std)
    place = torch.device(device)
    teacher, teacher_digest = None, None
    if any(cell.alpha != 1 for cell in cells.values()):
        teacher, header = load_model(study.path("models", study.teacher), place)
        teacher_digest = header.digest
    found = space(study, list(cells.values()), data, place, share)
    seed = cells[names[0]].seed or 0
    replay = None
    if recipe.replay and teacher_digest:
        replay = kept_answers(study, seed, teacher_digest, data, share, lambda sentence: report(None, sentence))
    epochs = dict.fromkeys(names, 0)
    written: list[Path] = []

    def tell(learner: Learner) -> None:
        epochs[learner.name] = learner.epoch
        done = sum(epochs.values())
        report(done / (len(epochs) * recipe.epochs), f"epoch {learner.epoch} of {recipe.epochs}")

    def work(group: Sequence[str]) -> None:
        learners = [_learner(study, cells[name], keys[name], place, share) for name in group]
        epochs.update({learner.name: learner.epoch for learner in learners})
        try:
            train(learners, teacher, data, recipe, seed, place, tell, found.resident, replay)
        finally:
            # Also where one of the group came to nothing.
            for learner in learners:
                if learner.epoch == recipe.epochs and share.leads:
                    written.extend(_keep(study, cells[learner.name], learner, (mean, std), teacher_digest))

    in_groups(names, found.students, work, lambda sentence: report(None, sentence), halve=share.world == 1)
    return written


def _learner(study: Study, cell: Cell, key: str, place: torch.device, share: Share) -> Learner:
    path = study.folder / "state" / f"{cell.name}.safetensors"
    alpha = 1.0 if cell.alpha is None else cell.alpha
    model, recipe = _fresh(study, cell).to(place), study.config.training
    return Learner(cell.name, model, alpha, key, path, recipe, cell.explanation_weight, share)


def _keep(
    study: Study, cell: Cell, learner: Learner, normalisation: tuple[Channels, Channels], teacher_digest: str | None
) -> list[Path]:
    """Write a trained network and its history."""
    config, (mean, std) = study.config, normalisation
    header = Header(
        architecture=cell.architecture,
        width=config.students.width,
        stem=config.students.stem,
        classes=study.dataset.classes,
        image_size=config.data.image_size,
        mean=mean,
        std=std,
        alpha=cell.alpha,
        seed=cell.seed,
        teacher=teacher_digest if cell.alpha != 1 else None,
        explanation_weight=cell.explanation_weight,
    )
    save_model(study.path("models", cell), learner.model, header)
    write_table(study.path("history", cell), pd.DataFrame(learner.history).astype({"epoch": "int32"}))
    return [study.path("models", cell), study.path("history", cell)]


def _fresh(study: Study, cell: Cell) -> torch.nn.Module:
    """Return a cell's network before training: named by its seed alone, so α and λ do not change where it starts."""
    model = _built(study, cell)
    weights = study.config.teacher.weights if cell == study.teacher else study.config.students.weights
    initialise(model, cell.architecture, weights)
    return model


def _built(study: Study, cell: Cell) -> torch.nn.Module:
    """Return a cell's network with nothing but random weights."""
    students = study.config.students
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cell.seed or 0)
        return build(cell.architecture, len(study.dataset.classes), students.width, students.stem)


def _network(study: Study, name: str, device: str) -> tuple[torch.nn.Module, Header]:
    """Return a cell's network, read from its file; an untrained one is built, and sees images as the teacher does."""
    cell = next(each for each in study.measured if each.name == name)
    if not cell.untrained:
        return load_model(study.path("models", name), device)
    header = replace(study.header(study.teacher), architecture=cell.architecture, alpha=None, seed=cell.seed)
    model = _built(study, cell).eval().requires_grad_(False)
    return model.to(device), header


def predict_cell(folder: Path, name: str, device: str, report: Report) -> list[Path]:
    """Run a network over every test image: logits/."""
    study = Study(folder)
    ids, images, _ = _arrays(folder, "test")
    model, header = _network(study, name, device)
    if header.classes != study.dataset.classes:
        raise UserError(f"{study.path('models', name)} knows other classes than the study; remove it, or add it anew.")
    logits = np.empty((len(ids), len(header.classes)), np.float16)
    with torch.inference_mode():
        for start in range(0, len(ids), BATCH):
            x = as_input(images[start : start + BATCH], header.mean, header.std, device)
            logits[start : start + BATCH] = model(x).float().cpu().numpy()
            report(min(1.0, (start + BATCH) / len(ids)), "predicting")
    path = study.path("logits", name)
    write_arrays(path, {"ids": ids, "logits": logits})
    return [path]


def explain_cell(folder: Path, name: str, key: str, device: str, report: Report) -> list[Path]:
    """Explain a network on the chosen test images, and sum its maps over the parts: maps/ and importance/.

    The teacher's relevance stays whole, for those that are explained after it: relevance/.
    """
    study = Study(folder)
    count = len(explained_ids(study.images(), study.config.explain.images))
    explain_range(folder, name, key, 0, count, device, report)
    return join_maps(folder, name, key, [(0, count)], report)


def explain_range(folder: Path, name: str, key: str, start: int, stop: int, device: str, report: Report) -> list[Path]:
    """Explain a network on a range of the chosen test images: shards, in state/explain/."""
    study = Study(folder)
    config = study.config
    shards = Shards(folder / shards_of(name, key, start, stop))
    if shards.done == stop:
        return shards.finished
    chosen = explained_ids(study.images(), config.explain.images)
    ids = np.sort(chosen)
    all_ids, images, part_maps = _arrays(folder, "test")
    rows = np.searchsorted(all_ids, ids)
    model, header = _network(study, name, device)
    is_teacher = name == study.teacher.name
    targets = pick_targets(
        config.explain.target, study.labels(ids), study.logits(study.teacher)[1][rows], study.logits(name)[1][rows]
    )
    work = explained(
        config,
        Prepared(model, as_input(images[:1], header.mean, header.std, device)),
        header,
        study.dataset.parts,
        ids,
        Rows(images, rows),
        Rows(part_maps, rows),
        targets,
        chosen[: config.keep.maps],
        shards,
        None if is_teacher else map_arrays(study.path("relevance", study.teacher), *config.explain.methods),
        partners(study.labels(ids), SHUFFLE_SEED),
    )
    for done in work:
        report((done - start) / (stop - start), f"explaining, image {done} of {len(ids)}")
    return shards.finished


def join_maps(folder: Path, name: str, key: str, cut: Sequence[tuple[int, int]], report: Report) -> list[Path]:
    """Put the ranges of a network's explanations together: maps/, importance/ and, of the teacher, relevance/."""
    study = Study(folder)
    config = study.config
    maps: dict[str, Path] = {method: study.path("maps", name, method) for method in config.explain.methods}
    kept = explained_ids(study.images(), config.explain.images)[: config.keep.maps]
    full = study.path("relevance", name) if name == study.teacher.name else None
    shards = [Shards(folder / shards_of(name, key, start, stop)) for start, stop in cut]
    return merge(shards, study.path("importance", name), maps, kept, full)


def measure(folder: Path, name: str, report: Report) -> list[Path]:
    """Compare a cell with the teacher, image by image, and sum up which parts it looks at: measures/ and parts/."""
    study = Study(folder)
    cell = next(each for each in study.measured if each.name == name)
    measured, parts = study.path("measures", name), study.path("parts", name)
    write_table(parts, part_shares(study, cell))
    write_table(measured, measure_cell(study, cell))
    return [measured, parts]


def cost(folder: Path, device: str, report: Report) -> list[Path]:
    """Measure what each architecture costs: costs.parquet. Times differ from run to run, unlike all else here."""
    path = folder / "costs.parquet"
    write_table(path, costs(Study(folder), device, report))
    return [path]


def conclude(folder: Path, report: Report) -> list[Path]:
    """Estimate everything shown, with intervals: summary.parquet."""
    path = folder / "summary.parquet"
    write_table(path, summarise(Study(folder)))
    return [path]
