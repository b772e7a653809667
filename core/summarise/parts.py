"""Rows of which share of its looking each part receives."""

from typing import Any

import numpy as np
import pandas as pd

from core.cells import Cell, grid
from core.estimates import Estimate, mean_over_seeds
from core.study import Study
from core.summarise.row import summary_row
from core.values import Keys


def parts(study: Study) -> list[dict[str, Any]]:
    """Which share of its looking each part receives, over seeds; the teacher's with an interval over images."""
    tables: dict[tuple[str, float | None], list[tuple[Cell, pd.DataFrame]]] = {}
    for cell in grid(study.config):
        key: tuple[str, float | None] = ("", None) if cell == study.teacher else (cell.architecture, cell.alpha)
        tables.setdefault(key, []).append((cell, study.parts(cell).set_index(["method", "part"])))
    rows = []
    for (architecture, alpha), cells in tables.items():
        where: dict[str, Any] = {"architecture": architecture, "alpha": alpha, "seed": "all"}
        if not architecture:
            teacher = cells[0][0]
            where = {"cell": teacher.name, "architecture": teacher.architecture, "alpha": 1.0, "seed": teacher.seed}
        for method, part in cells[0][1].index:
            one = [table.loc[(method, part)] for _, table in cells if (method, part) in table.index]
            if len(one) == 1:
                half = 1.96 * one[0]["error"]
                estimate = Estimate(one[0]["mean"], one[0]["mean"] - half, one[0]["mean"] + half, int(one[0]["n"]), 0)
            else:
                estimate = mean_over_seeds(np.array([each["mean"] for each in one]))
            rows.append(summary_row("part", Keys("part_share", str(method)), estimate, {**where, "subset": str(part)}))
    return rows
