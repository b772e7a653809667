"""The gallery of a study: the images whose maps were kept, who is right about them, and the choice of one."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.cells import Cell, undistilled
from core.errors import UserError
from core.figures import images as figures
from core.measures import MEASURES
from core.study import Study
from dashboard import loaded
from dashboard.state import Choices, by_address, kept
from dashboard.thumbnails import Thumbnail, sheet_of, thumbnails
from dashboard.viewer import stepped
from dashboard.widgets import SWITCHED, TURNED, between, first_since, note_drawn, select
from dashboard.words import ALIGNED_HELP, ANSWERS_HELP, SORT_HELP

CLICKED, ORDER, ASKED_OF = "image clicked", "images in order", "what images were asked of"
"""Session state: the image to go to; those that are on show, one after the other; and what made the choice of them."""
FILTERS = {
    "all": "All",
    "both": "Both right",
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
LEAST, MOST, STEP, SHOWN = -1.0, 1.0, 0.1, 2
"""Of the slider of rank alignment, and to how many decimals a page says it: to so many it is compared."""
CLASS, EVERY_CLASS = "of_class", "All classes"
"""Key of the one choice of a class that this page shares with "What changed", and its usual value."""
OPEN = {CLASS: EVERY_CLASS, "who": "all", "aligned": (LEAST, MOST)}
"""Filters that leave every image, by key."""


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
    state, turned, switched = st.session_state, first_since(TURNED, "image"), first_since(SWITCHED, "image")
    named = str(st.query_params.get("image", ""))
    if turned and named:
        for key in {*OPEN, "sort"} - set(st.query_params):  # a link is to its image, whatever was filtered before
            kept().pop(key, None)
            state.pop(key, None)
    # Kept for a change of page only: within the page an address without an image is the first one, also by Back.
    before = str(kept().get("image", "")) if turned else ""
    asked = str((None if by_address() else state.get(CLICKED)) or named or before)
    filters = _filters(table, student)
    rows = ordered(choices, student, table, filters)
    ids = state[ORDER] = [int(image) for image in rows["id"]]
    known, of = {str(image) for image in table["id"]}, (choices.study.called, choices.method, student, filters)
    # Who filters otherwise wants to see what is left; who follows a link, its image.
    stays = turned or by_address() or state.get(ASKED_OF, of) == of
    outside = stays and asked == named and asked in known and asked not in map(str, ids)
    if not ids and not outside:
        st.info("No image of the gallery is like that.")
        return None
    if asked and not switched and asked not in known:
        st.info("No maps of that image were kept; here is another one.")
    chosen = int(asked) if outside else next((image for image in ids if str(image) == asked), ids[0])
    if outside:
        st.info("The filters leave this image out. It is shown as the address asks for it.")
        st.button("Show all images", on_click=_open)
    strip = [_thumbnail(row, student is not None, filters.sort == CHANGED) for row in rows.to_dict("records")]
    study = choices.study
    sheet = _sheet(study, str(study.folder), loaded.stamp(study.folder))
    thumbnails(strip, sheet, chosen, "gallery_strip", _click)
    if len(rows) < len(table):
        st.caption(f"{len(rows)} of {len(table)} images are like that.")
    note_drawn("image")
    kept()["image"] = chosen
    if [chosen] != ids[:1]:
        st.query_params["image"] = str(chosen)
    elif "image" in st.query_params:  # the usual one leaves no trace: to write it would be one more step to go back
        del st.query_params["image"]
    # Not before: the next click may end this run at any element, and would undo this one.
    state.pop(CLICKED, None)
    state[ASKED_OF] = of
    return chosen


def step(key: str) -> None:
    """Go on along the strip as far as the viewer of this key says, or back; round and round."""
    state = st.session_state
    ids, way = state.get(ORDER), stepped(key)
    if ids and way:
        here = int(state.get(CLICKED) or kept().get("image", -1))
        # From an image beside the strip to its first one, or its last.
        at = ids.index(here) if here in ids else -1 if way > 0 else 0
        state[CLICKED] = str(ids[(at + way) % len(ids)])


def stay() -> None:
    """Go to the image that is shown: makes a part of the page that is drawn by itself draw all of it."""
    st.session_state[CLICKED] = str(kept()["image"])


def _click(image: int) -> None:
    """Note the thumbnail that was clicked before the page is drawn, so that the strip marks it too."""
    st.session_state[CLICKED] = str(image)


def _open() -> None:
    """Let every image through."""
    for key, usual in OPEN.items():
        st.session_state[key] = usual
        kept().pop(key, None)


def ordered(choices: Choices, student: Cell | None, table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """Return the rows of `images` that pass, in order, with `value`: what they are sorted by, NaN last.

    Images on which rank alignment is undefined pass only where no range of it is asked for.
    """
    rows = table if filters.name == EVERY_CLASS else table[table["name"] == filters.name]
    keep = {
        "both": rows["student"] & rows["teacher"],
        "right": rows["student"],
        "student": ~rows["student"],
        "disagree": ~rows["agree"],
        "teacher": ~rows["teacher"],
    }
    rows = rows[keep[filters.verdict]] if filters.verdict in keep else rows
    if filters.aligned != (LEAST, MOST):
        low, high = (round(end, SHOWN) for end in filters.aligned)
        rows = rows[_values(choices, student, "rank_alignment", rows["id"]).round(SHOWN).between(low, high).to_numpy()]
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
        named = select(CLASS, "Class", names, EVERY_CLASS)
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
    """Return the class names, as the teacher has them; from the images where its network was not kept."""
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


def _thumbnail(row: dict[Hashable, Any], told: bool, change: bool) -> Thumbnail:
    """Return a row of `ordered`; `told` is whether there is a student, `change` whether the value is one."""
    who = ("student", "teacher") if told else ("teacher",)
    said = ", ".join(f"{each} {'right' if row[each] else 'wrong'}" for each in who)
    value = "" if np.isnan(row["value"]) else figures.signed(row["value"], plus=change)
    return Thumbnail(int(row["id"]), int(row["place"]), f"{row['name']}: {said}", value)


@st.cache_data(max_entries=8, show_spinner="Reading the gallery")
def _sheet(_study: Study, folder: str, stamp: str) -> str | None:
    table = loaded.images(_study)
    photos = []
    for image in table.loc[table["kept"], "id"].sort_values():
        found = photo(_study, int(image))
        if found is None:
            return None
        photos.append(found[0])
    return sheet_of(photos)


@st.cache_data(max_entries=512, show_spinner=False)
def _photo(_study: Study, folder: str, stamp: str, image: int) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        photos, part_maps = _study.shown.load([image])
    except UserError:
        return None
    return photos[0], part_maps[0]


@st.cache_data(max_entries=8, show_spinner=False)
def _classes(_study: Study, folder: str, stamp: str) -> tuple[str, ...]:
    try:
        return _study.header(_study.teacher).classes
    except UserError:
        return _study.shown.classes
