"""Teachers that are no ResNet101 fresh from the seed: other architectures, and weights from a file."""

from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from core.config import Config
from core.errors import UserError
from core.models import build, load_model
from core.run.complete import run_study
from core.run.recipe import keys
from core.study import Study, cache_folder
from tests.tiny import tiny_config


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))


def brief(**sections: Any) -> Config:
    """One student of another architecture than the teacher, hardly trained and explained."""
    usual: dict[str, Any] = {
        "students": {"architectures": ["resnet18"]},
        "training": {"epochs": 1},
        "explain": {"images": 4, "budget": 9, "methods": ["saliency"]},
        "keep": {"maps": 2},
    }
    return tiny_config(**{name: {**usual.get(name, {}), **sections.get(name, {})} for name in {*usual, *sections}})


def weights(path: Path, classes: int, architecture: str = "resnet34") -> str:
    torch.manual_seed(1)
    save_file(build(architecture, classes, 0.0625, "small").state_dict(), path)
    return str(path)


def test_a_teacher_that_is_no_resnet_and_none_of_the_students(here: None) -> None:
    config = brief(
        teacher={"architecture": "mobilenet_v3_small"},
        students={"architectures": ["shufflenet_v2_x0_5"], "width": 1.0, "stem": "imagenet"},
    )
    study = run_study(config, device="cpu")
    assert study.complete()
    assert study.damaged() == []
    assert [cell.name for cell in study.cells] == [
        "mobilenet_v3_small-a1.0-s0",
        "shufflenet_v2_x0_5-a1.0-s0",
        "shufflenet_v2_x0_5-a0.1-s0",
    ]
    assert study.header("shufflenet_v2_x0_5-a0.1-s0").teacher == study.header(study.teacher).digest
    summary = study.summary()
    assert {"cell", "finding"} <= set(summary["kind"])
    assert set(summary.loc[summary["kind"] == "finding", "architecture"]) <= {"", "shufflenet_v2_x0_5"}


@pytest.mark.parametrize("classes", [3, 5])
def test_a_teacher_that_begins_from_a_file(here: None, tmp_path: Path, classes: int) -> None:
    path = weights(tmp_path / "teacher.safetensors", classes)
    told: list[str] = []
    config = brief(teacher={"weights": path}, training={"epochs": 1, "learning_rate": 1e-7})
    study = run_study(config, device="cpu", on_note=told.append)
    anew = f"{path} knows other than 3 classes, so the last layer of resnet34 begins anew."
    assert told == ([anew] if classes == 5 else [])
    model, _ = load_model(study.path("models", study.teacher))
    torch.manual_seed(1)
    want = build("resnet34", classes, 0.0625, "small")
    # A step so short leaves the network where it began, up to the half precision of its file.
    assert torch.allclose(model.conv1.weight, want.conv1.weight, atol=1e-3)
    assert classes == 5 or torch.allclose(model.fc.weight, want.fc.weight, atol=1e-3)
    before = keys(study)
    weights(tmp_path / "teacher.safetensors", classes, "resnet18")
    teacher = study.path("models", study.teacher).relative_to(study.folder).as_posix()
    assert keys(Study(study.folder))[teacher] != before[teacher], "another file, another teacher"


@pytest.mark.parametrize(
    ("section", "architecture", "says"),
    [("teacher", "resnet18", "weights of resnet34 do not fit"), ("students", "resnet34", "weights of resnet18 do not")],
)
def test_weights_that_do_not_fit_are_told_before_anything_is_written(
    tmp_path: Path, section: str, architecture: str, says: str
) -> None:
    path = weights(tmp_path / "other.safetensors", 3, architecture)
    with pytest.raises(UserError, match=says) as caught:
        run_study(brief(**{section: {"weights": path}}), device="cpu")
    assert "\n" not in str(caught.value)
    assert not (cache_folder() / "studies").exists()


def test_imagenet_weights_without_a_network_are_told_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    config = brief(teacher={"weights": "imagenet"}, students={"width": 1.0, "stem": "imagenet"})
    with pytest.raises(UserError, match=r"ImageNet weights of resnet34 could not be downloaded.*checkpoints, or give"):
        run_study(config, device="cpu")
    assert not (cache_folder() / "studies").exists()
