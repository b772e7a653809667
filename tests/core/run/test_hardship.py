"""A full disk, a folder that may not be written, a GPU that is too small: one sentence, and what was done is kept."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from core import stages
from core.distill import train
from core.errors import UserError
from core.run.complete import run_study
from core.run.failures import why
from core.run.loop import Progress
from core.run.recipe import keys
from core.run.status import status_path, told
from core.store import sha256_file, write_bytes
from core.study import Study
from tests.faults import small_disk, small_files
from tests.same import same_numbers
from tests.tiny import tiny_config

TAUGHT = ["resnet34-a0.1-s0", "resnet18-a0.1-s0"]


@pytest.mark.parametrize("room", [3, 8])
def test_a_full_disk(ran_copy: Study, ran: Study, here: None, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many files there is no more room; once there is, the run goes on from there."""
    for kind in ("logits", "measures"):
        for cell in ran_copy.cells:
            ran_copy.path(kind, cell).unlink()
    whole, count = os.fsync, 0

    def fsync(file: int) -> None:
        nonlocal count
        count += 1
        if count > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(UserError, match=r"cannot be written: No space left on device; make room there") as caught:
            run_study(tiny_config(), device="cpu")
    assert "\n" not in str(caught.value)
    assert not list(ran_copy.folder.rglob("*.tmp")), "what found no room takes none"
    same_numbers(run_study(tiny_config(), device="cpu"), ran)


def test_a_disk_that_is_full(ran: Study, here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one, filled by the run itself; a larger one, and the same command goes on."""
    disk = tmp_path / "disk"
    try:
        with small_disk(disk, 20_000) as resize:
            shutil.copytree(ran.folder.parents[1], disk, dirs_exist_ok=True)
            study = Study(disk / "studies" / "small")
            for kind in ("logits", "measures", "parts"):
                shutil.rmtree(study.folder / kind)
            monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(disk))
            resize(shutil.disk_usage(disk).used // 1024 + 64)
            with pytest.raises(UserError, match="No space left on device; make room there and try again"):
                run_study(tiny_config(), device="cpu")
            assert not list(study.folder.rglob("*.tmp")), "what found no room takes none"
            resize(20_000)
            same_numbers(run_study(tiny_config(), device="cpu"), ran)
    except PermissionError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("since", ["", "study", "notes.txt"])
def test_a_folder_that_is_removed(
    ran_copy: Study, here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: str
) -> None:
    """Nothing is left where it was; but for what was begun there since, or put there by somebody."""
    folder, moved = ran_copy.folder, tmp_path / "moved"
    ran_copy.path("logits", TAUGHT[0]).unlink()

    def remove(folder: Path, *given: Any) -> list[Path]:
        folder.rename(moved)
        if since == "study":
            shutil.copytree(moved, folder)
        elif since:
            write_bytes(folder / since, b"a person's own")
        write_bytes(status_path(folder), b"{}")  # by the run, which does not know yet
        raise UserError(f"There is no study in {folder}.")

    monkeypatch.setattr(stages, "predict_cell", remove)
    with pytest.raises(UserError, match=r"studies/small was removed or moved while the study was run"):
        run_study(tiny_config(), device="cpu")
    assert folder.exists() == bool(since)
    assert since != "notes.txt" or (folder / since).read_bytes() == b"a person's own"
    assert Study(moved).damaged() == []


def test_a_folder_that_is_read_only(ran_copy: Study, no_processes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by the system, as it is to others than root, who runs tests."""
    whole = os.open

    def refuse(path: Any, flags: int, *rest: Any, **names: Any) -> int:
        if flags & os.O_CREAT and Path(os.fspath(path)).is_relative_to(ran_copy.folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return whole(path, flags, *rest, **names)

    monkeypatch.setattr(os, "open", refuse)
    said = r"small/state/run\.lock cannot be written: Read-only file system; choose another folder, or have this one"
    with pytest.raises(UserError, match=said):
        run_study(tiny_config(), device="cpu")


def test_students_that_do_not_fit_together_go_on_in_halves(
    ran: Study, ran_copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory in the second epoch, where one student is further than the other; the bits are the same."""
    stages._arrays.cache_clear()
    wanted = keys(ran_copy)
    for name in TAUGHT:
        ran_copy.path("models", name).unlink()
        ran_copy.path("history", name).unlink()
    groups: list[list[str]] = []
    told: list[tuple[float | None, str]] = []

    def small(learners: list, teacher: Any, data: Any, recipe: Any, seed: int, device: Any, on_epoch: Any, *rest: Any):
        groups.append([learner.name for learner in learners])

        def tell(learner: Any) -> None:
            on_epoch(learner)
            if len(learners) > 1 and learner.epoch == 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

        train(learners, teacher, data, recipe, seed, device, tell, *rest)

    monkeypatch.setattr(stages, "train", small)
    of = {name: wanted[f"models/{name}.safetensors"] for name in TAUGHT}
    stages.train_cells(ran_copy.folder, TAUGHT, of, "cpu", lambda share, word: told.append((share, word)))
    assert groups == [TAUGHT, TAUGHT[:1], TAUGHT[1:]]
    notes = [word for share, word in told if share is None]
    assert notes == ["2 students at once did not fit into the GPU's memory; they go on in two halves."]
    shares = [share for share, _ in told if share is not None]
    assert shares[-1] == 1
    assert all(0 < share <= 1 for share in shares)
    for name in TAUGHT:
        assert sha256_file(ran_copy.path("models", name)) == sha256_file(ran.path("models", name))


def test_out_of_memory_elsewhere_is_a_sentence() -> None:
    assert why(torch.OutOfMemoryError("CUDA out of memory. Tried …")).startswith("the GPU's memory is full; ")
    assert why(MemoryError("Unable to allocate …")).startswith("this machine's memory is full; ")
    said = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried …"
    assert why(RuntimeError(said)).startswith("this machine's memory is full; ")
    assert why(OSError(errno.EIO, "Input/output error", "a/file")).startswith("a/file: Input/output error; ")
    assert why(ValueError("first\nsecond")) == "ValueError: first"


def test_a_status_that_cannot_be_written_stops_no_run(tmp_path: Path) -> None:
    with told(tmp_path, lambda progress: None) as tell, small_files(0):
        tell(Progress(1.0, 1.0, 1.0, None, {}, "all"))
    assert not status_path(tmp_path).exists()
