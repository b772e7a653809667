"""The gallery of a study: the images whose maps were kept, who is right about them, and the choice of one."""

import base64
import io
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.cells import Cell
from core.data.photos import square
from core.errors import UserError
from core.study import Study
from dashboard import loaded
from dashboard.state import Choices, kept
from dashboard.viewer import FOLDER
from dashboard.widgets import SWITCHED, TURNED, choose

SIDE, COLUMNS = 58, 64
"""Pixels of a thumbnail, and thumbnails in a row of the sheet that they travel on."""
CLICKED = "image clicked"
"""Session state: the image whose thumbnail this run answers to."""
FILTERS = {
    "all": "All",
    "right": "All networks right",
    "student": "Only students wrong",
    "teacher": "Teacher wrong",
}


def images(study: Study, cells: list[Cell]) -> pd.DataFrame:
    """Return the gallery's images: id, class name, `verdict` (a key of FILTERS), and place on the sheet.

    Parameters
    ----------
    study : Study
        With its gallery.
    cells : list of Cell
        The networks shown, the teacher first: "a student" is one of these.

    Raises
    ------
    UserError
        The study is not finished, or a file is missing or damaged.
    """
    loaded.summary(study)  # says how far a study is that is not finished
    table = loaded.images(study)
    found = table[table["kept"]].sort_values("id", ignore_index=True)
    names = np.array(classes(study), dtype=object)
    right = np.stack([_answers(study, cell, found["id"].to_numpy()) == found["label"] for cell in cells])
    verdict = np.where(right.all(axis=0), "right", np.where(right[0], "student", "teacher"))
    return pd.DataFrame(
        {"id": found["id"], "name": names[found["label"]], "verdict": verdict, "place": np.arange(len(found))}
    )


def pick(choices: Choices, table: pd.DataFrame) -> int | None:
    """Draw the filters and the strip of thumbnails, and return the id of the chosen image; None where none is left.

    The image is in the address (`?image=…`), the gallery's first one aside, and survives a change of page.
    """
    if table.empty:
        st.info("This study kept no maps (keep.maps is 0), so there is no gallery.")
        return None
    # Kept for a change of page only: within the page an address without an image is the first one, also by Back.
    before = str(kept().get("image", "")) if st.session_state.get(TURNED, False) else ""
    asked = str(st.session_state.pop(CLICKED, None) or st.query_params.get("image") or before)
    left, right = st.columns([1, 2], vertical_alignment="top")
    with left:
        name = st.selectbox("Class", ["All classes", *sorted(table["name"].unique())], key="gallery_class")
    with right:
        verdict = choose("who", "Who is right", list(FILTERS), "all", FILTERS.__getitem__)
    rows = table
    if name != "All classes":
        rows = rows[rows["name"] == name]
    if verdict != "all":
        rows = rows[rows["verdict"] == verdict]
    if rows.empty:
        st.info("No image of the gallery is like that.")
        return None
    ids = [int(image) for image in rows["id"]]
    switched = st.session_state.get(SWITCHED, False)
    if asked and not switched and asked not in {str(image) for image in table["id"]}:
        st.info("No maps of that image were kept; here is another one.")
    chosen = next((image for image in ids if str(image) == asked), ids[0])
    _strip(choices.study, rows, chosen)
    kept()["image"] = chosen
    if chosen != int(table["id"].iloc[0]):
        st.query_params["image"] = str(chosen)
    elif "image" in st.query_params:  # the usual one leaves no trace: to write it would be one more step to go back
        del st.query_params["image"]
    return chosen


def photo(study: Study, image: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return an image of the study (S, S, 3) and its part map (S, S); None where it is not on this machine."""
    return _photo(study, str(study.folder), loaded.stamp(study.folder), image)


def classes(study: Study) -> tuple[str, ...]:
    """Return the class names, from the networks where the images are not on this machine."""
    return _classes(study, str(study.folder), loaded.stamp(study.folder))


def answer(study: Study, cell: Cell, image: int) -> tuple[int, float]:
    """Return the class a cell chose for a test image, and the probability it gave it."""
    ids, logits = loaded.logits(study, cell)
    row = logits[np.searchsorted(ids, image)].astype(np.float64)
    share = np.exp(row - row.max())
    return int(row.argmax()), float(share.max() / share.sum())


def _answers(study: Study, cell: Cell, images: np.ndarray) -> np.ndarray:
    ids, logits = loaded.logits(study, cell)
    found: np.ndarray = logits[np.searchsorted(ids, images)].argmax(axis=1)
    return found


def _strip(study: Study, rows: pd.DataFrame, chosen: int) -> None:
    sheet = _sheet(study, str(study.folder), loaded.stamp(study.folder))
    signs = {"right": "all right", "student": "a student is wrong", "teacher": "the teacher is wrong"}
    items = [
        {"id": int(image), "place": int(place), "name": f"{name}: {signs[verdict]}"}
        for image, place, name, verdict in zip(rows["id"], rows["place"], rows["name"], rows["verdict"], strict=True)
    ]
    data = {"sheet": sheet, "side": SIDE, "columns": COLUMNS, "images": items, "chosen": chosen}
    _component()(data=data, key="gallery_strip", on_image_change=_click)


def _click() -> None:
    """Note the thumbnail that was clicked before the page is drawn, so that the strip marks it too."""
    image = st.session_state["gallery_strip"].image
    if image is not None:
        st.session_state[CLICKED] = str(int(image))


@st.cache_data(max_entries=8, show_spinner="Reading the gallery")
def _sheet(_study: Study, folder: str, stamp: str) -> str | None:
    table = loaded.images(_study)
    ids = table.loc[table["kept"], "id"].sort_values().to_numpy()
    sheet = np.zeros((-(-len(ids) // COLUMNS) * SIDE, COLUMNS * SIDE, 3), np.uint8)
    for place, image in enumerate(ids):
        found = photo(_study, int(image))
        if found is None:
            return None
        top, left = place // COLUMNS * SIDE, place % COLUMNS * SIDE
        sheet[top : top + SIDE, left : left + SIDE] = square(found[0], SIDE)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


@st.cache_data(max_entries=512, show_spinner=False)
def _photo(_study: Study, folder: str, stamp: str, image: int) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        photos, part_maps = _study.dataset.load([image])
    except UserError:
        return None
    return photos[0], part_maps[0]


@st.cache_data(max_entries=8, show_spinner=False)
def _classes(_study: Study, folder: str, stamp: str) -> tuple[str, ...]:
    try:
        return _study.dataset.classes
    except UserError:
        return _study.header(_study.teacher).classes


@cache
def _component() -> Any:
    html, css, js = ((FOLDER / f"strip.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("where_models_look_strip", html=html, css=css, js=js)
