"""What a study is made of, what each file depends on, and an order in which to make it."""

from pathlib import Path
from typing import Any

import pytest

from core.cells import Cell, grid, untrained_cells
from core.config import Config
from core.run.plan import COST, Task, _spread, plan
from core.run.recipe import VERSIONS, keys
from core.study import Study
from tests.tiny import tiny_config, write_toml


def study(folder: Path, **sections: Any) -> Study:
    write_toml(folder / "study.toml", tiny_config(**sections))
    return Study(folder)


def changed(folder: Path, **sections: Any) -> set[str]:
    """Files that a change of the settings makes stale, with those that it adds."""
    before, after = keys(study(folder / "a")), keys(study(folder / "b", **sections))
    return {name for name in after if after[name] != before.get(name)}


def of(*kinds: str, cells: list[str] | None = None) -> set[str]:
    """Files of some kinds; what is made together goes together."""
    found = set()
    for cell in cells or [cell.name for cell in (*grid(tiny_config()), *untrained_cells(tiny_config()))]:
        for kind in kinds:
            if kind == "maps":
                found |= {f"maps/{method}/{cell}.safetensors" for method in ("saliency", "integrated_gradients")}
            elif kind not in ("models", "history") or "random" not in cell:
                if (kind, cell) == ("importance", "resnet34-a1.0-s0"):
                    found.add(f"relevance/{cell}.safetensors")
                if kind == "measures":
                    found.add(f"parts/{cell}.parquet")
                suffix = "safetensors" if kind in ("models", "logits") else "parquet"
                found.add(f"{kind}/{cell}.{suffix}")
    return found


EVERY = ("models", "history", "logits", "importance", "maps", "measures")
DISTILLED = ["resnet34-a0.1-s0", "resnet18-a0.1-s0"]
EXPLAINED = of("importance", "maps", "measures") | {"summary.parquet"}


def test_a_complete_study(tmp_path: Path) -> None:
    found = keys(study(tmp_path))
    assert set(found) == of(*EVERY) | {"images.parquet", "costs.parquet", "summary.parquet"}
    assert keys(study(tmp_path)) == found, "the same every time"


@pytest.mark.parametrize(
    ("sections", "stale"),
    [
        ({"description": "other words"}, set()),
        ({"name": "other"}, set()),
        ({"training": {"validate_every": 1}}, set()),
        ({"training": {"replay": True}}, set()),
        ({"training": {"processes": 1}}, set()),
        ({"training": {"processes": 2}}, of(*EVERY) | {"summary.parquet"}),
        ({"measure": {"top_k": 3}}, of("measures") | {"summary.parquet"}),
        ({"explain": {"budget": 25}}, EXPLAINED),
        ({"explain": {"baseline": "black"}}, EXPLAINED),
        ({"explain": {"score": "probability"}}, EXPLAINED),
        ({"explain": {"target": "label"}}, EXPLAINED),
        ({"explain": {"images": 9}}, EXPLAINED | {"images.parquet"}),
        ({"keep": {"map_size": 8}}, of("maps")),
        ({"keep": {"maps": 5}}, of("maps") | {"images.parquet"}),
        ({"training": {"epochs": 5}}, of(*EVERY) | {"summary.parquet"}),
        ({"training": {"learning_rate": 0.1}}, of(*EVERY) | {"summary.parquet"}),
        ({"training": {"precision": "fp32"}}, of(*EVERY) | {"summary.parquet"}),
        ({"students": {"width": 0.125}}, of(*EVERY) | {"costs.parquet", "summary.parquet"}),
        ({"students": {"stem": "imagenet"}}, of(*EVERY) | {"costs.parquet", "summary.parquet"}),
        ({"data": {"image_size": 64}}, of(*EVERY) | {"images.parquet", "costs.parquet", "summary.parquet"}),
        ({"data": {"classes": 4}}, of(*EVERY) | {"images.parquet", "costs.parquet", "summary.parquet"}),
        ({"training": {"temperature": 2.0}}, of(*EVERY, cells=DISTILLED) | {"summary.parquet"}),
        ({"training": {"explanation_weight": 0.0}}, set()),
        (
            {"students": {"explanation_weights": [0.0, 2.0]}},
            of(*EVERY, cells=["resnet34-a0.1-e2.0-s0", "resnet18-a0.1-e2.0-s0"]) | {"summary.parquet"},
        ),
        ({"data": {"difficulty": 0.5}}, of(*EVERY) | {"images.parquet", "summary.parquet"}),
        ({"data": {"test_images": 30}}, of(*EVERY) | {"images.parquet", "summary.parquet"}),
        (
            {"students": {"alphas": [1.0, 0.1, 0.5]}},
            of(*EVERY, cells=["resnet34-a0.5-s0", "resnet18-a0.5-s0"]) | {"summary.parquet"},
        ),
        (
            {"students": {"architectures": ["resnet34", "resnet18", "resnet50"]}},
            of(*EVERY, cells=["resnet50-a1.0-s0", "resnet50-a0.1-s0", "resnet50-random-s0"])
            | {"costs.parquet", "summary.parquet"},
        ),
        ({"students": {"alphas": [1.0]}}, {"summary.parquet"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_change_makes_stale_what_depends_on_it(sections: dict[str, Any], stale: set[str], tmp_path: Path) -> None:
    assert changed(tmp_path, **sections) == stale


def test_another_teacher_makes_its_pupils_stale_and_leaves_the_rest_trained(tmp_path: Path) -> None:
    stale = changed(tmp_path, teacher={"architecture": "resnet18"})
    trained = {name for name in stale if name.startswith("models/")}
    assert trained == of("models", cells=DISTILLED)
    assert of("measures") <= stale


def test_more_seeds_leave_what_is_there(tmp_path: Path) -> None:
    stale = changed(tmp_path, students={"seeds": [0, 1]})
    assert not [name for name in stale if "-s0" in name]
    assert "costs.parquet" not in stale
    assert len([name for name in stale if name.startswith("models/")]) == 4


@pytest.mark.parametrize("station", VERSIONS)
def test_a_station_of_a_new_version_is_run_again(station: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(study(tmp_path))
    monkeypatch.setitem(VERSIONS, station, 99)
    after = keys(study(tmp_path))
    stale = {name for name in after if after[name] != before[name]}
    want = {
        "images": {"images.parquet"},
        "train": of(*EVERY) | {"summary.parquet"},
        "predict": of("logits", "importance", "maps", "measures") | {"summary.parquet"},
        "explain": EXPLAINED,
        "measure": of("measures") | {"summary.parquet"},
        "costs": {"costs.parquet", "summary.parquet"},
        "conclude": {"summary.parquet"},
    }
    assert stale == want[station]


def test_initial_weights_count_by_content_not_by_name(tmp_path: Path) -> None:
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"one")
    before = keys(study(tmp_path, students={"weights": str(weights)}))
    other = tmp_path / "elsewhere.pth"
    other.write_bytes(b"one")
    assert keys(study(tmp_path, students={"weights": str(other)})) == before
    weights.write_bytes(b"two")
    after = keys(study(tmp_path, students={"weights": str(weights)}))
    stale = {name for name in after if after[name] != before[name]}
    assert "models/resnet18-a1.0-s0.safetensors" in stale
    assert "models/resnet34-a1.0-s0.safetensors" not in stale, "the teacher's are its own"


def runnable(tasks: list[Task], missing: set[str]) -> None:
    """Whatever is needed is there or was made before, and everything missing is made once."""
    made: list[str] = []
    for task in tasks:
        for need in task.needs:
            assert need in made or need not in missing, (task.name, need)
        made += task.gives
    assert len(made) == len(set(made))
    assert missing <= set(made)
    assert all(task.cost > 0 for task in tasks)
    assert len({task.name for task in tasks}) == len(tasks)


@pytest.mark.parametrize("workers", [1, 2, 16])
@pytest.mark.parametrize("seeds", [[0], [2, 0, 1]])
def test_all_of_a_study_in_an_order_that_works(workers: int, seeds: list[int], tmp_path: Path) -> None:
    whole = study(tmp_path, students={"seeds": seeds, "alphas": [1.0, 0.5, 0.1]})
    wanted = keys(whole)
    tasks = plan(whole, wanted, set(wanted), "cpu", workers)
    runnable(tasks, set(wanted))
    groups = [task.args[0] for task in tasks if task.name.startswith("train")]
    assert sorted(name for group in groups for name in group) == sorted(cell.name for cell in grid(whole.config))
    assert groups[0] == (f"resnet34-a1.0-s{seeds[0]}",), "the teacher has a task of its own, and comes first"
    for group in groups:
        assert len({name.rpartition("-s")[2] for name in group}) == 1, "a group has one seed: one order, one view"
    taught = [group for group in groups if any("-a1.0" not in name for name in group)]
    assert all("-a1.0" not in name for group in taught for name in group), "who needs no teacher does not wait for it"
    # Two seeds or more keep two workers busy, and every group costs a pass of the teacher.
    assert len(taught) == len(seeds) * min(max(1, workers // len(seeds)), 4)


def test_many_images_are_explained_in_ranges(tmp_path: Path) -> None:
    whole = study(tmp_path, data={"test_images": 1200}, explain={"images": 1100})
    wanted = keys(whole)
    tasks = plan(whole, wanted, set(wanted), "cpu", 2)
    runnable(tasks, set(wanted))
    cell = "resnet18-a0.1-s0"
    ranges = [task for task in tasks if task.name.startswith(f"explain {cell}")]
    assert [task.name for task in ranges] == [
        f"explain {cell}, images {some}" for some in ("1 to 512", "513 to 1024", "1025 to 1100")
    ]
    (joined,) = (task for task in tasks if task.name == f"join maps of {cell}")
    assert set(joined.needs) == {"images.parquet", *(name for task in ranges for name in task.gives)}
    assert not {name for task in ranges for name in task.gives} & set(wanted), "no files of the study"
    assert set(joined.gives) == of("importance", "maps", cells=[cell])


def test_nothing_missing_is_nothing_to_do(tmp_path: Path) -> None:
    whole = study(tmp_path)
    assert plan(whole, keys(whole), set(), "cpu", 2) == []


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    whole = study(tmp_path)
    wanted = keys(whole)

    def names(*missing: str) -> list[str]:
        tasks = plan(whole, wanted, set(missing), "cpu", 2)
        runnable(tasks, set(missing))
        return [task.name for task in tasks]

    cell = "resnet18-a0.1-s0"
    assert names("summary.parquet") == ["conclude"]
    assert names("costs.parquet", "summary.parquet") == ["time networks", "conclude"]
    assert names(f"logits/{cell}.safetensors") == ["read images", f"predict {cell}"]
    assert names(f"history/{cell}.parquet") == ["read images", f"train {cell}"]
    assert names(f"maps/saliency/{cell}.safetensors") == ["read images", f"explain {cell}"]
    assert names(f"parts/{cell}.parquet")[-1] == f"measure {cell}"
    assert names("measures/resnet34-a1.0-s0.parquet")[-1] == "measure resnet34-a1.0-s0"


def test_an_imported_network_is_measured_and_never_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = study(tmp_path)
    before = keys(whole)
    mine = Cell("resnet18", None, None, "mine")
    monkeypatch.setattr(whole, "cells", [*whole.cells, mine])
    header = {"digest": "one", "architecture": "resnet18", "width": 0.5, "stem": "small"}
    monkeypatch.setattr(whole, "header", lambda cell: type("Header", (), dict(header)))
    wanted = keys(whole)
    new = {name for name in wanted if wanted[name] != before.get(name)}
    measured = of("logits", "importance", "maps", "measures", cells=["mine"]) | {"summary.parquet"}
    assert new == measured | {"costs.parquet"}
    names = [task.name for task in plan(whole, wanted, new, "cpu", 2)]
    assert names == ["read images", "predict mine", "explain mine", "measure mine", "time networks", "conclude"]
    header["digest"] = "two"
    again = keys(whole)
    assert {name for name in again if again[name] != wanted[name]} == measured, "other weights are measured anew"
    header["width"] = 1.0
    assert keys(whole)["costs.parquet"] != again["costs.parquet"]


@pytest.mark.parametrize("workers", [1, 4])
def test_networks_are_timed_when_nothing_else_is_left_to_run(workers: int, tmp_path: Path) -> None:
    whole = study(tmp_path)
    wanted = keys(whole)
    tasks = {task.name: task for task in plan(whole, wanted, set(wanted), "cpu", workers)}
    timed = tasks["time networks"]
    made_before = set(timed.needs)
    while (
        more := {need for task in tasks.values() if made_before & set(task.gives) for need in task.needs} - made_before
    ):
        made_before |= more
    others = {name for name, task in tasks.items() if not made_before & set(task.gives)}
    assert others == {"time networks", "conclude"}
    assert "costs.parquet" in tasks["conclude"].needs


def test_groups_are_of_like_cost() -> None:
    names = ["resnet101", "resnet50", "resnet34", "resnet18"]
    cells = [Cell(name, alpha, 0) for name in names for alpha in (0.5, 0.1)]
    loads = [sum(COST[cell.architecture] for cell in group) for group in _spread(cells, 2)]
    assert loads[0] == pytest.approx(loads[1])
    assert sorted(cell for group in _spread(cells, 3) for cell in group) == sorted(cells)
    assert [len(group) for group in _spread(cells[:2], 5)] == [1, 1]
    assert _spread([Cell("vgg11", 0.1, 0)], 2) == [[Cell("vgg11", 0.1, 0)]], "an architecture without a known cost"


def test_the_largest_preset_is_planned(tmp_path: Path) -> None:
    config = Config(name="whole")
    write_toml(tmp_path / "study.toml", config)
    whole = Study(tmp_path)
    wanted = keys(whole)
    runnable(plan(whole, wanted, set(wanted), "cuda", 1), set(wanted))
