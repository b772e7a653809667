"""`kill -9` in every stage of one study, one after the other; then to the end, beside a run that nothing disturbed."""

import os
import signal
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from core import explain_cell
from core.run import complete, local
from core.run.complete import run_study
from core.study import Study, open_study
from tests.core.conftest import Manager, Threads
from tests.forks import forks
from tests.killing import arm
from tests.same import same_numbers
from tests.tiny import tiny_config

MOMENTS = [
    ("read images", 4),  # of the validation images, pictures without parts
    ("train", 6),  # the teacher, in its second epoch: one has 3 steps and an end, 4 files
    ("train", 11 + 2 + 4),  # 11 files later it is done, and kept in 2; then of two students one is a step further
    ("predict", 1),
    ("explain", 2),  # some images' maps are there, their table is not
    ("explain", 4),  # all is explained, and half of it where it belongs
    ("measure", 2),
    ("time", 1),
    ("conclude", 1),
]
"""Stages, and which of their files does not get its name."""


def run(cache: Path, stage: str, files: int) -> None:
    """What the process does: a run in threads of its own, for no seconds of imports; written as often as can be."""
    os.setsid()
    os.environ["WHERE_MODELS_LOOK_CACHE"] = str(cache)
    local.ProcessPoolExecutor = Threads  # type: ignore[misc, assignment]
    local.SyncManager = Manager  # type: ignore[misc, assignment]
    complete.cores = lambda: 1  # students in one group
    import_module("core.distill.train").SECONDS = explain_cell.SECONDS = -1.0  # type: ignore[attr-defined]
    if stage:
        arm(stage, files)
    run_study(tiny_config(), device="cpu")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes that have imported everything")
def test_killed_in_every_stage_it_goes_on_to_the_same_bits(
    ran: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[set[str]] = []
    for stage, files in [*MOMENTS, ("", 0)]:
        process = forks().Process(target=run, args=(tmp_path, stage, files))
        process.start()
        process.join(600)
        assert process.exitcode == (-signal.SIGKILL if stage else 0), stage
        folder = tmp_path / "studies" / "small"
        done.append(set(Study(folder).manifest))
    for before, after in pairwise(done[:-1]):
        assert before <= after, "what was done is kept"
    trained = [sum(name.startswith("models/") for name in each) for each in done[:3]]
    assert trained == [0, 0, 1], "of two trainings, each was killed under way"
    assert not list(folder.rglob("*.tmp"))
    assert not (folder / "state").exists()
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    finished = open_study("small")
    assert finished.damaged() == []
    same_numbers(finished, ran)
