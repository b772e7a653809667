"""The parts of an estimate that can be worked out by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import stages
from core.config import Config, Data, Explain, Keep, Students, Teacher
from core.run.begin import begin
from core.run.expected import CELL_BYTES, IMAGE_BYTES, IMPORTANCE_BYTES, STUDY_BYTES, Expected, _bytes, _makespan, rough
from core.run.expected import _Timed as Timed
from core.run.plan import Task


def task(name: str, cost: float, needs: tuple[str, ...] = ()) -> Task:
    return Task(name, lambda *given: list[Path](), (), needs, (name,), cost)


def test_tasks_are_laid_side_by_side_as_a_run_would() -> None:
    tasks = [task("teacher", 5), task("a", 3, ("teacher",)), task("b", 2, ("teacher",)), task("alone", 4)]
    seconds = {"teacher": 5.0, "a": 3.0, "b": 2.0, "alone": 4.0}
    assert _makespan(tasks, seconds, 1) == 14
    assert _makespan(tasks, seconds, 2) == 8  # teacher | alone; then a | b
    assert _makespan(tasks, seconds, 9) == 8


def test_a_task_of_several_processes_waits_for_as_many_places_and_nothing_overtakes_it() -> None:
    tasks = [replace(task("teacher", 5), devices=2), task("a", 6), task("b", 4)]
    seconds = {"teacher": 5.0, "a": 6.0, "b": 4.0}
    assert _makespan(tasks, seconds, 2) == 15  # a alone, though b would fit; then the teacher; then b
    assert _makespan(tasks, seconds, 3) == 9  # a | teacher on two; then b
    assert _makespan(tasks, seconds, 1) == 15  # on one core, by two processes all the same


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "5 s"), (42, "40 s"), (95, "1 min 30 s"), (1860, "31 min"), (9000, "2.5 hours"), (400_000, "5 days")],
)
def test_an_estimate_is_no_more_exact_than_it_can_be(seconds: float, said: str) -> None:
    assert rough(seconds) == said


def test_the_sentence_says_where_it_comes_from_and_what_disturbs_it() -> None:
    quiet = Expected(1860, 16_000_000, 34_000_000, 98_000_000, "cpu", 2)
    assert quiet.sentence == (
        "About 31 min on 2 cores of this machine and 16 MB of disk (34 MB more while it runs, 98 MB for the decoded "
        "images). An estimate: each network's step was timed here just now. Beside other work it takes longer."
    )
    busy = Expected(60, 1, 1, 1, "cpu", 2, 2.8)
    assert "Just now 3 other programs compute here too" in busy.sentence
    assert "the GPU" in Expected(60, 1, 1, 1, "cuda", 1).sentence


def bytes_of(folder: Path, workers: int = 2, **keep: Any) -> tuple[int, int]:
    """Of a study of two seeds, what is left and what is on top: a network has 10 numbers, and 100 bytes on disk."""
    config = Config(
        name="small",
        data=Data(image_size=32),
        teacher=Teacher(architecture="resnet18"),
        students=Students(architectures=["resnet18"], alphas=[1.0, 0.5], seeds=[0, 1]),
        explain=Explain(methods=["saliency"], images=3),
        keep=Keep(maps=2, map_size=8, **keep),
    )
    dataset = SimpleNamespace(ids=lambda split: range(5), classes=["a", "b"], parts=["x"], table=range(7))
    names = [cell.name for cell in begin(config, folder, {}).cells]
    groups = ((names[0],), (names[1], names[2]), (names[3],))
    tasks = [Task(f"{group}", stages.train_cells, (group,), (), (), 1.0) for group in groups]
    timed = {"resnet18": Timed(0.0, 0.0, 0.0, 10, 100)}
    study = begin(config, folder, {})
    left, more, decoded = _bytes(config, dataset, study, timed, [*tasks, task("alone", 4)], workers)  # type: ignore[arg-type]
    assert decoded == 7 * 32 * 32 * 4
    return left - STUDY_BYTES, more


LOGITS, MAPS, IMPORTANCE, FULL = 5 * (8 + 2 * 2), 2 * 8 * 8 * 2, 3 * IMPORTANCE_BYTES, 3 * 32 * 32 * 2
NUMBERS = 5 * IMAGE_BYTES + CELL_BYTES


def test_what_a_study_leaves_on_disk_and_takes_on_top(tmp_path: Path) -> None:
    """Four networks and an untrained one; two groups are trained side by side, a network of each being rewritten."""
    left, more = bytes_of(tmp_path)
    assert left == int(5 * NUMBERS + 4 * (100 + LOGITS + MAPS) + 5 * IMPORTANCE)
    assert more == LOGITS + MAPS + FULL + (80 + 80 + 80) + (80 + 80)
    assert bytes_of(tmp_path, workers=1)[1] == more - (80 + 80), "not the state of all networks at once"


def test_networks_that_are_not_kept_are_there_while_it_runs(tmp_path: Path) -> None:
    left, more = bytes_of(tmp_path, seeds="first")
    everything, usual = bytes_of(tmp_path)
    assert left == int(5 * NUMBERS + 2 * (100 + LOGITS + MAPS + IMPORTANCE))
    assert left + more == pytest.approx(everything + usual, abs=2), "the peak is the same"
