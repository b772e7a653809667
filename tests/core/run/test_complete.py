"""A run does what is missing and nothing else, survives any stop, and says what went wrong."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from core import explain_cell, stages
from core.config import Config
from core.errors import UserError
from core.overview import overviews
from core.run import complete, local
from core.run.complete import run_study
from core.run.failures import reasons
from core.run.loop import Progress
from core.run.plan import Task
from core.run.recipe import keys, to_make
from core.store import sha256_file
from core.study import Study, cache_folder, open_study
from tests.core.conftest import Threads
from tests.same import same_numbers, state
from tests.tiny import Once, tiny_config, write_toml

STUDENT = "resnet18-a0.1-s0"


def written(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> set[str]:
    return {name for name in after if after[name] != before.get(name)}


def test_a_whole_run_leaves_what_it_promises(ran: Study) -> None:
    wanted = keys(ran)
    files = {name for name in state(ran.folder) if name not in ("study.toml", "manifest.json")}
    gone = {f"relevance/{ran.teacher.name}.safetensors"}
    for name in (cell.name for cell in ran.measured if cell.untrained):
        gone.add(f"logits/{name}.safetensors")
        gone |= {f"maps/{method}/{name}.safetensors" for method in ran.config.explain.methods}
    assert set(wanted) - gone == set(ran.manifest) == files, "no state, no temporary file"
    assert ran.left_out == {name: wanted[name] for name in gone}
    for name, entry in ran.manifest.items():
        assert entry == {"sha256": sha256_file(ran.folder / name), "key": wanted[name]}
    assert ran.damaged() == []
    assert ran.config == tiny_config()
    assert (ran.images().set_index("id").loc[ran.dataset.ids("train"), "visible_parts"] > 5).any()


def test_a_second_run_has_nothing_to_do(ran_copy: Study, no_processes: None) -> None:
    before = state(ran_copy.folder)
    told: list[Progress] = []
    study = run_study(tiny_config(), device="cpu", on_progress=told.append)
    assert state(ran_copy.folder) == before
    assert told == []
    assert study.folder == ran_copy.folder


def test_words_may_change_without_work(ran_copy: Study, no_processes: None) -> None:
    before = state(ran_copy.folder)
    run_study(tiny_config(description="other words", training={"validate_every": 3}), device="cpu")
    assert written(before, state(ran_copy.folder)) == {"study.toml", "manifest.json"}
    assert Study(ran_copy.folder).config.description == "other words"


def test_missing_damaged_and_stale_files_are_made_again_and_no_others(ran_copy: Study, ran: Study, here: None) -> None:
    """One run mends a deleted file, a flipped bit and a changed setting, each with what depends on it."""
    before = state(ran_copy.folder)
    ran_copy.path("logits", STUDENT).unlink()
    flipped = ran_copy.path("maps", "resnet18-a1.0-s0", "saliency")
    content = bytearray(flipped.read_bytes())
    content[-5] ^= 8
    flipped.write_bytes(content)
    told: list[Progress] = []
    study = run_study(tiny_config(measure={"top_k": 3}), device="cpu", on_progress=told.append)
    tasks = {
        f"predict {STUDENT}",
        "explain resnet18-a1.0-s0",
        f"explain {study.teacher.name}",  # whose full maps are not kept, and which it is compared with
        *(f"measure {cell.name}" for cell in study.measured),
        *(f"predict {cell.name}" for cell in study.measured if cell.untrained),  # whose logits are not kept
        "read images",
        "conclude",
    }
    assert {each.finished for each in told if each.finished} == tasks
    after = state(ran_copy.folder)
    touched = written(before, after)
    again = {
        "images.parquet",
        f"logits/{STUDENT}.safetensors",
        "importance/resnet18-a1.0-s0.parquet",
        "maps/saliency/resnet18-a1.0-s0.safetensors",
        "maps/integrated_gradients/resnet18-a1.0-s0.safetensors",
        *(f"{kind}/{cell.name}.parquet" for kind in ("measures", "parts") for cell in study.measured),
        f"importance/{study.teacher.name}.parquet",
        *(f"maps/{method}/{study.teacher.name}.safetensors" for method in study.config.explain.methods),
        "summary.parquet",
    }
    assert touched == again | {"study.toml", "manifest.json"}
    # Made again it is what it was, in a thread here as in a process there; but for what the setting changed.
    for name in again:
        if not name.startswith("measures/") and name != "summary.parquet":
            assert after[name][1] == before[name][1], name
    assert study.damaged() == []
    assert not study.measures(STUDENT).equals(ran.measures(STUDENT))
    back = run_study(tiny_config(), device="cpu")
    same_numbers(back, ran)


def test_images_explained_in_ranges_are_the_same(ran_copy: Study, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain_cell, "batch_size", lambda side: 2)
    cell = "resnet18-a1.0-s0"
    made = [ran_copy.path("importance", cell), ran_copy.path("maps", cell, "integrated_gradients")]
    found = []
    for batches in (4, 2):
        monkeypatch.setattr(explain_cell, "BATCHES", batches)
        made[0].unlink()
        told: list[Progress] = []
        run_study(tiny_config(), device="cpu", on_progress=told.append)
        found.append([sha256_file(path) for path in made])
        ranges = {each.finished for each in told if each.finished.startswith(f"explain {cell}")}
        assert len(ranges) == 4 // batches
        assert Study(ran_copy.folder).damaged() == []
        assert not (ran_copy.folder / "state").exists()
    assert found[0] == found[1]


def test_a_wider_grid_trains_the_new_cells_only(ran_copy: Study, here: None) -> None:
    before = state(ran_copy.folder)
    study = run_study(tiny_config(students={"alphas": [1.0, 0.1, 0.5], "architectures": ["resnet34"]}), device="cpu")
    after = state(ran_copy.folder)
    new = {name for name in written(before, after) if name.startswith("models/")}
    assert new == {"models/resnet34-a0.5-s0.safetensors"}
    assert set(before) <= set(after), "what is no longer in the grid is not thrown away"
    assert [cell.name for cell in study.cells] == ["resnet34-a1.0-s0", "resnet34-a0.1-s0", "resnet34-a0.5-s0"]
    assert set(study.summary()["cell"]) - {""} == {cell.name for cell in study.cells}
    assert not (study.folder / "state").exists()


def test_a_task_that_fails_is_named_and_the_others_are_finished(
    ran_copy: Study, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("logits", "importance"):
        for name in (STUDENT, "resnet18-a1.0-s0"):
            ran_copy.path(kind, name).unlink()
    whole = stages.predict_cell

    def fail(folder: Path, name: str, *rest: Any) -> list[Path]:
        if name == STUDENT:
            raise UserError("the disk is full")
        return whole(folder, name, *rest)

    monkeypatch.setattr(stages, "predict_cell", fail)
    with pytest.raises(UserError, match=rf"^predict {STUDENT} failed: the disk is full$"):
        run_study(tiny_config(measure={"top_k": 3}), device="cpu")
    broken = Study(ran_copy.folder)
    assert broken.path("importance", "resnet18-a1.0-s0").exists(), "the others go on"
    assert not broken.path("importance", STUDENT).exists(), "what needs it does not begin"
    assert "summary.parquet" not in broken.manifest
    monkeypatch.setattr(stages, "predict_cell", whole)
    told: list[Progress] = []
    run_study(tiny_config(measure={"top_k": 3}), device="cpu", on_progress=told.append)
    finished = [each.finished for each in told if each.finished]
    assert finished == ["read images", f"predict {STUDENT}", f"explain {STUDENT}", f"measure {STUDENT}", "conclude"]
    assert Study(ran_copy.folder).damaged() == []


def test_training_that_fails_names_the_cell(ran_copy: Study, here: None) -> None:
    told = ("study.toml", "manifest.json", "summary.parquet")  # the last was of other settings than are there now
    before = {k: v for k, v in state(ran_copy.folder).items() if k not in told}
    wild = tiny_config(training={"learning_rate": 1e30})
    with pytest.raises(UserError, match=r"train resnet34-a1\.0-s0 failed: resnet34-a1\.0-s0: the loss is not a number"):
        run_study(wild, device="cpu")
    after = state(ran_copy.folder)
    assert {k: v[1] for k, v in before.items()} == {k: after[k][1] for k in before}, "the old files lie where they lay"


def test_one_reason_is_told_once() -> None:
    failed = {
        "train resnet18-a1.0-s0": "weights of resnet18 could not be downloaded",
        "train resnet101-a1.0-s0": "weights of resnet101 could not be downloaded",
        "measure resnet18-a0.1-s0": "the disk is full",
    }
    assert reasons(failed, {"resnet18", "resnet101"}) == (
        "train resnet18-a1.0-s0 failed: weights of resnet18 could not be downloaded (so did, alike, train "
        "resnet101-a1.0-s0); measure resnet18-a0.1-s0 failed: the disk is full"
    )


def test_a_process_that_is_killed_again_and_again_is_one_sentence(
    ran_copy: Study, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Threads):
        def submit(self, *args: Any, **kwargs: Any) -> Future:
            future: Future = Future()
            future.set_exception(BrokenProcessPool("a process was terminated abruptly"))
            return future

    monkeypatch.setattr(local, "ProcessPoolExecutor", Killed)
    with pytest.raises(UserError, match="ended from outside"):
        run_study(tiny_config(measure={"top_k": 2}), device="cpu")


def test_what_a_killed_process_was_at_is_begun_again_once(tmp_path: Path) -> None:
    """What ended beside it is kept; nothing is begun again that was not lost."""
    tasks = [Task(name, print, (), (), (), 1.0) for name in ("done", "unlucky", "deadly", "late")]
    broken = BrokenProcessPool("a process was terminated abruptly")
    ends: dict[str, list[Any]] = {"done": [None], "unlucky": [broken, None], "deadly": [broken, broken], "late": [None]}
    pools = []

    class Pool:
        def __init__(self) -> None:
            self._processes: dict[int, Any] = {}
            self.broken = False
            pools.append(self)

        def submit(self, call: Any, task: Task, *given: Any) -> Future:
            if self.broken:
                raise broken
            future: Future = Future()
            end = ends[task.name].pop(0)
            future.set_exception(end) if end else future.set_result([])
            return future

        def shutdown(self, wait: bool, cancel_futures: bool) -> None:
            self.broken = True

    heard: queue.Queue = queue.Queue()
    executor = local.Processes(tmp_path, 3, Pool, heard)  # type: ignore[arg-type]
    for task in tasks[:3]:
        executor.submit(task)
    assert executor.finished(0) == [(tasks[0], None)]
    pools[0].broken = True
    executor.submit(tasks[3])
    assert [word for _, _, word in executor.heard()] == [
        "A process of this run was ended from outside (out of memory?); what was under way is gone on with: unlucky, "
        "deadly."
    ]
    assert executor.finished(0) == [(tasks[1], None), (tasks[3], None)]
    with pytest.raises(UserError, match=r"ended from outside \(out of memory\?\); the same command goes on from here"):
        executor.finished(0)
    assert len(pools) == 2
    assert not any(ends.values())


def test_numbers_of_other_settings_are_not_shown_as_theirs(
    ran_copy: Study, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(complete, "run_tasks", stopped)
    run_study(tiny_config(description="The same."), device="cpu")
    assert len(Study(ran_copy.folder).summary()), "a word changes no number"
    with pytest.raises(KeyboardInterrupt):
        run_study(tiny_config(measure={"top_k": 2}), device="cpu")
    assert Study(ran_copy.folder).config.measure.top_k == 2
    with pytest.raises(UserError, match="is not finished"):
        Study(ran_copy.folder).summary()


def test_a_study_is_listed_as_soon_as_its_run_has_begun(
    tmp_path: Path, no_processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is known what it is made with, which other machines may take a while to say."""
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    seen: list[str] = []

    def origin(*given: Any) -> None:
        seen.extend(f"{each.name}: {each.sentence}" for each in overviews())
        raise KeyboardInterrupt

    monkeypatch.setattr(local.Machine, "provenance", origin)
    with pytest.raises(KeyboardInterrupt):
        run_study(tiny_config(), device="cpu")
    assert seen == ["small: running, just begun"]


def test_progress_adds_up(ran_copy: Study, here: None) -> None:
    ran_copy.path("measures", STUDENT).unlink()
    ran_copy.path("importance", STUDENT).unlink()
    told: list[Progress] = []
    run_study(tiny_config(), device="cpu", on_progress=told.append)
    assert told[-1].done == pytest.approx(told[-1].total)
    assert told[-1].running == {}
    assert all(0 <= each.done <= each.total * (1 + 1e-9) for each in told)
    assert len({each.total for each in told}) == 1
    shares = [each.done for each in told]
    assert all(b >= a - 1e-9 for a, b in pairwise(shares)), "never backwards"
    assert any(each.left is not None and each.left >= 0 for each in told)


WRONG: dict[str, tuple[Config, str]] = {
    "architecture": (tiny_config(teacher={"architecture": "resnet35"}), "Did you mean .*resnet34"),
    "student": (tiny_config(students={"architectures": ["resnet18", "resent18"]}), "Did you mean .*resnet18"),
    "slim": (tiny_config(students={"architectures": ["vgg11"]}), "vgg11 comes only at width = 1"),
    "weights": (tiny_config(teacher={"architecture": "resnet34", "weights": "/none.pth"}), "no file /none.pth"),
    "imagenet": (
        tiny_config(teacher={"architecture": "resnet34", "weights": "imagenet"}),
        "teacher.weights = 'imagenet'",
    ),
    "small stem": (tiny_config(students={"weights": "imagenet", "width": 1.0}), "fits only .* not width = 1 and stem"),
    "processes": (
        tiny_config(training={"processes": 25, "batch_size": 32}),
        "training.processes is 25, but there are 24 images to train on; choose fewer",
    ),
    "parts": (tiny_config(measure={"top_k": 16}), "measure.top_k is 16, but these images have 15 parts; choose fewer"),
    "folder": (tiny_config(data={"dataset": "folder", "root": "/nowhere"}), "/nowhere"),
    "cub": (tiny_config(data={"dataset": "cub", "root": "/nowhere"}), "/nowhere"),
}


@pytest.mark.parametrize("what", WRONG)
def test_settings_that_cannot_be_run_leave_the_study_as_it_was(what: str, ran_copy: Study, no_processes: None) -> None:
    before = state(cache_folder())
    config, said = WRONG[what]
    with pytest.raises(UserError, match=said) as caught:
        run_study(config, device="cpu")
    assert "\n" not in str(caught.value)
    assert state(cache_folder()) == before


def test_a_folder_of_another_study_is_not_touched(ran_copy: Study, no_processes: None) -> None:
    before = state(ran_copy.folder)
    with pytest.raises(UserError, match=r"holds the study 'small', not 'other'; choose another --out"):
        run_study(tiny_config(name="other"), ran_copy.folder, "cpu")
    assert state(ran_copy.folder) == before


def test_devices(ran_copy: Study, no_processes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="--device is auto, cpu or cuda, not 'gpu'"):
        run_study(tiny_config(), device="gpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device"):
        run_study(tiny_config(), device="cuda")
    run_study(tiny_config(), device="auto")


def test_a_dataset_in_a_folder_is_found_from_the_study_wherever_it_lies(
    tmp_path: Path, no_processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    for name in "ab":
        (tmp_path / "home" / "photos" / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.random.default_rng(i).integers(0, 256, (40, 40, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "home" / "photos" / name / f"{i}.png")
    config = tiny_config(data={"dataset": "folder", "root": str(tmp_path / "home" / "photos")})
    with pytest.raises(AssertionError, match="process"):
        run_study(config, tmp_path / "home" / "studies" / "small", "cpu")
    shutil.move(tmp_path / "home", tmp_path / "moved")
    study = Study(tmp_path / "moved" / "studies" / "small")
    assert study.config.data.root == str(tmp_path / "moved" / "photos")
    assert study.dataset.classes == ("a", "b")


def descendants(pid: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def hearing(pids: set[int]) -> set[int]:
    """Return those that a Ctrl-C would reach; they need not have come to their first line of Python."""
    found = set()
    for pid in pids:
        with suppress(FileNotFoundError):
            masks = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            ignored = int(masks["SigBlk"], 16) | int(masks["SigIgn"], 16)
            found |= set() if ignored >> (signal.SIGINT - 1) & 1 else {pid}
    return found


def alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
        except OSError:
            continue
    return found


def gone(pids: set[int], seconds: float = 10) -> bool:
    """Wait until all of these processes have ended."""
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pids)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_stopped_and_killed_it_goes_on_to_the_same_bits(ran: Study, tmp_path: Path) -> None:
    """Ctrl-C while the teacher trains, kill -9 while the students do; then to the end, beside an undisturbed run."""
    toml = write_toml(tmp_path / "small.toml", tiny_config())
    folder = tmp_path / "cache" / "studies" / "small"
    command = [sys.executable, "-m", "core", "run", str(toml), "--device", "cpu"]
    environment = {**os.environ, "WHERE_MODELS_LOOK_CACHE": str(tmp_path / "cache")}

    def until(pattern: str) -> subprocess.Popen:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        deadline = time.monotonic() + 120
        while not list(folder.glob(pattern)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return process

    with until("state/resnet34-a1.0*.safetensors") as process:
        workers = descendants(process.pid)
        assert not hearing(workers)
        os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C goes to all
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "Stopped. What was finished is kept: the same command goes on from here."
    assert gone(workers)
    begun = Study(folder)
    assert not begun.complete()
    assert not begun.path("models", begun.teacher).exists(), "it was stopped in the middle of training"
    trained = state(folder)

    with until(f"state/{STUDENT}.safetensors") as process:
        workers = descendants(process.pid)
        assert len(workers) >= 3
        process.kill()
        process.wait()
    assert gone(workers), "nobody trains on for a run that is gone"
    assert not Study(folder).complete()
    assert trained.keys() - {name for name in trained if name.startswith("state/")} <= state(folder).keys()
    for path in folder.rglob("*.safetensors"):
        load_file(path)  # whatever is there is whole

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "resnet34-a1.0-s0" in done.stdout
    finished = Study(folder)
    assert finished.damaged() == []
    assert set(finished.manifest) == set(ran.manifest)
    assert not (folder / "state").exists()
    same_numbers(finished, ran)


TWO_SEEDS: dict[str, Any] = {
    "students": {"seeds": [0, 1], "architectures": ["resnet18"]},
    "teacher": {"architecture": "resnet18"},
    "explain": {"methods": ["saliency"]},
}


@pytest.fixture
def first_kept(here: None, once: Once, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A copy of a study of two seeds, of which the networks of the first were kept; it is the one of that name now."""

    def make(cache: Path) -> None:
        monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(cache))
        run_study(tiny_config(**TWO_SEEDS, keep={"seeds": "first"}), device="cpu")

    shutil.copytree(once("first_kept", make), tmp_path / "cache")
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))
    return open_study("small")


def test_of_the_other_seeds_numbers_stay(first_kept: Study) -> None:
    """Their networks go when all is measured; nothing is missing then, and nothing is made again."""
    study, config = first_kept, first_kept.config
    there = set(state(study.folder))
    for kind in ("models", "logits", "importance"):
        assert {Path(name).stem for name in there if name.startswith(f"{kind}/")} - {"resnet18-random-s0"} == {
            "resnet18-a1.0-s0",
            "resnet18-a0.1-s0",
        }
    assert study.path("measures", "resnet18-a0.1-s1").exists()
    assert [cell.name for cell in study.networks] == ["resnet18-a1.0-s0", "resnet18-a0.1-s0"]
    assert study.damaged() == []
    assert study.whole()
    assert (study.summary()["control"] == "retrained teacher").any()
    before = state(study.folder)
    told: list[Progress] = []
    run_study(config, device="cpu", on_progress=told.append)
    assert told == []
    assert state(study.folder) == before
    wanted = keys(study)
    absent = set(study.left_out)
    assert to_make(study, set(), absent) == set()
    again = to_make(study, {"measures/resnet18-a0.1-s1.parquet"}, absent)
    assert again == {
        "measures/resnet18-a0.1-s1.parquet",
        "logits/resnet18-a0.1-s1.safetensors",
        "importance/resnet18-a0.1-s1.parquet",
        "importance/resnet18-a1.0-s1.parquet",
        "logits/resnet18-a1.0-s1.safetensors",
        "models/resnet18-a0.1-s1.safetensors",
        "models/resnet18-a1.0-s1.safetensors",
        "relevance/resnet18-a1.0-s0.safetensors",
    }
    assert again <= set(wanted)


def test_networks_that_were_left_out_are_trained_again_only_for_their_numbers_and_that_is_said(
    first_kept: Study,
) -> None:
    told: list[Progress] = []
    notes: list[str] = []
    more = tiny_config(**TWO_SEEDS, keep={"seeds": "first", "maps": 3})
    study = run_study(more, device="cpu", on_progress=told.append, on_note=notes.append)
    done = {progress.finished for progress in told} - {""}
    assert {name for name in done if name.startswith(("train", "measure"))} == set()
    assert {name.split()[-1] for name in done if name.startswith("explain")} == {
        "resnet18-a1.0-s0",
        "resnet18-a0.1-s0",
    }
    assert len(study.maps("resnet18-a0.1-s0", "saliency")[0]) == 3
    assert notes == []
    fewer = tiny_config(**TWO_SEEDS, keep={"seeds": "first", "maps": 3}, measure={"top_k": 3})
    study = run_study(fewer, device="cpu", on_note=notes.append)
    assert notes == ["[keep] left 2 networks out; their numbers are to be made again, so they are trained again."]
    assert study.damaged() == []
    assert not study.path("models", "resnet18-a0.1-s1").exists()
