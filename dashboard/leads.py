"""Where the marks of a chart lead: to the images behind them, on the page of explanations.

Addresses, so that a mark can be opened in a tab of its own; `dashboard.steps` makes a plain click a change of page.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core.cells import Cell
from dashboard import loaded
from dashboard.gallery import SORTS
from dashboard.names import short, title
from dashboard.state import Choices, cells

PAGE = "explanations"
SHARED = ("study", "architectures", "alphas", "method")
"""Keys of the address that every page has: they go along."""


def networks(choices: Choices, table: pd.DataFrame, sort: str = "", **query: str) -> pd.DataFrame:
    """Return a table of networks (network, alpha) with `link`: where the images of each can be seen.

    Parameters
    ----------
    choices : Choices
    table : DataFrame
        Rows of what is not on show, such as the teacher trained anew, lead nowhere: "".
    sort : str
        The order of the images, a key of `dashboard.gallery.SORTS`.
    query : str
        What else the address should hold.
    """
    students = cells(choices)[1:]
    known = {(title(cell), _alpha(cell.alpha)): to_cell(choices, cell, sort, **query) for cell in students}
    found = [known.get((name, _alpha(a)), "") for name, a in zip(table["network"], table["alpha"], strict=True)]
    table = table.assign(link=found)
    if "role" in table:
        table.loc[table["role"].isin(["teacher", "retrained"]), "link"] = ""
    return table


def images(choices: Choices, cell: Cell, table: pd.DataFrame) -> list[str]:
    """Return where each image of a table (image) can be seen beside a network's map; "" where no maps were kept."""
    kept = set(loaded.images(choices.study).query("kept")["id"])
    own = to_cell(choices, cell)
    return [f"{own}&image={image}" if image in kept else "" for image in table["image"]]


def to_cell(choices: Choices, cell: Cell, sort: str = "", **query: str) -> str:
    """Return the address of a network's images, in an order of `dashboard.gallery.SORTS`."""
    asked = {"student": short(cell, choices.study.teacher), **query}
    return address({**asked, "sort": SORTS[sort]} if sort else asked)


def address(query: dict[str, str]) -> str:
    """Return an address on the page of explanations, with what is chosen on every page."""
    shared: dict[str, Sequence[str]] = {key: st.query_params.get_all(key) for key in SHARED}
    return f"{PAGE}?{urlencode({**{key: values for key, values in shared.items() if values}, **query}, doseq=True)}"


def _alpha(alpha: Any) -> float:
    """Return an α as a key: imported networks have none, and NaN is not itself."""
    return -1.0 if pd.isna(alpha) else float(alpha)
