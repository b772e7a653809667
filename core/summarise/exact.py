"""How many of a study's maps became as exact as its settings ask."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from core.convergence import EXACT
from core.estimates import Estimate
from core.study import Study
from core.summarise.row import summary_row
from core.values import Keys


def exact(study: Study) -> Iterator[dict[str, Any]]:
    """Give the share of the maps of each method, over all networks that the study asks about."""
    tables = [study.measures(cell) for cell in study.cells]
    found = pd.concat([table.loc[table["measure"] == EXACT, ["method", "value"]] for table in tables])
    for method, reached in found.groupby("method", observed=True)["value"]:
        share = Estimate(float(reached.mean()), float("nan"), float("nan"), len(reached), 0)
        yield summary_row("exact", Keys(EXACT, str(method)), share, {})
