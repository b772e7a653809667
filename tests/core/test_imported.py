import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from core import imported
from core.cells import Cell
from core.errors import UserError
from core.header import read_header
from core.imported import add_model
from core.models import build
from core.study import Study
from core.weights import read_weights
from tests.hostile import weights as hostile

SLIM = {"width": 0.0625, "stem": "small"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    path = tmp_path / "own.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in build("resnet18", 3, **SLIM).state_dict().items()}}, path)
    return path


def test_a_checkpoint_becomes_a_cell(ran_copy: Study, weights: Path) -> None:
    cell = add_model(ran_copy, "mine-1.0_b", "resnet18", weights, **SLIM)
    assert cell == Cell("resnet18", None, None, "mine-1.0_b")
    path = ran_copy.path("models", cell)
    own, teacher = read_header(path), ran_copy.header(ran_copy.teacher)
    assert (own.classes, own.mean, own.std, own.image_size) == (
        teacher.classes,
        teacher.mean,
        teacher.std,
        teacher.image_size,
    )
    assert (own.alpha, own.seed, own.teacher, own.width, own.stem) == (None, None, None, 0.0625, "small")
    given = read_weights(weights)
    for key, value in read_weights(path).items():
        assert torch.equal(value, given[key].half() if given[key].is_floating_point() else given[key])
    study = Study(ran_copy.folder)
    assert study.cells[-1] == cell
    assert study.model(cell)(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


def test_another_architecture_than_the_grids(ran_copy: Study, tmp_path: Path) -> None:
    torch.save(build("squeezenet1_1", 3).state_dict(), tmp_path / "s.pth")
    add_model(ran_copy, "squeeze", "squeezenet1_1", tmp_path / "s.pth", 1.0, "imagenet")
    assert Study(ran_copy.folder).cell("squeeze").architecture == "squeezenet1_1"


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", ".hidden", "a b", "-x", "ü", "x" * 65, "a\nb"])
def test_a_name_must_be_fit_for_a_file(name: str, ran_copy: Study, weights: Path) -> None:
    before = sorted(ran_copy.folder.rglob("*"))
    with pytest.raises(UserError, match="cannot be a cell's name"):
        add_model(ran_copy, name, "resnet18", weights, **SLIM)
    assert sorted(ran_copy.folder.rglob("*")) == before


def test_what_does_not_fit_is_one_sentence_and_leaves_nothing(ran_copy: Study, weights: Path, tmp_path: Path) -> None:
    before = sorted(ran_copy.folder.rglob("*"))
    torch.save(build("resnet18", 7, **SLIM).state_dict(), tmp_path / "seven.pth")
    wrong = [
        ("resnet18-a0.1-s0", "resnet18", weights, "name of a cell of the grid"),
        ("mine", "resnet34", weights, r"own\.pth do not fit"),
        ("mine", "resnet19", weights, "Did you mean"),
        ("mine", "resnet18", tmp_path / "none.pth", "There is no file"),
        ("mine", "resnet18", tmp_path / "seven.pth", r"fc\.bias is \(7,\) where \(3,\) is needed"),
    ]
    for name, architecture, path, said in wrong:
        with pytest.raises(UserError, match=said) as caught:
            add_model(ran_copy, name, architecture, path, **SLIM)
        assert "\n" not in str(caught.value)
    assert sorted(ran_copy.folder.rglob("*")) == before


def test_a_name_is_never_taken_twice(ran_copy: Study, weights: Path) -> None:
    add_model(ran_copy, "mine", "resnet18", weights, **SLIM)
    before = ran_copy.path("models", "mine").read_bytes()
    with pytest.raises(UserError, match="already"):
        add_model(ran_copy, "mine", "resnet18", weights, **SLIM)
    assert ran_copy.path("models", "mine").read_bytes() == before


def test_of_two_who_take_a_name_at_once_one_has_it(
    ran_copy: Study, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def late(folder: Path) -> Iterator[None]:
        ran_copy.path("models", "mine").write_bytes(b"the other's")
        yield

    monkeypatch.setattr(imported, "held", late)
    with pytest.raises(UserError, match="already"):
        add_model(ran_copy, "mine", "resnet18", weights, **SLIM)
    assert ran_copy.path("models", "mine").read_bytes() == b"the other's"


def test_a_study_without_a_teacher_cannot_take_one_in(ran_copy: Study, weights: Path) -> None:
    ran_copy.path("models", ran_copy.teacher).unlink()
    with pytest.raises(UserError, match=r"no file .*resnet34-a1\.0-s0"):
        add_model(ran_copy, "mine", "resnet18", weights, **SLIM)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_hostile_files_are_one_sentence_and_leave_nothing(ran_copy: Study, tmp_path: Path) -> None:
    before = sorted(ran_copy.folder.rglob("*"))
    good = build("resnet18", 3, **SLIM).state_dict()
    files = {f"{name}.pth": data for name, data in hostile.torchs(good).items()}
    files |= {f"{name}.safetensors": data for name, data in hostile.safetensorses().items()}
    path_of = {name: tmp_path / f"weights{Path(name).suffix}" for name in files}
    said, peak = {}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in files.items():
        path_of[name].write_bytes(data)
        with pytest.raises(UserError) as caught:
            add_model(ran_copy, "mine", "resnet18", path_of[name], **SLIM)
        said[name] = str(caught.value)
    assert len(said) > 50
    assert {name: text for name, text in said.items() if not text.isprintable() or len(text) > 300} == {}
    assert "neither .safetensors nor .pth" in said["photo.pth"], "which runs nothing"
    assert "could run code" in said["pickle that runs.pth"]
    assert "could run code" in said["archive that runs.pth"]
    assert "half precision" in said["infinite in half precision.pth"]
    assert "of whole numbers where (3, 32) is needed" in said["whole numbers.pth"]
    if sys.platform == "linux":  # which bounds it; 2 GB were asked for
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 800_000
    assert sorted(ran_copy.folder.rglob("*")) == before
