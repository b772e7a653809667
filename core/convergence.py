"""Whether the maps of a study became as exact as its settings ask."""

import pandas as pd

from core.config import Explain

EXACT = "converged"
"""Among a cell's measures: 1 where a map fell under the tolerance, else 0; absent where a method does not know."""


def shortfall(summary: pd.DataFrame, explain: Explain, method: str) -> str:
    """Say in one sentence how many maps of a study are less exact than asked; "" where none is.

    Parameters
    ----------
    summary : DataFrame
        Of its kind "exact" a row a method.
    explain : Explain
        What was asked of them.
    method : str
        One that does not know how exact its maps are has fallen short of nothing.
    """
    rows = summary[(summary["kind"] == "exact") & (summary["method"] == method)]
    if rows.empty or (share := float(rows["estimate"].iloc[0])) == 1:
        return ""
    of = int(rows["n"].iloc[0])
    return (
        f"Only {round(share * of):,} of {of:,} maps ({share:.0%}) became as exact as asked (the parts' error bar "
        f"at most {explain.tolerance:.1%}, within {explain.budget} gradients); what is made of the others may be off "
        "by more."
    )
