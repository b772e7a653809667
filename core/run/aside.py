"""Heavy commands in a process of their own: what they take of memory is gone when they are done.

One is done at a time: whoever calls stands in a line with the others, and their process is ended if they leave it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tomli_w

from core.config import Config
from core.errors import UserError
from core.turns import Place, Turns

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 5
"""After which such a command is given up, so that the line goes on: on a machine at rest each takes seconds."""
LOOK = 0.5
"""Seconds between two looks at whether somebody still wants what is being done."""
TURNS = Turns()
"""The line of all who ask for one of these in this process."""


def expected(config: Config, place: Place) -> dict[str, Any]:
    """Return the fields of `core.run.expected.Expected`, and its sentence, of a study on this machine; takes seconds.

    Parameters
    ----------
    config : Config
    place : Place
        In `TURNS`, of who asks.

    Raises
    ------
    Stopped
        The place was given up.
    UserError
        The study could not be run: its data are not there, or its networks cannot be built.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings, answer = Path(folder, "study.toml"), Path(folder, "answer.json")
        settings.write_text(tomli_w.dumps(config.model_dump()), encoding="utf-8")
        _core(place, "expect", str(settings), "--json", str(answer))
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found


def add(
    study: str, name: str, architecture: str, weights: bytes, suffix: str, width: float, stem: str, place: Place
) -> None:
    """Bring a checkpoint into a study, as `core add` does.

    Parameters
    ----------
    study, name, architecture, width, stem
        As of `core.imported.add_model`.
    weights : bytes
        Of a file, which is forgotten afterwards.
    suffix : str
        ".safetensors", or anything else for torch's weights-only reader.
    place : Place
        In `TURNS`, of who asks.

    Raises
    ------
    Stopped
        The place was given up; nothing is kept.
    UserError
        As `core.imported.add_model`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"weights{'.safetensors' if suffix == '.safetensors' else '.pth'}")
        path.write_bytes(weights)
        options = ["--architecture", architecture, "--weights", str(path), "--width", str(width), "--stem", stem]
        try:
            _core(place, "add", *options, "--", study, name)
        except UserError as error:
            said = str(error).replace(f"{path} do not", "The weights do not")
            raise UserError(said.replace(str(path), "The file")) from None


def _core(place: Place, *words: str) -> None:
    with place, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "core", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            _wait(process, place)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            said.seek(0)
            lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
            raise UserError(lines[-1].removeprefix("Error: ") if lines else "That failed, and did not say why.")


def _wait(process: "subprocess.Popen[bytes]", place: Place) -> None:
    end = time.monotonic() + 60 * MINUTES
    while True:
        try:
            process.wait(LOOK)
        except subprocess.TimeoutExpired:
            place.check()
        else:
            return
        if time.monotonic() > end:
            raise UserError(f"That took more than {MINUTES} minutes, and was given up.")
