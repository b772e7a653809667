"""The bench of training: every way learns the same, each is timed as often, and the bound follows from its pieces."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from core.bench import distill
from core.cells import parse_cell
from core.store import read_json
from tests.tiny import tiny_config

CPU = torch.device("cpu")
CELLS = [parse_cell(name) for name in ("resnet34-a0.1-s0", "resnet18-a0.1-s0")]


def trained(way: str) -> list[torch.Tensor]:
    torch.manual_seed(0)
    subject = distill.Subject(tiny_config(), CELLS, CPU, plain=False)
    getattr(subject, way)(1)
    return [tensor for student in subject.students for tensor in student.model.state_dict().values()]


def test_students_learn_the_same_one_at_a_time_and_together() -> None:
    assert all(torch.equal(a, b) for a, b in zip(trained("separate"), trained("shared"), strict=True))


def test_photos_are_read_anew_from_their_files() -> None:
    files = distill.Files(list(distill.drawn(3)), 16)
    photos = files[np.array([2, 0])]
    assert (photos.shape, photos.dtype) == ((2, 16, 16, 3), np.uint8)
    assert np.array_equal(photos[1], files[np.array([0])][0])
    assert not np.array_equal(photos[0], photos[1])


def test_the_photos_of_a_data_set_are_its_own_files(tmp_path: Path) -> None:
    for name, count in (("auk", 9), ("jay", 10)):
        for number, file in enumerate(distill.drawn(count)):
            path = tmp_path / name / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file + name.encode())
    config = tiny_config(data={"dataset": "folder", "root": str(tmp_path)})
    there = {path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    few, many = distill.photos(config, 2), distill.photos(config, 50)
    assert (len(few), len(many)) == (2, 50), "over and over where there are fewer"
    assert set(few) < set(many) < there, "those to learn from"


def test_everything_is_timed_in_every_round_and_told(tmp_path: Path) -> None:
    console = Console(record=True, width=160)
    distill.run(console, tiny_config(), 2, 1, tmp_path / "found.json")
    found = read_json(tmp_path / "found.json")
    assert found["students"] == [cell.name for cell in CELLS]
    assert set(found["steps"]) == {"resnet34", "resnet18"}
    timed = [*found["ways"].values(), found["load"], found["decode"], *found["teacher"].values()]
    timed += [times for each in found["steps"].values() for times in each.values()]
    assert all(len(times) == 2 and min(times) > 0 for times in timed)
    assert found["flops"] > 0
    said = console.export_text()
    assert all(label in said for label in ("ours, one student at a time", "resnet18", "the teacher's pass", "TFLOP/s"))
    json.dumps(found)


def test_the_bound_of_made_up_times() -> None:
    """Two students of 10 and 20 ms, a batch of 1 and an answer of 4: 40 one at a time, 35 shared, 31 replayed."""
    found = distill.Found("", "cpu", "", ["resnet34-a0.1-s0", "resnet18-a0.5-s0"], 8, {}, 1.0)
    found.load, found.teacher["ours"] = [1.0, 9.0, 1.0], [4.0]
    found.steps = {"resnet34": {"ours": [20.0]}, "resnet18": {"ours": [10.0]}}
    assert found.bound("shared") == pytest.approx(40 / 35)
    assert found.bound("replayed") == pytest.approx(40 / 31)
