"""The whole grid on one image: every network's map small, a row an α, a column an architecture; a click opens one."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
import streamlit as st

from core.cells import Cell
from core.overlay import overlay, shared_scale
from dashboard.names import decimal, kind, looks, title
from dashboard.viewer import FOLDER, Panel, webp

SIDE, OPACITY = 160, 0.9
"""Pixels of a small map, whole blocks of the picture's compression, which would mix neighbours' colours within one;
and how much of the photo it covers where it is brightest.
"""
GREY = 128


def grid_view(
    photo: np.ndarray | None, panels: Sequence[Panel], cells: Sequence[Cell], key: str, on_open: Callable[[str], None]
) -> None:
    """Draw the grid.

    Parameters
    ----------
    photo : ndarray or None
        (H, W, 3) uint8, square; without one the maps lie on plain grey.
    panels : sequence of Panel
        The teacher first.
    cells : sequence of Cell
        Of the panels.
    key : str
        Streamlit's.
    on_open : callable
        Told the name of the cell whose map was clicked, before the page is drawn anew.
    """

    def clicked() -> None:
        if name := st.session_state[key].cell:
            on_open(name)

    sheet = _sheet(photo, [panel.relevance for panel in panels])
    data = {**layout(panels, cells), "sheet": sheet, "side": SIDE}
    _component()(data=data, key=key, on_cell_change=clicked)


def layout(panels: Sequence[Panel], cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the grid's columns, and its rows with what stands in each cell; imported networks come last."""
    own = [cell for cell in cells if cell.alpha is not None]
    columns = list(dict.fromkeys(cell.architecture for cell in own))
    found = {(_row(cell), cell.architecture): place for place, cell in enumerate(cells) if cell.alpha is not None}
    order = sorted(own, key=lambda cell: (-(cell.alpha or 0.0), cell.explanation_weight))
    rows = [
        {"name": row, "cells": [_cell(found.get((row, name)), panels, cells) for name in columns]}
        for row in dict.fromkeys(map(_row, order))
    ]
    strangers = [place for place, cell in enumerate(cells) if cell.alpha is None]
    width = len(columns)
    for start in range(0, len(strangers), width):
        places = [*strangers[start : start + width], *[None] * width][:width]
        rows.append({"name": "imported", "cells": [_cell(place, panels, cells) for place in places]})
    return {"columns": [title(Cell(name, None, None)) for name in columns], "rows": rows}


def _row(cell: Cell) -> str:
    return f"α = {cell.alpha}{looks(cell)}"


def _cell(place: int | None, panels: Sequence[Panel], cells: Sequence[Cell]) -> dict[str, Any] | None:
    if place is None:
        return None
    panel, teacher = panels[place], place == 0
    says = "the teacher" if teacher else f"ρ = {decimal(panel.alignment)}"
    sign = "" if panel.right is None else " ✓" if panel.right else " ✗"
    name = f"{title(cells[place])}, {kind(cells[place], cells[0])}: {panel.says}"
    return {"cell": panel.cell, "place": place, "text": says + sign, "name": name, "teacher": teacher}


@st.cache_data(max_entries=64, show_spinner=False)
def _sheet(photo: np.ndarray | None, maps: list[np.ndarray]) -> str:
    """Return all small maps side by side on one scale, as a picture that the browser can read."""
    plain = np.full((1, 1, 3), GREY, np.uint8) if photo is None else photo
    base = cv2.resize(plain, (SIDE, SIDE), interpolation=cv2.INTER_AREA if len(plain) > SIDE else cv2.INTER_CUBIC)
    scale = shared_scale(maps)
    sheet = np.concatenate([overlay(base, each, OPACITY, scale) for each in maps], axis=1)
    return webp(sheet, 85)


@cache
def _component() -> Any:
    html, css, js = ((FOLDER / f"grid.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("where_models_look_grid", html=html, css=css, js=js)
