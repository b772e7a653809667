"""The stations run here and now, against what a run by processes left, and against each other."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from core import stages
from core.cells import parse_cell
from core.distill import Learner, TrainingData, train
from core.errors import UserError
from core.models import load_model, save_model
from core.run.recipe import keys
from core.store import sha256_file, write_bytes
from core.study import Study

STUDENT = "resnet18-a0.1-s0"
TEACHER = "resnet34-a1.0-s0"


def quiet(share: float, word: str) -> None:
    assert 0 <= share <= 1
    assert word


def test_explained_images_are_of_the_classes_in_turn() -> None:
    labels = [0, 0, 0, 0, 1, 1, 2, 2, 2]
    table = pd.DataFrame({"id": range(10, 19), "label": labels, "split": "test"})
    table = pd.concat([pd.DataFrame({"id": [1], "label": [2], "split": ["train"]}), table])
    assert stages.explained_ids(table, 99).tolist() == [10, 14, 16, 11, 15, 17, 12, 18, 13]
    assert stages.explained_ids(table, 4).tolist() == [10, 14, 16, 11]


def test_predictions_are_the_networks_own(ran: Study) -> None:
    model, header = load_model(ran.path("models", STUDENT))
    ids, logits = ran.logits(STUDENT)
    images, _ = ran.dataset.load(ids)
    x = (images / 255 - np.array(header.mean)) / np.array(header.std)
    with torch.no_grad():
        want = model(torch.from_numpy(x).float().permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(logits, want, rtol=2e-3, atol=2e-3)


def test_normalisation_is_the_training_images(ran: Study) -> None:
    images, _ = ran.dataset.load(ran.dataset.ids("train"))
    for cell in ran.cells:
        header = ran.header(cell)
        np.testing.assert_allclose(header.mean, images.reshape(-1, 3).mean(0) / 255, atol=1e-4)
        np.testing.assert_allclose(header.std, images.reshape(-1, 3).std(0) / 255, atol=1e-4)


def test_a_student_learns_from_the_teacher_as_its_file_has_it(ran: Study, tmp_path: Path) -> None:
    """Trained here, from the file's fp16 weights, it is bit for bit what processes made."""
    cell, header = parse_cell(STUDENT), ran.header(STUDENT)
    dataset, table = ran.dataset, ran.dataset.table
    sets = []
    for split in ("train", "validation"):
        ids = dataset.ids(split)
        sets.append((ids, dataset.load(ids)[0], table["label"].to_numpy()[ids]))
    (ids, images, labels), (_, validation, validation_labels) = sets
    data = TrainingData(images, labels, ids, validation, validation_labels, header.mean, header.std)

    def trained(teacher: torch.nn.Module, name: str) -> dict[str, torch.Tensor]:
        recipe = ran.config.training
        learner = Learner(name, stages._fresh(ran, cell), 0.1, "", tmp_path / f"{name}.state", recipe)
        train([learner], teacher, data, recipe, 0, torch.device("cpu"), lambda each: None)
        save_model(tmp_path / name, learner.model, header)
        return load_model(tmp_path / name)[0].state_dict()

    want = load_model(ran.path("models", STUDENT))[0].state_dict()
    got = trained(load_model(ran.path("models", TEACHER))[0], "from the file.safetensors")
    assert all(torch.equal(want[k], got[k]) for k in want)
    assert sha256_file(tmp_path / "from the file.safetensors") == sha256_file(ran.path("models", STUDENT)), (
        "to the last byte"
    )


def test_where_a_cell_starts_is_named_by_its_seed(ran: Study) -> None:
    """Not by α, so that distilled and undistilled students differ by distillation alone."""

    def start(name: str) -> torch.Tensor:
        return stages._fresh(ran, parse_cell(name)).conv1.weight

    torch.manual_seed(123)
    first = start("resnet18-a1.0-s0")
    assert torch.equal(first, start("resnet18-a0.1-s0"))
    assert not torch.equal(first, start("resnet18-a1.0-s1"))


def test_the_teacher_may_start_from_other_weights_than_the_students(ran: Study, tmp_path: Path) -> None:
    weights = ran.path("models", TEACHER)
    study = Study(ran.folder)
    teacher = study.config.teacher.model_copy(update={"weights": str(weights)})
    study.config = study.config.model_copy(update={"teacher": teacher})
    own, other = (stages._fresh(study, parse_cell(name)) for name in (TEACHER, "resnet34-a0.1-s0"))
    want = load_model(weights)[0].state_dict()
    assert torch.equal(own.state_dict()["fc.weight"], want["fc.weight"])
    assert not torch.equal(other.state_dict()["fc.weight"], want["fc.weight"])


def test_a_network_of_other_classes_is_one_sentence(ran_copy: Study) -> None:
    model, header = load_model(ran_copy.path("models", STUDENT))
    header = type(header)(**{**vars(header), "classes": ("a", "b", "c"), "alpha": None})
    save_model(ran_copy.path("models", "mine"), model, header)
    with pytest.raises(UserError, match=r"mine\.safetensors knows other classes"):
        stages.predict_cell(ran_copy.folder, "mine", "cpu", quiet)


def test_a_damaged_teacher_is_not_learned_from(ran_copy: Study) -> None:
    path = ran_copy.path("models", TEACHER)
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    write_bytes(path, bytes(content))
    wanted = keys(ran_copy)
    with pytest.raises(UserError, match="damaged"):
        stages.train_cells(ran_copy.folder, [STUDENT], {STUDENT: wanted[f"models/{STUDENT}.safetensors"]}, "cpu", quiet)
