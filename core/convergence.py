"""Whether the maps of a study became as exact as its settings ask."""

from collections.abc import Iterable
from contextlib import suppress

import pandas as pd

from core.cells import Cell
from core.errors import UserError
from core.study import Study

EXACT = "converged"
"""Among a cell's measures: 1 where a map fell under the tolerance, else 0; absent where a method does not know."""


def reached(tables: Iterable[pd.DataFrame], method: str) -> tuple[int, int]:
    """Return how many maps of a method fell under the tolerance, and of how many.

    Parameters
    ----------
    tables : iterable of DataFrame
        `Study.measures(cell)`, a cell each.
    method : str
        One that does not know how exact its maps are has none.
    """
    there = all_of_them = 0
    for table in tables:
        maps = table.loc[(table["measure"] == EXACT) & (table["method"] == method), "value"]
        there += int(maps.sum())
        all_of_them += len(maps)
    return there, all_of_them


def shortfall(study: Study, cells: Iterable[Cell], method: str) -> str:
    """Say in one sentence how many maps of a study are less exact than asked; "" where none is.

    A table that is missing or damaged is passed over: whoever shows it says so.
    """
    tables = []
    for cell in cells:
        with suppress(UserError):
            tables.append(study.measures(cell))
    there, of = reached(tables, method)
    if there == of:
        return ""
    asked = study.config.explain
    return (
        f"Only {there:,} of {of:,} maps ({there / of:.0%}) became as exact as asked (the parts' error bar at most "
        f"{asked.tolerance:.1%}, within {asked.budget} gradients); what is made of the others may be off by more."
    )
