"""How training goes, also of networks that are still under it: epoch by epoch."""

import json
from pathlib import Path

import pandas as pd
from safetensors import SafetensorError, safe_open

from core.cells import grid
from core.errors import UserError
from core.study import Study


def curves(study: Study) -> pd.DataFrame:
    """Return one row an epoch of every network that has one behind it: the columns of `Study.history`, cell, alpha.

    A network under training keeps its history in its state, which an interrupted run goes on from; a trained one, in
    history/. Nothing here raises: a file that is being replaced is there at the next look.
    """
    found = []
    for cell in grid(study.config):
        epochs = _state(study.folder / "state" / f"{cell.name}.safetensors")
        if epochs is None:
            try:
                epochs = study.history(cell)
            except UserError:
                continue
        found.append(epochs.assign(cell=cell.name, architecture=cell.architecture, alpha=cell.alpha, seed=cell.seed))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _state(path: Path) -> pd.DataFrame | None:
    try:
        with safe_open(path, "np") as file:
            rows = json.loads((file.metadata() or {}).get("history", "[]"))
    except (SafetensorError, OSError, ValueError):
        return None
    return pd.DataFrame(rows) if rows else None
