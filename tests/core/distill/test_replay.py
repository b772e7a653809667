"""Answers that are kept are the teacher's own, and what is not is refused in a sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.config import Training
from core.distill import Learner, TrainingData, train
from core.distill.batches import Batches
from core.distill.replay import Replay
from core.distill.train import predict
from core.models import build, network_digest

EPOCHS, STEPS = 2, 3
RECIPE = Training(epochs=EPOCHS, batch_size=8, precision="fp32", replay=True)


class Teacher(nn.Module):
    """A network that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.body = build("resnet18", 3, 0.0625, "small")
        self.asked = 0
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return self.body(x)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (26, 32, 32, 3), np.uint8), np.arange(26) % 3  # two are left over
    return TrainingData(images, labels, np.arange(100, 126), images[:4], labels[:4], (0.5,) * 3, (0.3,) * 3)


@pytest.fixture(scope="module")
def kept(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[torch.Tensor]]:
    """Answers of two epochs, and the student that learned from them as they were given. Read only."""
    folder, teacher = tmp_path_factory.mktemp("replay"), Teacher()
    student, notes = taught(teacher, data, folder / "s3")
    assert (teacher.asked, notes) == (EPOCHS * STEPS, [])
    return folder / "s3", student


def taught(
    teacher: Teacher, data: TrainingData, folder: Path, key: str = "key"
) -> tuple[list[torch.Tensor], list[str]]:
    torch.manual_seed(0)
    model, notes = build("resnet18", 3, 0.0625, "small"), list[str]()
    learner = Learner("s", model, 0.1, "", folder.with_name(f"{folder.name}.state"), RECIPE)
    replay = Replay(folder, key, notes.append)
    train([learner], teacher, data, RECIPE, 3, torch.device("cpu"), lambda each: None, replay=replay)
    learner.state_path.unlink()
    return list(model.state_dict().values()), notes


def test_one_who_learns_later_learns_the_same_and_asks_once_an_epoch(
    data: TrainingData, kept: tuple[Path, list[torch.Tensor]], tmp_path: Path
) -> None:
    shutil.copytree(kept[0], tmp_path / "s3")
    teacher = Teacher()
    student, notes = taught(teacher, data, tmp_path / "s3")
    assert (teacher.asked, notes) == (EPOCHS, [])
    assert all(torch.equal(a, b) for a, b in zip(student, kept[1], strict=True))
    logits = load_file(tmp_path / "s3" / "00001.safetensors")["logits"]
    assert logits.shape == (26, 3)
    assert int(logits.isnan().any(1).sum()) == 2, "the images that this epoch left over"


def test_what_ran_out_of_memory_and_went_back_is_not_kept_half(
    data: TrainingData, kept: tuple[Path, list[torch.Tensor]], tmp_path: Path
) -> None:
    """A batch that is asked twice is not two: else an epoch is kept with holes, from which the next student learns."""
    batches = Batches(data, RECIPE, 3, torch.device("cpu"), torch.contiguous_format, False)
    teacher, notes = Teacher(), list[str]()
    replay = Replay(tmp_path / "s3", "key", notes.append)

    def ask(step: int) -> None:
        replay.answer(batches, 0, step, lambda: predict(teacher, batches.at(0, step)[0], torch.float32))

    for step in (0, 0, 1):
        ask(step)
    assert not replay.folder.exists()
    ask(2)
    assert notes == []
    kept_whole = load_file(kept[0] / "00001.safetensors")["logits"]
    found = load_file(replay.folder / "00001.safetensors")["logits"]
    torch.testing.assert_close(found, kept_whole, rtol=0, atol=0, equal_nan=True)


def stale(path: Path) -> str:
    return "of another teacher, recipe or machine"


def damaged(path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)
    return "damaged"


def cut(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:50])
    return "damaged"


def wrong(path: Path) -> str:
    """As a faulty program would have kept them: whole, but not what the teacher says."""
    tensors = {"logits": load_file(path)["logits"] + 1}
    save_file(tensors, path, {"key": "key", "digest": network_digest(tensors)})
    return "not what it says now"


@pytest.mark.parametrize("harm", [stale, damaged, cut, wrong])
def test_what_is_not_the_teachers_is_refused_and_asked_again(
    harm: Callable[[Path], str], data: TrainingData, kept: tuple[Path, list[torch.Tensor]], tmp_path: Path
) -> None:
    shutil.copytree(kept[0], tmp_path / "s3")
    said = harm(tmp_path / "s3" / "00001.safetensors")
    key = "another" if harm is stale else "key"
    teacher = Teacher()
    student, notes = taught(teacher, data, tmp_path / "s3", key)
    assert all(torch.equal(a, b) for a, b in zip(student, kept[1], strict=True))
    assert len(notes) == 1
    assert notes[0].endswith(f"{said}; the teacher is asked again.")
    assert teacher.asked == (2 * STEPS if harm is stale else STEPS + 1)
    again = Teacher()
    student, notes = taught(again, data, tmp_path / "s3", key)
    assert notes == []
    assert again.asked == (STEPS + 1 if harm is wrong else EPOCHS), "found wrong in its middle, an epoch is not kept"
