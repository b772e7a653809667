"""Where the marks of a chart lead: to the images behind them, on the page of explanations.

Addresses, so that a mark can be opened in a tab of its own; `dashboard.steps` makes a plain click a change of page.
"""

from collections.abc import Hashable, Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core.cells import Cell
from core.figures.images import COUNTED
from dashboard import loaded
from dashboard.gallery import FILTERS, SORTS, WRONG
from dashboard.names import short, title
from dashboard.once import once
from dashboard.state import Choices, cells

PAGE = "explanations"
SHARED = ("study", "architectures", "alphas", "looking", "method")
"""Keys of the address that every page has: they go along."""


def networks(
    choices: Choices, table: pd.DataFrame, sort: str = "", bars: Cell | None = None, **query: str
) -> pd.DataFrame:
    """Return a table of networks (network, alpha) with `link`: where the images of each can be seen.

    Parameters
    ----------
    choices : Choices
    table : DataFrame
        Rows of what is not on show, such as the teacher trained anew, lead nowhere: "".
    sort : str
        The order of the images, a key of `dashboard.gallery.SORTS`.
    bars : Cell, optional
        Whose images the teacher's rows lead to, those that it looks at least as the teacher does first.
    query : str
        What else the address should hold.
    """
    students = cells(choices)[1:]
    known = {(title(cell), _alpha(cell.alpha)): to_cell(choices, cell, sort, **query) for cell in students}
    found = [known.get((name, _alpha(a)), "") for name, a in zip(table["network"], table["alpha"], strict=True)]
    table = table.assign(link=found)
    if "role" in table:
        table.loc[table["role"].isin(["teacher", "retrained"]), "link"] = ""
        if bars is not None:
            table.loc[table["role"] == "teacher", "link"] = to_cell(choices, bars, "rank_alignment lowest")
    return table


def order(measure: str, importance: str = "", outside: str = "") -> str:
    """Return by which of `dashboard.gallery.SORTS` the images tell why a network's mark stands where it does.

    "" where single images have no such number. Parameters as `core.figures.tables.estimates`.
    """
    if measure == "accuracy":
        return WRONG
    measure = "focus" if measure == "focus_ratio" else measure  # image by image, one grows with the other
    key = f"{measure} lowest"
    return key if key in SORTS and COUNTED.get(measure, ("", "")) == (importance, outside) else ""


def answers(subset: str) -> dict[str, str]:
    """Return what the address holds for a network's images to be those that a number is of."""
    return {"who": FILTERS["both"]} if subset == "both right" else {}


@once(64)
def note(choices: Choices) -> str:
    """Say what a click on a network's mark opens, as far as that is less than what its number is of."""
    table = loaded.images(choices.study)
    kept, explained = int(table["kept"].sum()), int(table["explained"].sum())
    said = "Click on a mark to see the images behind it"
    if kept < explained:
        said += f": of {explained} that were explained the {kept} whose maps were kept"
    seeds = choices.config.students.seeds
    if len(seeds) > 1:
        said += f", by the network of the first of {len(seeds)} seeds ({seeds[0]})"
    return f"{said}."


def image_note(table: pd.DataFrame) -> str:
    """Say how many images of a table with `link` can be opened by a click on their marks."""
    can = int((table["link"] != "").sum())
    if not can:
        return "None of these images has maps to open."
    return f"Click on a strong mark to open its image: {can} of {len(table)} images have maps to open."


def listed(tables: Sequence[pd.DataFrame]) -> dict[str, str]:
    """Return the addresses of tables with what each is of, once: what a keyboard has in place of the marks."""
    found: dict[str, str] = {}
    for table in tables:
        if "link" in table:
            for row in table[table["link"] != ""].to_dict("records"):
                found.setdefault(row["link"], _called(row))
    return found


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


def _called(row: dict[Hashable, Any]) -> str:
    if "image" in row:
        return f"{row['name']}, image {row['image']}"
    if "network" not in row:
        return f"All of the class {row['name']}"
    if row.get("role") == "teacher":
        return "The bars: the student's images, least like the teacher first"
    return str(row["network"]) if pd.isna(row["alpha"]) else f"{row['network']}, α = {row['alpha']}"


def _alpha(alpha: Any) -> float:
    """Return an α as a key: imported networks have none, and NaN is not itself."""
    return -1.0 if pd.isna(alpha) else float(alpha)
