"""Runs of a tiny study, killed at random moments of every stage in turn, each to end as one that nothing disturbed.

`python -m tests.soak` says how many kills there were, of what, and fails where a bit differs.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from core.study import Study
from tests.killing import STAGES
from tests.same import same_numbers
from tests.tiny import tiny_config, write_toml

SHORTEST, LONGEST = 0.003, 3.0
"""Seconds from a stage's beginning to the kill."""
WHOM = ["all", "all", "run", "worker"]


def run(toml: Path, cache: Path, kill: dict[str, object] | None = None) -> subprocess.CompletedProcess:
    """Run a study in processes of its own; to the end, or until it is killed."""
    module = "core" if kill is None else "tests.killing"
    environment = {**os.environ, "WHERE_MODELS_LOOK_CACHE": str(cache), "KILL": json.dumps(kill)}
    return subprocess.run(
        [sys.executable, "-m", module, "run", str(toml), "--device", "cpu"],
        env=environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )


def killed(toml: Path, cache: Path, stage: str, chance: random.Random) -> str:
    """Run until a kill at a random moment of a stage, and return who was killed."""
    whom = "run" if stage == "read images" else chance.choice(WHOM)  # that is its own worker
    seconds = SHORTEST * (LONGEST / SHORTEST) ** chance.random()
    ended = run(toml, cache, {"stage": stage, "seconds": seconds, "whom": whom})
    if ended.returncode != (1 if whom == "worker" else -9):
        raise SystemExit(f"{stage}: exit {ended.returncode} after the kill of {whom}\n{ended.stdout}{ended.stderr}")
    if whom == "worker" and "ended from outside" not in ended.stderr:
        raise SystemExit(f"{stage}: a killed worker is told as\n{ended.stderr}")
    return whom


def main() -> None:
    """Kill, go on, compare; until there were kills enough."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=21, help="at least; every study is killed once in each stage")
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    chance, counts, start = random.Random(options.seed), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        toml = write_toml(Path(folder, "small.toml"), tiny_config())

        def finished(name: str) -> Study:
            ended = run(toml, Path(folder, name))
            if ended.returncode:
                raise SystemExit(f"it did not come to its end:\n{ended.stdout}{ended.stderr}")
            return Study(Path(folder, name, "studies", "small"))

        undisturbed = finished("undisturbed")
        turn = 0
        while counts.total() < options.kills:
            turn += 1
            for stage in STAGES:
                whom = killed(toml, Path(folder, str(turn)), stage, chance)
                counts[stage] += 1
                print(f"{time.monotonic() - start:5.0f} s  {stage}: killed ({whom})", flush=True)
            study = finished(str(turn))
            if study.damaged() or (study.folder / "state").exists():
                raise SystemExit(f"{study.folder} is not as a run leaves it")
            same_numbers(study, undisturbed)
            print(f"{time.monotonic() - start:5.0f} s  study {turn} is the undisturbed one, bit for bit", flush=True)
    each = ", ".join(f"{stage} {count}" for stage, count in counts.items())
    print(f"{counts.total()} kills ({each}), seed {options.seed}, {turn} studies: all went on to the same bits.")


if __name__ == "__main__":
    main()
