"""Rows of which share of its looking each part receives, and of what distillation changes in that."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.cells import Cell, grid
from core.estimates import Estimate, mean_over_seeds
from core.study import Study
from core.summarise.row import summary_row
from core.values import Keys

Group = tuple[str, float | None, float]
"""Architecture, α and λ; "" and None of the teacher."""


def parts(study: Study) -> Iterator[dict[str, Any]]:
    """Which share of its looking each part receives, over seeds; the teacher's with an interval over images.

    Behind them the shares of distilled students less those of the same seeds without distillation, with Student's t
    over the seeds' differences. With one seed these have no interval: of a single training there is only the images'
    own, which would say nothing of training again.
    """
    groups: dict[Group, dict[Cell, pd.DataFrame]] = {}
    for cell in grid(study.config):
        key: Group = ("", None, 0.0)
        if cell != study.teacher:
            key = (cell.architecture, cell.alpha, cell.explanation_weight)
        groups.setdefault(key, {})[cell] = study.parts(cell).set_index(["method", "part"])
    for key, cells in groups.items():
        yield from _shares(study.teacher, key, cells)
    for key, cells in groups.items():
        if key[0] and key[1] != 1:
            yield from _changes(key, cells, groups.get((key[0], 1.0, 0.0), {}))


def _shares(teacher: Cell, key: Group, cells: dict[Cell, pd.DataFrame]) -> Iterator[dict[str, Any]]:
    where = _where(key)
    if not key[0]:
        where = {"cell": teacher.name, "architecture": teacher.architecture, "alpha": 1.0, "seed": teacher.seed}
    for method, part in next(iter(cells.values())).index:
        one = [table.loc[(method, part)] for table in cells.values() if (method, part) in table.index]
        if len(one) == 1:
            half = 1.96 * one[0]["error"]
            estimate = Estimate(one[0]["mean"], one[0]["mean"] - half, one[0]["mean"] + half, int(one[0]["n"]), 0)
        else:
            estimate = mean_over_seeds(np.array([each["mean"] for each in one]))
        yield summary_row("part", Keys("part_share", str(method)), estimate, {**where, "subset": str(part)})


def _changes(
    key: Group, distilled: dict[Cell, pd.DataFrame], alone: dict[Cell, pd.DataFrame]
) -> Iterator[dict[str, Any]]:
    where = {**_where(key), "control": "no distillation"}
    before = {cell.seed: table["mean"] for cell, table in alone.items()}
    changes = [table["mean"] - before[cell.seed] for cell, table in distilled.items() if cell.seed in before]
    if not changes:
        return
    # A part that one of the two never sees has no change: NaN, left out and counted.
    table = pd.concat(changes, axis=1).sort_index()
    for (method, part), values in zip(table.index, table.to_numpy(float), strict=True):
        estimate = mean_over_seeds(values)
        yield summary_row("part", Keys("part_share", str(method)), estimate, {**where, "subset": str(part)})


def _where(key: Group) -> dict[str, Any]:
    return {"architecture": key[0], "alpha": key[1], "explanation_weight": key[2], "seed": "all"}
