"""One image of the study, and where the teacher and two students look on it: the home page's picture."""

from dataclasses import dataclass

import cv2
import pandas as pd
import streamlit as st

from core.cells import Cell, teacher_cell
from core.figures.encoding import trained
from core.findings import nice_name
from core.overlay import overlay, shared_scale
from core.study import Study
from dashboard import gallery, loaded
from dashboard.viewer import webp

SIDE = 336


@dataclass(frozen=True)
class Strip:
    """Pictures with their captions and what a screen reader says instead of them, and the image they are of."""

    image: int
    pictures: list[str]
    """As addresses that a browser reads them from."""
    captions: list[str]
    texts: list[str]


def strip(study: Study, method: str) -> Strip | None:
    """Return the image and the maps of the teacher and of the last of the students, undistilled and distilled.

    The image is not picked by eye: distillation moved rank alignment on it by the median of all images in the gallery.
    None where the images or the maps are not there.
    """
    return _strip(study, str(study.folder), loaded.stamp(study.folder), method)


@st.cache_data(max_entries=8, show_spinner=False)
def _strip(_study: Study, folder: str, stamp: str, method: str) -> Strip | None:
    students = _study.config.students
    alone, distilled = (Cell(students.architectures[-1], a, students.seeds[0]) for a in (1.0, min(students.alphas)))
    moved = _alignment(_study, distilled, method) - _alignment(_study, alone, method)
    ids = loaded.images(_study).query("kept")["id"]
    moved = moved[moved.index.isin(ids)].dropna().sort_values()
    if moved.empty:
        return None
    image = int(moved.index[len(moved) // 2])
    found = gallery.photo(_study, image)
    if found is None:
        return None
    cells = [teacher_cell(_study.config), alone, distilled]
    maps = [_study.maps(cell, method, [image])[1][0] for cell in cells]
    photo = cv2.resize(found[0], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    scale = shared_scale(maps)
    name = nice_name(alone.architecture)
    who = ["the teacher", *(f"{name} {trained(cell.alpha)}" for cell in cells[1:])]
    return Strip(
        image,
        [webp(each, 90) for each in (photo, *(overlay(photo, each, 0.9, scale) for each in maps))],
        ["the image", *who],
        ["The image, without a map", *(f"Map of where {each} looks, over the image" for each in who)],
    )


def _alignment(study: Study, cell: Cell, method: str) -> pd.Series:
    rows = loaded.measures(study, cell)
    rows = rows[(rows["measure"] == "rank_alignment") & (rows["method"] == method) & (rows["importance"] == "density")]
    return rows.set_index("image")["value"]
