"""How training goes, also of networks that are still under it: epoch by epoch."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError, safe_open

from core.cells import Cell, grid
from core.errors import UserError
from core.study import Study

COLUMNS = ["epoch", "loss", "train_accuracy", "validation_accuracy"]


def begun(study: Study) -> list[Cell]:
    """Return the cells of the first seed whose training has begun, as far as their files tell; none of them is read."""
    first = [cell for cell in grid(study.config) if cell.seed == study.config.students.seeds[0]]
    return [cell for cell in first if any(path.exists() for path in sources(study, cell))]


def sources(study: Study, cell: Cell) -> tuple[Path, Path]:
    """Return where a cell's history is: while it is trained, in the state that a run goes on from, then in history/."""
    return study.folder / "state" / f"{cell.name}.safetensors", study.path("history", cell)


def curve(study: Study, cell: Cell) -> pd.DataFrame:
    """Return one row (`COLUMNS`) an epoch that a cell has behind it.

    Nothing here raises: of a file that is damaged, or being replaced, there are no rows.
    """
    state, _ = sources(study, cell)
    found = _state(state)
    if found.empty:
        with suppress(UserError):
            return study.history(cell)[COLUMNS]
    return found


def _state(path: Path) -> pd.DataFrame:
    try:
        with safe_open(path, "np") as file:
            rows = json.loads((file.metadata() or {}).get("history", "[]"))
    except (SafetensorError, OSError, ValueError, RecursionError):
        rows = []
    whole = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return pd.DataFrame([[_number(row.get(name)) for name in COLUMNS] for row in whole], columns=COLUMNS)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
