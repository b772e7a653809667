"""The gallery of a study: the images whose maps were kept, who is right about them, and the choice of one."""

import base64
import io
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.cells import Cell, undistilled
from core.data.photos import square
from core.errors import UserError
from core.figures import images as figures
from core.measures import MEASURES
from core.study import Study
from dashboard import loaded
from dashboard.state import Choices, kept
from dashboard.viewer import FOLDER
from dashboard.widgets import SWITCHED, TURNED, between, select
from dashboard.words import ALIGNED_HELP, ANSWERS_HELP, SORT_HELP

SIDE, COLUMNS = 58, 64
"""Pixels of a thumbnail, and thumbnails in a row of the sheet that they travel on."""
CLICKED, ORDER = "image clicked", "images in order"
"""Session state: the image that this run answers to, and those that are on show, one after the other."""
EVERY_CLASS = "All classes"
FILTERS = {
    "all": "All",
    "right": "Student right",
    "student": "Student wrong",
    "disagree": "Student and teacher disagree",
    "teacher": "Teacher wrong",
}
CHANGED, WRONG = "changed", "wrong"
SORTS = {
    "usual": "In the study's order",
    CHANGED: "Most changed by distillation",
    WRONG: "Student wrong first",
    **{
        f"{name} {way}": f"{MEASURES[name].label}, {way} first"
        for name in figures.SORTED
        for way in ("lowest", "highest")
    },
}
"""Orders of the images, by a measure of the chosen student, and their names."""
LEAST, MOST, STEP = -1.0, 1.0, 0.1
"""Of the slider of rank alignment."""


@dataclass(frozen=True)
class Filters:
    """Which images are shown, and in which order."""

    name: str
    """Of a class, or `EVERY_CLASS`."""
    verdict: str
    """A key of `FILTERS`."""
    aligned: tuple[float, float]
    """Rank alignment from and to."""
    sort: str
    """A key of `SORTS`."""


def images(choices: Choices, student: Cell | None) -> pd.DataFrame:
    """Return the gallery's images, in the study's order.

    Parameters
    ----------
    choices : Choices
        Of a study with a gallery.
    student : Cell or None
        Whose answers and measures count; without one the teacher's answers do.

    Returns
    -------
    DataFrame
        id, name of the class, place on the sheet, and whether the teacher and the student are right, and agree.

    Raises
    ------
    UserError
        The study is not finished, or a file is missing or damaged.
    """
    study = choices.study
    loaded.summary(study)  # says how far a study is that is not finished
    table = loaded.images(study)
    found = table[table["kept"]].sort_values("id", ignore_index=True)
    ids, labels = found["id"].to_numpy(), found["label"].to_numpy()
    teachers = _answers(study, study.teacher, ids)
    students = teachers if student is None else _answers(study, student, ids)
    return pd.DataFrame(
        {
            "id": ids,
            "name": np.array(classes(study), dtype=object)[labels],
            "place": np.arange(len(found)),
            "teacher": teachers == labels,
            "student": students == labels,
            "agree": teachers == students,
        }
    )


def pick(choices: Choices, student: Cell | None) -> int | None:
    """Draw the filters and the strip of thumbnails, and return the id of the chosen image; None where none is left.

    The image is in the address (`?image=…`), the first one in the order aside, and survives a change of page.
    """
    table = images(choices, student)
    if table.empty:
        st.info("This study kept no maps (keep.maps is 0), so there is no gallery.")
        return None
    # Kept for a change of page only: within the page an address without an image is the first one, also by Back.
    before = str(kept().get("image", "")) if st.session_state.get(TURNED, False) else ""
    asked = str(st.session_state.pop(CLICKED, None) or st.query_params.get("image") or before)
    rows = ordered(choices, student, table, _filters(table, student))
    st.session_state[ORDER] = [int(image) for image in rows["id"]]
    if rows.empty:
        st.info("No image of the gallery is like that.")
        return None
    ids = st.session_state[ORDER]
    switched = st.session_state.get(SWITCHED, False)
    if asked and not switched and asked not in {str(image) for image in table["id"]}:
        st.info("No maps of that image were kept; here is another one.")
    chosen = next((image for image in ids if str(image) == asked), ids[0])
    _strip(choices.study, rows, chosen)
    if len(rows) < len(table):
        st.caption(f"{len(rows)} of {len(table)} images are like that.")
    kept()["image"] = chosen
    if chosen != ids[0]:
        st.query_params["image"] = str(chosen)
    elif "image" in st.query_params:  # the usual one leaves no trace: to write it would be one more step to go back
        del st.query_params["image"]
    return chosen


def step(key: str) -> None:
    """Go to the next image of the strip, or to the one before, as the viewer of this key says; round and round."""
    ids, way = st.session_state.get(ORDER), st.session_state[key].step
    if ids and way:
        at = ids.index(kept()["image"]) if kept().get("image") in ids else 0
        st.session_state[CLICKED] = str(ids[(at + int(way)) % len(ids)])


def looked(key: str) -> None:
    """Put the view that the viewer of this key tells of into the address; the usual one leaves no trace."""
    if text := st.session_state[key].view:
        st.query_params["view"] = text
    elif "view" in st.query_params:
        del st.query_params["view"]


def ordered(choices: Choices, student: Cell | None, table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """Return the rows of `images` that pass, in order, with `value`: what they are sorted by, NaN last.

    Images on which rank alignment is undefined pass only where no range of it is asked for.
    """
    rows = table if filters.name == EVERY_CLASS else table[table["name"] == filters.name]
    keep = {
        "right": rows["student"],
        "student": ~rows["student"],
        "disagree": ~rows["agree"],
        "teacher": ~rows["teacher"],
    }
    rows = rows[keep[filters.verdict]] if filters.verdict in keep else rows
    if filters.aligned != (LEAST, MOST):
        rows = rows[_values(choices, student, "rank_alignment", rows["id"]).between(*filters.aligned).to_numpy()]
    if filters.sort == "usual":
        return rows.assign(value=np.nan)
    if filters.sort == WRONG:
        return rows.assign(value=np.nan).sort_values("student", kind="stable")
    if filters.sort == CHANGED:
        before = None if student is None else undistilled(student, choices.config)
        now, then = (_values(choices, cell, "rank_alignment", rows["id"]).to_numpy() for cell in (student, before))
        rows = rows.assign(value=now - then)
        return rows.sort_values("value", key=abs, ascending=False, kind="stable", na_position="last")
    measure, way = filters.sort.rsplit(" ", 1)
    rows = rows.assign(value=_values(choices, student, measure, rows["id"]).to_numpy())
    return rows.sort_values("value", ascending=way == "lowest", kind="stable", na_position="last")


def _filters(table: pd.DataFrame, student: Cell | None) -> Filters:
    names = [EVERY_CLASS, *sorted(table["name"].unique())]
    sort, name, who, aligned = st.columns(4, vertical_alignment="top")
    with sort:
        order = select("sort", "Order", list(SORTS), "usual", SORTS.__getitem__, SORT_HELP)
    with name:
        named = select("gallery_class", "Class", names, EVERY_CLASS)
    with who:
        verdict = select("who", "Answers", list(FILTERS), "all", FILTERS.__getitem__, ANSWERS_HELP)
    with aligned:
        span = between("aligned", "Rank alignment", LEAST, MOST, STEP, ALIGNED_HELP)
    return Filters(named, verdict, span, order)


def _values(choices: Choices, cell: Cell | None, measure: str, ids: pd.Series) -> pd.Series:
    """Return a measure of a cell on these images; NaN where there is none."""
    if cell is None:
        return pd.Series(np.nan, index=ids)
    return figures.of_images(loaded.measures(choices.study, cell), measure, choices.method).reindex(ids)


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
    items = [
        {
            "id": int(row["id"]),
            "place": int(row["place"]),
            "name": f"{row['name']}: {_said(row)}",
            "value": "" if np.isnan(row["value"]) else figures.signed(row["value"]),
        }
        for row in rows.to_dict("records")
    ]
    sheet = _sheet(study, str(study.folder), loaded.stamp(study.folder))
    data = {"sheet": sheet, "side": SIDE, "columns": COLUMNS, "images": items, "chosen": chosen}
    _component()(data=data, key="gallery_strip", on_image_change=_click)


def _said(row: dict[Hashable, Any]) -> str:
    signs = {True: "right", False: "wrong"}
    return f"student {signs[row['student']]}, teacher {signs[row['teacher']]}"


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
