"""Processes that run, read, add to, delete and look at the same studies at once, and two dashboards on one live cache.

`python -m tests.together` lets them for a while; each thing asked ends in a right value or in one plain sentence.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config import Config
from core.errors import UserError
from core.imported import add_model
from core.live import LiveCache
from core.overview import overviews
from core.run import launch, local
from core.run.complete import run_study
from core.run.steady import steady
from core.study import Study, cache_folder, open_study, study_names
from tests.core.conftest import Manager, Threads
from tests.same import same_numbers, timeless
from tests.tiny import tiny_config

TEACHER = "resnet34-a1.0-s0"
TOP_K = (5, 2)
"""Settings that runs change to and fro: measures and the summary are made anew, networks stay."""
NAMES, KEYS = 12, 30
"""Of networks that are added, and of results in the live cache."""


def settings(top_k: int) -> Config:
    """Return the settings of the study that is run."""
    return tiny_config(measure={"top_k": top_k})


def run(chance: random.Random) -> str:
    """Run the study with other settings, if nobody else runs it."""
    run_study(settings(chance.choice(TOP_K)), device="cpu")
    return "run"


def read(chance: random.Random) -> str:
    """Read a table of a study, any study."""
    study = open_study(chance.choice(study_names()))
    cell = chance.choice(study.cells)
    asked: list[Callable[[], Any]] = [
        *(study.costs, study.images, study.damaged),
        *(lambda kind=kind: getattr(study, kind)(cell) for kind in ("measures", "importance", "parts", "logits")),
        *(lambda: study.model(cell), lambda: study.maps(cell, "saliency"), lambda: list(overviews())),
    ]
    chance.choice(asked)()
    return "read"


def show(chance: random.Random) -> str:
    """Read the summary, which is that of the settings beside it."""
    folder = cache_folder() / "studies" / "small"
    before = Study(folder).config
    summary = Study(folder).summary()
    if Study(folder).config != before:
        return "settings changed"
    known = json.loads((cache_folder() / "known.json").read_text())
    if known[str(before.measure.top_k)] != digest(summary):
        raise AssertionError(f"a summary that is not of top_k = {before.measure.top_k}")
    return "shown"


def verify(chance: random.Random) -> str:
    """Check every file; one that is being replaced is not damaged."""
    study = open_study("small")
    with steady(study.folder):
        damaged = study.damaged()
    if damaged:
        raise AssertionError(f"said to be damaged: {damaged}")
    return "verified"


def add(chance: random.Random) -> str:
    """Bring in a network under a name that somebody else brings in, too."""
    study = open_study("added")
    add_model(study, f"n{chance.randrange(NAMES)}", "resnet34", study.path("models", TEACHER), 0.0625, "small")
    return "added"


def _state(folder: str, names: list[str]) -> set[str]:
    return {"state"}


def _copy(source: str, target: str) -> None:
    with suppress(FileNotFoundError):  # half written when it was listed, and whole by another name since
        shutil.copy2(source, target)


def delete(chance: random.Random) -> str:
    """Copy a study, and delete it while others read it."""
    name = f"gone{chance.randrange(3)}"
    there = cache_folder() / "studies" / name
    with suppress(FileExistsError):
        shutil.copytree(cache_folder() / "studies" / "added", there, ignore=_state, copy_function=_copy)
    launch.remove(name)
    return "deleted"


def live(chance: random.Random) -> str:
    """Ask for a result of the live cache that another process asks for; now and then somebody deletes it all."""
    cache, key = LiveCache(cache_folder() / "live"), chance.randrange(KEYS)
    if chance.random() < 0.01:
        shutil.rmtree(cache.folder, ignore_errors=True)
    found = cache.once(f"key {key}", lambda: {"map": np.full((32, 32), key, np.float32)})
    if not (found["map"] == key).all():
        raise AssertionError("another result than the one that was asked for")
    return "looked up"


ROLES: dict[str, Callable[[random.Random], str]] = {
    each.__name__: each for each in (run, read, show, verify, add, delete, live)
}
CAST = ["run", "run", "read", "read", "show", "verify", "add", "add", "delete", "live", "live"]


def digest(summary: Any) -> str:
    """Return what names a summary, without what a clock gave."""
    from hashlib import sha256

    return sha256(timeless(summary).to_csv().encode()).hexdigest()


def play(role: str, seconds: float, seed: int) -> None:
    """Do one thing again and again, and print how often it ended how; a traceback ends it."""
    local.ProcessPoolExecutor = Threads  # type: ignore[misc, assignment]
    local.SyncManager = Manager  # type: ignore[misc, assignment]
    torch.set_num_threads(1)
    chance, ended, end = random.Random(seed), Counter[str](), time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            ended[ROLES[role](chance)] += 1
        except UserError as error:
            if "\n" in str(error) or "Error" in str(error):
                raise AssertionError(f"no plain sentence: {error}") from error
            ended["a sentence"] += 1
            time.sleep(0.01)
    print(json.dumps(ended))


def scene(cache: Path) -> Study:
    """Make the studies, and write down the summary of each of their settings; return the one of the first."""
    for top_k in reversed(TOP_K):
        study = run_study(settings(top_k), device="cpu")
        known = cache / "known.json"
        before = json.loads(known.read_text()) if known.exists() else {}
        known.write_text(json.dumps({**before, top_k: digest(study.summary())}))
    shutil.copytree(study.folder, cache / "studies" / "added")
    return study


def played(cache: Path, seconds: float, seed: int) -> Iterator[tuple[str, Counter[str]]]:
    """Let all play at once, and give how each ended."""
    environment = {**os.environ, "WHERE_MODELS_LOOK_CACHE": str(cache)}
    began = [
        (role, subprocess.Popen([sys.executable, "-m", "tests.together", "--play", role, "--seconds", str(seconds),
                                 "--seed", str(seed + number)], env=environment, stdout=subprocess.PIPE, text=True))
        for number, role in enumerate(CAST)
    ]  # fmt: skip
    for role, process in began:
        try:
            said = process.communicate(timeout=seconds + 300)[0]
        except subprocess.TimeoutExpired:
            for _, other in began:
                other.kill()
            raise SystemExit(f"{role} waits for ever") from None
        if process.returncode:
            raise SystemExit(f"{role} ended with {process.returncode}")
        yield role, Counter(json.loads(said))


def main() -> None:
    """Let them play, and see what is left."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--play", choices=ROLES)
    asked.add_argument("--seconds", type=float, default=20.0)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if options.play:
        play(options.play, options.seconds, options.seed)
        return
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "cache")
        cache.mkdir()
        os.environ["WHERE_MODELS_LOOK_CACHE"] = str(cache)
        undisturbed = scene(cache)
        shutil.copytree(undisturbed.folder, Path(folder, "undisturbed"))
        total = Counter[str]()
        for role, ended in played(cache, options.seconds, options.seed):
            print(f"{role}: {', '.join(f'{how} {count}' for how, count in ended.items())}", flush=True)
            total += ended
        added = [path.stem for path in (cache / "studies" / "added" / "models").glob("n*.safetensors")]
        if total["added"] != len(added):
            raise SystemExit(f"{total['added']} networks were added, {len(added)} are there")
        study = run_study(settings(TOP_K[0]), device="cpu")
        if study.damaged() or (study.folder / "state").exists():
            raise SystemExit(f"{study.folder} is not as a run leaves it")
        same_numbers(study, Study(Path(folder, "undisturbed")))
    each = ", ".join(f"{how} {count}" for how, count in total.items())
    print(f"{each}; no traceback, no mixture, nobody waits for ever, and the study has the same bits.")


if __name__ == "__main__":
    main()
