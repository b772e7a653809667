"""A strip of thumbnails, of which one is chosen: walked through with arrow keys, and every choice is said aloud."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import streamlit as st

from core.data.photos import square
from dashboard.viewer import FOLDER, webp

SIDE, COLUMNS = 58, 64
"""Pixels of a thumbnail, and thumbnails in a row of the sheet that they travel on."""


@dataclass(frozen=True)
class Thumbnail:
    """One image of the strip."""

    id: int
    place: int
    """On the sheet."""
    name: str
    value: str
    """What stands on it; "" where nothing does."""


def thumbnails(
    images: Sequence[Thumbnail], sheet: str | None, chosen: int, key: str, on_click: Callable[[int], None]
) -> None:
    """Draw the strip.

    Parameters
    ----------
    images : sequence of Thumbnail
        From left to right.
    sheet : str or None
        From `sheet_of`; without one the names stand alone.
    chosen : int
        The id of the image that is marked.
    key : str
        Streamlit's.
    on_click : callable
        Given the id of the image that was clicked, before the page is drawn.
    """

    def clicked() -> None:
        image = st.session_state[key].image
        if image is not None:
            on_click(int(image))

    items = [asdict(image) for image in images]
    data = {"sheet": sheet, "side": SIDE, "columns": COLUMNS, "images": items, "chosen": chosen}
    _component()(data=data, key=key, on_image_change=clicked)


def sheet_of(photos: Sequence[np.ndarray]) -> str:
    """Return photos (H, W, 3), row by row, as one picture that the browser can read."""
    sheet = np.zeros((-(-len(photos) // COLUMNS) * SIDE, COLUMNS * SIDE, 3), np.uint8)
    for place, photo in enumerate(photos):
        top, left = place // COLUMNS * SIDE, place % COLUMNS * SIDE
        sheet[top : top + SIDE, left : left + SIDE] = square(photo, SIDE)
    return webp(sheet, 80)


@cache
def _component() -> Any:
    html, css, js = ((FOLDER / f"strip.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("where_models_look_strip", html=html, css=css, js=js)
