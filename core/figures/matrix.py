"""A chart's numbers as a matrix below it: a row an α, a column a network, under the points that they are of."""

from typing import Any

import altair as alt
import pandas as pd

from core.figures.encoding import INK, RAMPS, label, written

ROW, GAP = 24, 10
"""Pixels of a row, and between the plot and the first of them."""
WIDEST = 8
"""Networks side by side at most: numbers of more would touch."""
PALE, FULL = 0.05, 0.42
"""Opacity of the lowest and of the highest cell: text in the theme's ink is readable on both."""


def height(table: pd.DataFrame) -> int:
    """Return the pixels that the matrix of a table takes; 0 where it has too many networks for one."""
    wide = table["network"].nunique() > WIDEST
    return 0 if wide or table.empty else ROW * table["alpha"].nunique(dropna=False) + GAP


def matrix(table: pd.DataFrame, x: alt.X, form: str, theme: str, extra: dict[str, Any]) -> list[alt.Chart]:
    """Return the layers of the matrix: they lie outside of the plot, where its lower axis leaves `height` free.

    Parameters
    ----------
    table : DataFrame
        network, alpha, estimate and what `extra` names.
    x : alt.X
        Of the plot above: its columns are the matrix's.
    form : str
        Of a number.
    theme : str
        "light" or "dark".
    extra : dict
        More channels of every cell, such as its tooltip.
    """
    if not height(table):
        return []
    rows = table.assign(number=table["estimate"].map(lambda value: written(value, form)))
    known = table["estimate"].dropna()
    ends = [float(known.min()), float(known.max())] if len(known) else [0.0, 1.0]
    shade = alt.Opacity("estimate:Q", scale=alt.Scale(domain=ends, range=[PALE, FULL]), legend=None)
    layers = []
    for place, alpha in enumerate(sorted(set(rows["alpha"].fillna(-1.0)), reverse=True)):
        own = rows[rows["alpha"].fillna(-1.0) == alpha]
        top = GAP + ROW * place
        middle = alt.value(alt.expr(f"height + {top + ROW / 2}"))
        cells = alt.Chart(own).encode(x=x, **extra)
        sides = {
            "y": alt.value(alt.expr(f"height + {top + 1}")),
            "y2": alt.value(alt.expr(f"height + {top + ROW - 1}")),
        }
        name = "imported" if alpha < 0 else f"α {label(alpha)}"
        heading = alt.Chart(pd.DataFrame({"row": [name]})).mark_text(align="right", fontSize=12, color=INK[theme])
        layers += [
            cells.mark_rect(color=RAMPS[theme][1], cornerRadius=3).encode(opacity=shade, **sides),
            cells.mark_text(fontSize=12, color=INK[theme]).encode(text="number:N", y=middle),
            heading.encode(x=alt.value(-8), y=middle, text="row:N"),
        ]
    return layers
