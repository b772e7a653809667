"""A script for sbatch that starts Ray inside its allocation and runs a study on it."""

import re
import sys
from importlib.resources import files
from pathlib import Path
from shlex import quote

from core.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:@+-]*")
"""What Slurm calls its partitions and accounts; its own lines of a script are no shell's, and cannot be quoted."""

ALWAYS = {"job-name": "where-models-look", "open-mode": "append", "signal": "B:USR1@300"}
"""Five minutes before the time is over, Slurm tells the script so; should a node be lost, it begins the job again."""


def script(
    study: str,
    nodes: int = 1,
    cpus: int = 8,
    gpus: int = 0,
    hours: float = 24.0,
    partition: str = "",
    account: str = "",
) -> str:
    """Return the script; it runs this project with this Python, which have to be at the same paths on every node.

    Parameters
    ----------
    study : str
        As `core run` takes it. A relative path of a TOML file is made whole.
    nodes : int
    cpus, gpus : int
        Of each node.
    hours : float
        That the allocation lasts; a study that takes longer goes on in the next one.
    partition, account : str
        Slurm's; "" leaves the choice to it.

    Raises
    ------
    UserError
        A partition or account that is none.
    """
    seconds = round(3600 * hours)
    asked = {
        "nodes": f"{nodes}",
        "ntasks-per-node": "1",
        "cpus-per-task": f"{cpus}",
        "gpus-per-node": f"{gpus}" if gpus else "",
        "time": f"{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}",
        "partition": partition,
        "account": account,
    }
    for name, word in asked.items():
        if word and not WORD.fullmatch(word):
            raise UserError(f"--{name} is a word of Slurm's: letters, digits and _ . , : @ + - (found '{word}').")
    if study.endswith(".toml"):
        study = str(Path(study).resolve())
    head = [f"#SBATCH --{name}={word}" for name, word in {**ALWAYS, **asked}.items() if word]
    given = {"study": study, "project": str(ROOT), "programs": str(Path(sys.executable).parent), "gpus": f"{gpus}"}
    lines = [f"{name}={quote(word)}" for name, word in given.items()]
    body = (files("core.run") / "slurm.sh").read_text(encoding="utf-8")
    return "\n".join(["#!/usr/bin/env bash", *head, "#SBATCH --requeue", "", *lines, body])
