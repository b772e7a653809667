"""Costs beside published numbers, closed forms, files on disk, and a clock that is known."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import core.torchvision_shim  # noqa: F401
from core import costs as costing
from core.cells import Cell
from core.costs import costs, file_size, latency, macs, parameters
from core.header import Header
from core.models import build, save_model
from core.study import Study

# The shim must run before torchvision is imported.
import torchvision.models as tv  # isort: skip

PUBLISHED = {"resnet18": 1.81, "resnet34": 3.66, "resnet50": 4.09, "resnet101": 7.80}
"""GMACs at 224 px (FIELD.md)."""
OTHERS = ["alexnet", "mobilenet_v2", "efficientnet_b0", "resnext50_32x4d", "vit_b_32", "swin_t"]
"""Plain, depthwise, scaled, grouped, and with attention."""


def full(architecture: str) -> nn.Module:
    with torch.device("meta"):
        return build(architecture, 1000).eval()


@pytest.mark.parametrize("architecture", PUBLISHED)
def test_multiply_accumulates_are_the_published_ones(architecture: str) -> None:
    assert macs(full(architecture), 224) / 1e9 == pytest.approx(PUBLISHED[architecture], abs=0.006)


@pytest.mark.parametrize("architecture", [*PUBLISHED, *OTHERS])
def test_costs_at_full_width_are_those_that_torchvision_states(architecture: str) -> None:
    stated = tv.get_model_weights(architecture).DEFAULT.meta
    assert macs(full(architecture), 224) / 1e9 == pytest.approx(stated["_ops"], abs=0.001)
    assert parameters(full(architecture)) == stated["num_params"]


def small() -> nn.Module:
    layers = [
        nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),  # 16 × 16
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 12, 5, groups=4),  # 12 × 12
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 7),
    ]
    return nn.Sequential(*layers).eval()


def test_costs_of_a_small_network_in_closed_form() -> None:
    first, second, last = 16 * 16 * 8 * 3 * 9, 12 * 12 * 12 * (8 // 4) * 25, 12 * 7
    assert macs(small(), 32) == first + second + last
    assert parameters(small()) == 8 * 3 * 9 + 2 * 8 + 12 * 2 * 25 + 12 + 12 * 7 + 7


def test_multiply_accumulates_grow_with_the_area_and_leave_the_network_as_it_was() -> None:
    model = build("resnet18", 3, 0.0625, "small").eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    head = 3 * 32
    assert macs(model, 64) - head == 4 * (macs(model, 32) - head)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("architecture", ["resnet18", "resnet101"])
def test_the_size_is_that_of_the_file_but_for_what_it_says_of_itself(architecture: str, tmp_path: Path) -> None:
    model = build(architecture, 12, 0.11, "small")
    path = tmp_path / "x.safetensors"
    names = tuple(f"a bird of kind {i}" for i in range(12))
    save_model(path, model, Header(architecture, 0.11, "small", names, 64, (0.5,) * 3, (0.2,) * 3, 0.1, 0, "f" * 64))
    assert 0 < path.stat().st_size - file_size(model) < 1000
    weights = sum(value.numel() * (2 if value.is_floating_point() else 8) for value in model.state_dict().values())
    assert weights < file_size(model) < 1.1 * weights


class Clocked(nn.Module):
    """Takes a known time by a clock of its own."""

    def __init__(self, name: str, seconds: list[float], log: list[str]) -> None:
        super().__init__()
        self.name, self.seconds, self.log, self.threads = name, seconds, log, set[int]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape == (1, 3, 32, 32)
        assert torch.is_inference_mode_enabled()
        self.threads.add(torch.get_num_threads())
        self.log.append(self.name)
        now[0] += self.seconds[min(self.log.count(self.name), len(self.seconds)) - 1]
        return x


now = [0.0]


@pytest.fixture
def log() -> Iterator[list[str]]:
    now[0] = 0.0
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield []
    torch.set_num_threads(threads)


def test_networks_are_timed_in_turns_after_a_pass_that_is_not(log: list[str]) -> None:
    # The first passes are slow, and so is every one that is not timed.
    models = {
        name: Clocked(name, [9.0] * 3 + [0.5, ms / 1000] * 10, log) for name, ms in (("a", 2), ("b", 5), ("c", 7))
    }
    told: list[float] = []
    times = latency(models, 32, "cpu", rounds=10, report=told.append, clock=lambda: now[0])
    assert {name: pytest.approx(each) for name, each in times.items()} == {"a": [2] * 10, "b": [5] * 10, "c": [7] * 10}
    assert log[:9] == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    turns = [log[9 + i : 15 + i] for i in range(0, 60, 6)]
    assert all(sorted(turn) == ["a", "a", "b", "b", "c", "c"] and turn[::2] == turn[1::2] for turn in turns)
    assert len({tuple(turn) for turn in turns}) > 1, "in another order every round"
    assert all(model.threads == {1} for model in models.values())
    assert torch.get_num_threads() == 2, "put back"
    assert told == pytest.approx(np.arange(1, 11) / 10)


def test_what_takes_long_is_timed_less_often_and_alike(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costing.time, "monotonic", lambda: now[0])
    models = {"fast": Clocked("fast", [0.1], log), "slow": Clocked("slow", [4.0], log)}
    times = latency(models, 32, "cpu", clock=lambda: now[0])
    assert {len(each) for each in times.values()} == {costing.LEAST_ROUNDS}


def test_what_other_programs_take_is_not_in_it() -> None:
    class Waits(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.05)
            return x

    assert latency({"waits": Waits()}, 32, "cpu", rounds=5)["waits"].min() < 50
    assert costing._clock("cuda") is time.perf_counter


def test_every_architecture_and_every_imported_network_has_each_cost(
    ran: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Cell("resnet18", None, None, "mine")
    monkeypatch.setattr(ran, "cells", [*ran.cells, mine], raising=False)
    whole = ran.header
    header = Header("resnet18", 0.125, "small", ("a", "b", "c"), 32, (0.5,) * 3, (0.2,) * 3)
    monkeypatch.setattr(ran, "header", lambda cell: header if cell == mine else whole(cell))
    monkeypatch.setattr(costing, "ROUNDS", 5)
    told: list[float] = []
    state = torch.get_rng_state()
    table = costs(ran, "cpu", lambda share, word: told.append(share))
    assert torch.equal(torch.get_rng_state(), state)
    assert list(table.columns) == costing.COLUMNS
    assert told == sorted(told)
    assert told[-1] == 1
    wide = table.pivot(index=["cell", "architecture"], columns="measure", values="estimate")
    assert set(wide.index) == {("", "resnet34"), ("", "resnet18"), ("mine", "resnet18")}
    assert set(wide.columns) == {"parameters", "macs", "file_size", "latency_cpu"}
    for (name, architecture), row in wide.iterrows():
        model = build(architecture, 3, 0.125 if name else 0.0625, "small").eval()
        assert row["parameters"] == parameters(model)
        assert row["macs"] == macs(model, 32)
        assert row["file_size"] == file_size(model)
    timed = table[table["measure"] == "latency_cpu"]
    assert (timed["low"] <= timed["estimate"]).all()
    assert (timed["estimate"] <= timed["high"]).all()
    assert (timed["low"] > 0).all()
    exact = table[table["measure"] != "latency_cpu"]
    assert (exact["low"] == exact["high"]).all()
    assert (exact["n"] == 1).all()


def test_on_a_gpu_networks_are_timed_there_too(ran: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def timed(models: dict[str, nn.Module], size: int, device: str, report: object) -> dict[str, np.ndarray]:
        asked.append(device)
        return {name: np.array([1.0, 2.0, 4.0]) for name in models}

    monkeypatch.setattr(costing, "latency", timed)
    table = costs(ran, "cuda").set_index("measure").query("architecture == 'resnet18'")
    assert asked == ["cpu", "cuda"]
    assert table.loc["latency_cuda", ["estimate", "low", "high", "n"]].to_list() == [2, 1.5, 3, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_waited_for() -> None:
    times = latency({"small": small()}, 32, "cuda", rounds=5)
    assert (times["small"] > 0).all()


def test_a_run_leaves_what_its_networks_cost(ran: Study) -> None:
    table = ran.costs()
    assert list(table.columns) == costing.COLUMNS
    rows = table[table["measure"] == "parameters"].set_index("architecture")["estimate"]
    assert rows.to_dict() == {cell.architecture: parameters(ran.model(cell)) for cell in ran.cells}
