"""Cells trained by two processes of this machine: what befalls one of them, and what is left on disk."""

import os
import shutil
import signal
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch

from core import train_together as module
from core.errors import UserError
from core.models import load_model
from core.run.local import _call
from core.run.plan import Task
from core.stages import train_cells
from core.store import read_table
from core.study import Study
from core.train_together import GONE, train_together
from tests.forks import forks

TAUGHT = ("resnet34-a0.1-s0", "resnet18-a0.1-s0")
KEYS = dict.fromkeys(TAUGHT, "a key")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that have imported everything."""
    monkeypatch.setattr(module, "get_context", lambda way: forks())


def made(study: Study) -> dict[str, bytes]:
    """The bytes of the students' networks, which are then removed with all state of their training."""
    shutil.rmtree(study.folder / "state", ignore_errors=True)
    found = {name: study.path("models", name).read_bytes() for name in TAUGHT}
    for name in TAUGHT:
        study.path("models", name).unlink()
    return found


def heard(share: float | None, word: str) -> None:
    assert word


def test_a_killed_process_is_one_sentence_and_the_same_call_goes_on_to_the_same_bits(
    ran_copy: Study, quick: None
) -> None:
    alone = {name: load_model(ran_copy.path("models", name))[0].state_dict() for name in TAUGHT}
    before = ran_copy.path("history", TAUGHT[0]).read_bytes()
    written = train_together(2, ran_copy.folder, TAUGHT, KEYS, "cpu", heard)
    assert sorted(written) == sorted(ran_copy.path(kind, name) for kind in ("models", "history") for name in TAUGHT)
    assert ran_copy.path("history", TAUGHT[0]).read_bytes() != before, "it was written anew"
    assert len(read_table(ran_copy.path("history", TAUGHT[0]))) == 4
    for name in TAUGHT:
        found = load_model(ran_copy.path("models", name))[0].state_dict()
        off = max((found[k] - v).abs().max().item() for k, v in alone[name].items())
        assert off < 0.2, "what one process makes of it, but for what rounding grows to in 12 steps"
    undisturbed = made(ran_copy)

    told = 0

    def kill(share: float | None, word: str) -> None:
        nonlocal told
        told += 1
        if told == 3:  # of two students, the second epoch of one
            (second,) = (each for each in active_children() if each.name == "rank 1")
            os.kill(second.pid or 0, signal.SIGKILL)

    with pytest.raises(UserError) as error:
        train_together(2, ran_copy.folder, TAUGHT, KEYS, "cpu", kill)
    assert str(error.value) == GONE
    assert not active_children(), "none is left"
    assert not any(ran_copy.path("models", name).exists() for name in TAUGHT)
    assert len(list((ran_copy.folder / "state").glob("*.safetensors"))) == 2
    shares: list[float] = []
    train_together(2, ran_copy.folder, TAUGHT, KEYS, "cpu", lambda share, word: shares.append(share or 0))
    assert shares[0] > 3 / 8, "it goes on where it was"
    assert made(ran_copy) == undisturbed


def test_what_is_wrong_is_said_once_by_whoever_knows_it(ran_copy: Study, quick: None) -> None:
    teacher = ran_copy.path("models", ran_copy.teacher)
    teacher.write_bytes(teacher.read_bytes()[:-100])
    task = Task("train", train_cells, (TAUGHT, KEYS, "cpu"), (), (), 1.0, devices=2)
    with pytest.raises(UserError, match=r"resnet34-a1\.0-s0\.safetensors .*damaged"):
        _call(task, ran_copy.folder, None)
    assert not active_children()


def test_more_processes_than_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match="processes is 2, but there are 1 GPUs here"):
        train_together(2, tmp_path, TAUGHT, KEYS, "cuda", heard)
