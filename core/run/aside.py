"""Heavy commands in a process of their own: what they take of memory is gone when they are done."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tomli_w

from core.config import Config
from core.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 10


def expected(config: Config) -> dict[str, Any]:
    """Return the fields of `core.run.expected.Expected`, and its sentence, of a study on this machine; takes seconds.

    Raises
    ------
    UserError
        The study could not be run: its data are not there, or its networks cannot be built.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings, answer = Path(folder, "study.toml"), Path(folder, "answer.json")
        settings.write_text(tomli_w.dumps(config.model_dump()), encoding="utf-8")
        _core("expect", str(settings), "--json", str(answer))
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found


def add(study: str, name: str, architecture: str, weights: bytes, suffix: str, width: float, stem: str) -> None:
    """Bring a checkpoint into a study, as `core add` does.

    Parameters
    ----------
    study, name, architecture, width, stem
        As of `core.imported.add_model`.
    weights : bytes
        Of a file, which is forgotten afterwards.
    suffix : str
        ".safetensors", or anything else for torch's weights-only reader.

    Raises
    ------
    UserError
        As `core.imported.add_model`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"weights{'.safetensors' if suffix == '.safetensors' else '.pth'}")
        path.write_bytes(weights)
        options = ["--architecture", architecture, "--weights", str(path), "--width", str(width), "--stem", stem]
        try:
            _core("add", *options, "--", study, name)
        except UserError as error:
            raise UserError(str(error).replace(str(path), "The file")) from None


def _core(*words: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "core", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"That took more than {MINUTES} minutes, and was given up.") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise UserError(lines[-1].removeprefix("Error: ") if lines else "That failed, and did not say why.")
