"""The first file of a study: study.toml, its settings and where its networks come from."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

from core.config import Config
from core.store import write_bytes
from core.study import Study


def begin(config: Config, folder: Path, provenance: dict[str, Any]) -> Study:
    """Write study.toml: the settings, resolved, and where its networks come from."""
    tree = config.model_dump()
    if tree["data"]["root"]:
        with suppress(ValueError):  # another drive, on Windows
            tree["data"]["root"] = os.path.relpath(tree["data"]["root"], folder.resolve())
    write_bytes(folder / "study.toml", tomli_w.dumps({**tree, "provenance": provenance}).encode())
    return Study(folder)
