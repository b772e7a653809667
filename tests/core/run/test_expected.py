"""The parts of an estimate that can be worked out by hand."""

from pathlib import Path

import pytest

from core.run.expected import Expected, _makespan, rough
from core.run.plan import Task


def task(name: str, cost: float, needs: tuple[str, ...] = ()) -> Task:
    return Task(name, lambda *given: list[Path](), (), needs, (name,), cost)


def test_tasks_are_laid_side_by_side_as_a_run_would() -> None:
    tasks = [task("teacher", 5), task("a", 3, ("teacher",)), task("b", 2, ("teacher",)), task("alone", 4)]
    seconds = {"teacher": 5.0, "a": 3.0, "b": 2.0, "alone": 4.0}
    assert _makespan(tasks, seconds, 1) == 14
    assert _makespan(tasks, seconds, 2) == 8  # teacher | alone; then a | b
    assert _makespan(tasks, seconds, 9) == 8


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
