"""Every stage of a study under faults: whatever fails, a sentence; then again, to the same bits, and little twice.

`python -m tests.faulted` fails some calls of every kind in every stage, spread over all that are made, and says how
many faults there were, and of what; `--most 200` nearly all of them, which takes about an hour.
"""

import argparse
import hashlib
import io
import os
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import torch
from safetensors.numpy import load

from core import manifest, stages
from core.distill.groups import Room
from core.run.begin import begin
from core.run.complete import run_study
from core.run.failures import why
from core.store import sha256_file
from core.study import Study
from tests.faults import FAULTS, Faults, few_files, small_disk, small_files
from tests.same import same_numbers, timeless
from tests.subjects import SUBJECTS, TEACHER, Subject, in_threads, silent
from tests.tiny import tiny_config

SMALL = 3
"""Images that are explained together here, so that there is more than one batch."""
ROOM = (100, 400, 900, 20_000)
"""Kilobytes of a disk: no room for the images, for the networks, for all that follows; and enough."""
SHORT = {"data": {"train_images": 16}, "training": {"epochs": 2}}
"""Settings of the study: two of everything, batches and epochs, as each fault trains it once more."""
DESCRIPTORS, BYTES = range(4), (0, 100, 3000, 8192)
"""File descriptors that are left, and bytes that a file may have, in turn."""


class Swept:
    """One subject, undisturbed and then under faults.

    Parameters
    ----------
    subject : Subject
    base : Path
        A cache as `based` makes it. Read only.
    place : Path
        Where copies of it may lie.
    """

    def __init__(self, subject: Subject, base: Path, place: Path) -> None:
        self.subject, self.cache = subject, place / "cache"
        self.folder = self.cache / "studies" / "small"
        self.steps, self.told, self.unnoticed = 0, Counter[str](), Counter[str]()
        self.ready = place / "ready"
        with self._here():
            self._make_ready(base)
            with Faults(self.cache) as counted:
                said = self._work()
        if said:
            raise AssertionError(f"{self.subject.name}, undisturbed: {said}")
        self.counts = {kind: counted.seen[kind] for kind in FAULTS}
        self.undisturbed = contents(self.cache)
        self.all_steps, self.steps = self.steps, 0

    def fail(self, kind: str, how: str, nth: int) -> None:
        """Let the n-th call fail: the sentence is right, nothing else is harmed, and it goes on to the same bits."""
        self._under(Faults(self.cache, kind, how, nth, self.folder), f"{kind} {nth} ({how})", kind, how)

    def starve(self, of: str, how_many: int) -> None:
        """Leave so many descriptors, or so many bytes a file, for all that is asked, by whomever."""
        scarce = few_files if of == "descriptors" else small_files
        self._under(scarce(how_many), f"{how_many} {of}", of, "EMFILE" if of == "descriptors" else "EFBIG")

    def _under(self, trouble: Any, what: str, kind: str, how: str) -> None:
        where = f"{self.subject.name}, {what}"
        self._afresh()
        with self._here():
            with trouble:
                said = self._work()
            if isinstance(trouble, Faults) and not trouble.fired:
                return  # a call that is not made every time
            (self.told if said else self.unnoticed)[kind] += 1
            if said:
                self._right(said, kind, how, where)
            if how != "gone":
                self._unharmed(where)
                if said or self.subject.quiet:
                    again = self._work()
                    assert not again, f"{where}: and again: {again}"
                found = contents(self.cache)
                differ = {name for name in {*found, *self.undisturbed} if found.get(name) != self.undisturbed.get(name)}
                # Answers of an epoch that was taken up in its middle are not kept: the teacher is asked again.
                differ -= {name for name in differ if "/replay/" in name and name not in found}
                assert not differ, f"{where}: other bits in {differ}"
                redone = self.steps - self.all_steps
                assert redone <= self.subject.twice, f"{where}: {redone} steps of {self.all_steps} done twice"

    def _right(self, said: str, kind: str, how: str, where: str) -> None:
        assert "\n" not in said, f"{where}: {said}"
        assert not re.match(r"\w*(Error|Exception|Warning)\b", said), f"{where}: {said}"
        if kind in ("array", "tensor"):
            assert "memory" in said, f"{where}: {said}"
            assert "alloc" not in said, f"{where}: {said}"
            return
        assert str(self.cache) in said, f"{where} names no file: {said}"
        if how in ("ENOSPC", "EDQUOT", "short"):
            assert "make room there and try again" in said, f"{where}: {said}"
        if how in ("EROFS", "EACCES") and kind != "read":
            helps = "choose another folder, or have this one opened|once that is mended"
            assert re.search(helps, said), f"{where}: {said}"
        if kind in ("read", "descriptors"):
            assert not re.search("damaged|There is no", said), f"{where} is not true: {said}"

    def _unharmed(self, where: str) -> None:
        found = contents(self.cache)
        wrong = {name for name in found if found[name] not in (self.undisturbed.get(name), self.before.get(name))}
        assert not wrong, f"{where}: not whole, or not from here: {wrong}"
        assert set(self.before) <= set(found), f"{where}: lost {set(self.before) - set(found)}"

    def _work(self) -> str:
        """Do it; return what is said where it fails."""
        stages._arrays.cache_clear()
        try:
            self.subject.work(self.folder)
        except Exception as error:  # as the run does
            return why(error)
        return ""

    def _make_ready(self, base: Path) -> None:
        shutil.copytree(base, self.ready)
        for pattern in self.subject.makes:
            for path in self.ready.glob(pattern):
                path.unlink()
        self.before = contents(self.ready)
        self._afresh()

    def _afresh(self) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.copytree(self.ready, self.cache)
        self.steps = 0

    def _here(self) -> ExitStack:
        """Work in the copy, and count steps."""
        stack = often(self.cache)
        if self.subject.step:
            module, _, name = self.subject.step.rpartition(".")
            step = getattr(import_module(module), name)

            def counted(*given: Any, **named: Any) -> Any:
                self.steps += 1
                return step(*given, **named)

            stack.enter_context(patch.object(import_module(module), name, counted))
        return stack


def often(cache: Path) -> ExitStack:
    """Put on disk whatever can be, as often as can be, in a cache."""
    stack = ExitStack()
    stack.enter_context(patch.dict(os.environ, {"WHERE_MODELS_LOOK_CACHE": str(cache)}))
    for module in ("core.distill.train", "core.explain_cell"):
        stack.enter_context(patch.object(import_module(module), "SECONDS", -1.0))
    stack.enter_context(patch("core.explain_cell.batch_size", lambda side: SMALL))
    stack.enter_context(patch("core.costs.ROUNDS", 1))
    # What is reckoned on shapes alone takes no memory and no files, but half of the time.
    stack.enter_context(patch("core.stages.space", lambda study, cells, *rest: Room(len(cells), False)))
    stack.enter_context(patch("core.run.check.check_size", lambda *shape: None))
    return stack


def based(whole: Path, base: Path) -> Path:
    """Copy a cache in which the study was run; with the teacher's relevance, which others are explained with."""
    shutil.copytree(whole, base)
    folder = base / "studies" / "small"
    with often(base):
        stages._arrays.cache_clear()
        stages.explain_cell(folder, TEACHER, "", "cpu", silent)
        config = Study(folder).config
        replayed = config.training.model_copy(update={"replay": True})
        begin(config.model_copy(update={"training": replayed}), folder, Study(folder).provenance)
    listed = manifest.read_manifest(folder)
    for name, entry in listed.files.items():  # the teacher's numbers, in other batches, are not what the run wrote
        entry["sha256"] = sha256_file(folder / name)
    listed.settings = sha256_file(folder / "study.toml")
    manifest.write_manifest(folder, listed)
    return base


def full_disk(whole: Path, disk: Path) -> int:
    """Run the study from its beginning on a disk that is too small, again and again a larger one; return how often."""
    stopped, undisturbed = 0, Study(whole / "studies" / "small")
    with small_disk(disk, ROOM[0]) as resize, patch.dict(os.environ, {"WHERE_MODELS_LOOK_CACHE": str(disk)}):
        for room in ROOM[1:]:
            said = ""
            try:
                run_study(undisturbed.config, device="cpu")
            except Exception as error:
                said = why(error)
            assert "No space left on device; make room there and try again" in said, f"{room}: {said}"
            stopped += 1
            resize(room)
        same_numbers(run_study(undisturbed.config, device="cpu"), undisturbed)
    return stopped


def contents(cache: Path) -> dict[str, str]:
    """Return what every file says that a person or a later stage reads, without what a clock gave."""
    found = {}
    for path in sorted(path for path in cache.rglob("*") if path.is_file()):
        name = path.relative_to(cache).as_posix()
        if "/state/" not in name and not name.startswith("live/"):
            found[name] = _content(path)
    return found


def _content(path: Path) -> str:
    return _said(path.parent.name, path.parent.parent.name, path.name, path.read_bytes())


@lru_cache(maxsize=1000)  # most files are the same after every fault
def _said(folder: str, above: str, name: str, content: bytes) -> str:
    if above == "replay":
        return hashlib.sha256(load(content)["logits"].tobytes()).hexdigest()  # of its header, the order is chance
    if folder == "history":
        table = pd.read_parquet(io.BytesIO(content)).drop(columns="seconds")
    elif name in ("summary.parquet", "costs.parquet"):
        table = timeless(pd.read_parquet(io.BytesIO(content)))
    else:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(pd.util.hash_pandas_object(table.astype(str)).to_numpy().tobytes()).hexdigest()


def moments(count: int, most: int, chance: random.Random) -> list[int]:
    """Return every n-th call, or so many of them, one at random of each of as many stretches."""
    if count <= most:
        return list(range(1, count + 1))
    return [1 + int((i + chance.random()) * count / most) for i in range(most)]


def main() -> None:
    """Fail them, and count; go on where something is wrong, and say so at the end."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("subjects", nargs="*", help="of which alone calls are failed", metavar="SUBJECT")
    asked.add_argument("--most", type=int, default=2, help="calls of a kind that are failed in a stage")
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if unknown := set(options.subjects) - {each.name for each in SUBJECTS}:
        raise SystemExit(
            f"no subject is called {unknown.pop()}; there are: {', '.join(each.name for each in SUBJECTS)}"
        )
    chosen = [each for each in SUBJECTS if each.name in options.subjects or not options.subjects]
    torch.set_num_threads(1)
    chance, start = random.Random(options.seed), time.monotonic()
    told, unnoticed, wrong = Counter[str](), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder, in_threads():
        whole = Path(folder, "whole")
        with patch.dict(os.environ, {"WHERE_MODELS_LOOK_CACHE": str(whole)}):
            run_study(tiny_config(**SHORT), device="cpu")
        if not options.subjects:
            try:
                stopped = full_disk(whole, Path(folder, "disk"))
                print(f"{stopped} full disks: a sentence each, then the same bits", flush=True)
            except PermissionError as error:
                print(f"a full disk is not tried: {error}", flush=True)
        base = based(whole, Path(folder, "base"))
        turns = {kind: chance.randrange(len(ways)) for kind, ways in FAULTS.items()}
        for subject in chosen:
            swept = Swept(subject, base, Path(folder, subject.name))

            def tried(fault: Callable[..., None], *given: Any) -> None:
                try:
                    fault(*given)
                except AssertionError as error:
                    wrong.append(str(error))
                    print(f"WRONG  {error}", flush=True)

            for kind, count in swept.counts.items():
                for nth in moments(count, options.most, chance):
                    tried(swept.fail, kind, FAULTS[kind][turns[kind] % len(FAULTS[kind])], nth)
                    turns[kind] += 1
            for of, amounts in (("descriptors", DESCRIPTORS), ("bytes", BYTES)):
                for how_many in amounts:
                    tried(swept.starve, of, how_many)
            print(
                f"{time.monotonic() - start:5.0f} s  {subject.name}: {_counted(swept.told, swept.unnoticed)}",
                flush=True,
            )
            told += swept.told
            unnoticed += swept.unnoticed
    print(f"In all: {_counted(told, unnoticed)}.")
    if wrong:
        raise SystemExit(f"{len(wrong)} were not as they should be:\n" + "\n".join(wrong))
    print("All went on to the same bits.")


def _counted(told: Counter[str], unnoticed: Counter[str]) -> str:
    each = ", ".join(
        f"{kind} {told[kind]}+{unnoticed[kind]}"
        for kind in (*FAULTS, "descriptors", "bytes")
        if told[kind] or unnoticed[kind]
    )
    return f"{told.total()} faults told, {unnoticed.total()} that nobody noticed ({each})"


if __name__ == "__main__":
    main()
