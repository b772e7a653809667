"""What the page on changes reads of a study, image by image, and its strip of images."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from core.cells import Cell, undistilled
from core.figures import images, tables
from core.measures import MEASURES
from core.study import Study
from dashboard import frame, gallery, loaded
from dashboard.names import plain, short
from dashboard.navigation import link
from dashboard.once import once
from dashboard.state import Choices
from dashboard.viewer import webp

SIDE, COUNT = 150, 8
"""Pixels of an image of the strip, and how many there are."""
ORDERS = {
    "least": "Agrees least",
    "most": "Agrees most",
    "raised": "Raised most by distillation",
    "lowered": "Lowered most by distillation",
}
CAN_OPEN = {"kept": "Those that can be opened", "all": "All that were measured"}


def usual(students: list[Cell]) -> Cell:
    """Return the smallest student at the lowest α; an imported network only where there is nothing else."""
    own = [cell for cell in students if cell.alpha is not None] or students
    smallest = (cell for cell in own if cell.architecture == own[-1].architecture)
    return min(smallest, key=lambda cell: (cell.alpha or 0.0, -cell.explanation_weight))


def measured(study: Study, cell: Cell, method: str) -> list[str]:
    """Return the measures of single images that a cell has, in the order of `core.figures.images.MEASURED`."""
    return list(_measured(study, cell.name, method, loaded.file_stamp(study.path("measures", cell))))


def agreement(choices: Choices, cell: Cell, measure: str) -> pd.DataFrame:
    """Return how far a cell agrees with the teacher on every image, as `core.figures.images.agreement`."""
    study, before = choices.study, undistilled(cell, choices.config)
    files = [study.path("measures", each) for each in (cell, study.teacher, before) if each is not None]
    return _agreement(choices, cell, before, measure, tuple(map(loaded.file_stamp, files)))


@once(64)
def _measured(study: Study, cell: str, method: str, changed: str) -> tuple[str, ...]:
    there = loaded.measures(study, cell)
    return tuple(name for name in images.MEASURED if len(images.of_images(there, name, method)))


@once(128)
def _agreement(
    choices: Choices, cell: Cell, before: Cell | None, measure: str, changed: tuple[str, ...]
) -> pd.DataFrame:
    study = choices.study
    names = np.array(gallery.classes(study), dtype=object)
    about = loaded.images(study)
    about = about.assign(name=names[about["label"]])
    alone = None if before is None else loaded.measures(study, before)
    own, teacher = (loaded.measures(study, each) for each in (cell, study.teacher))
    return images.agreement(own, teacher, alone, about, measure, choices.method)


def other_seeds(choices: Choices, cell: Cell, measure: str) -> str:
    """Say on how many images distillation raised a measure in the networks of each seed, where there are several."""
    seeds = choices.config.students.seeds
    if len(seeds) == 1 or cell.seed is None:
        return ""
    folder = choices.study.folder
    raised = _raised(choices, str(folder), loaded.stamp(folder), cell, measure, choices.method)
    if not raised:
        return ""
    return (
        f" That is one training, of seed {cell.seed}; over the {len(seeds)} seeds distillation raised it on "
        f"{min(raised)} to {max(raised)} images."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _raised(_choices: Choices, folder: str, stamp: str, cell: Cell, measure: str, method: str) -> list[int]:
    """Count for each seed, where it is known, the images on which distillation raised a measure."""
    every = [replace(cell, seed=seed) for seed in _choices.config.students.seeds]
    changes = [agreement(_choices, each, measure)["change"] for each in every]
    return [int((change > 0).sum()) for change in changes if change.notna().any()]


def shares(choices: Choices, cell: Cell) -> pd.DataFrame:
    """Return the shares of looking of the teacher and of a cell's architecture, without distillation and at its α."""
    alphas = [1.0] if cell.alpha is None else [1.0, cell.alpha]
    return replace(choices, alphas=alphas).of(tables.part_shares, cell.architecture)


def strip(choices: Choices, cell: Cell, rows: pd.DataFrame, column: str) -> None:
    """Draw images side by side with their number, class, and who is right; each opens where its maps can be seen."""
    study = choices.study
    photos = [_picture(study, loaded.stamp(study.folder), int(image)) for image in rows["image"]]
    if any(found is None for found in photos):
        st.info("The images of this study are not on this machine, so their numbers stand alone.")
    with st.container(horizontal=True):
        for row, found in zip(rows.to_dict("records"), photos, strict=True):
            with st.container(width=SIDE, gap="xxsmall"):
                if found is not None:
                    st.image(found, width=SIDE, alt=f"Test image of a {row['name']}")
                st.markdown(f"**{images.signed(row[column], plus=column == 'change')}** {plain(row['name'])}")
                marks = (("student", row["student"]), ("teacher", row["teacher"]))
                if column == "change":
                    st.caption(f"{images.signed(row['alone'])} → {images.signed(row['value'])}")
                st.caption(", ".join(f"{who} {'✓' if right else '✗'}" for who, right in marks))
                if row["kept"]:
                    link("explanations", "See its maps →", image=str(row["image"]), student=short(cell, study.teacher))


@once(256)
def _picture(study: Study, stamp: str, image: int) -> str | None:
    """Return an image as an address that a browser reads it from, sharp on a screen of two pixels a point."""
    found = gallery.photo(study, image)
    if found is None:
        return None
    return webp(cv2.resize(found[0], (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_CUBIC), 90)


def pairs(choices: Choices, cell: Cell) -> pd.DataFrame:
    """Return logit and rank alignment of each image, as `core.figures.images.pairs`."""
    return images.pairs(*(agreement(choices, cell, measure) for measure in ("rank_alignment", "logit_alignment")))


def about(choices: Choices, rows: pd.DataFrame, total: int, column: str, measure: str) -> str:
    """Say of how many images a list is, on how many its number is undefined, and of which networks."""
    unknown = int(rows[column].isna().sum())
    said = f"These are of {len(rows)} of the {total} images that were measured"
    if unknown and unknown < len(rows):
        said += f"; on {unknown} of them {MEASURES[measure].label.lower()} is undefined, so they are in no order"
    said += ". ✓ and ✗: whether the answer is right."
    return said + frame.first_seed(choices, "Single images are of")


def by_chance(choices: Choices, cell: Cell, measure: str) -> str:
    """Say what a cell's agreement would be by chance; "" where the study has no such control."""
    found = choices.of(tables.control, "shuffled", images.COUNTED.get(measure, ("", ""))[0], measure)
    own = found[(found["architecture"] == cell.architecture) & (found["alpha"] == cell.alpha)]["estimate"]
    if own.empty:
        return ""
    return f" By chance, beside the teacher on an image of another class, it would be {images.signed(own.iloc[0])}."


def undefined(choices: Choices, both: pd.DataFrame) -> str:
    """Say how many images a chart of `pairs` shows, and how many it cannot."""
    shown = len(both.dropna(subset=["logit", "rank"]))
    said = f"{shown} images, each a mark."
    if shown < len(both):
        said += f" On {len(both) - shown} more one of the two is undefined."
    return said + frame.first_seed(choices, "Single images are of")


def class_table(means: pd.DataFrame, label: str) -> None:
    """Draw the means of the classes, with how many images each is of."""
    names = {"name": "class", "mean": label, "n": "images", "skipped": "left out"}
    form = {label: st.column_config.NumberColumn(format="%.3f")}
    with st.expander("The numbers, class by class"):
        table = means.rename(columns=names)
        st.dataframe(table, hide_index=True, height="content", column_config=form, alt=f"{label} of each class")
        st.caption("left out: images on which the number is undefined.")


def part_table(moved: pd.DataFrame) -> None:
    """Draw `core.figures.shares.moves`, shares in percent."""
    names = {"alone": "undistilled", "low": "change from", "high": "change to"}
    columns = [str(name) for name in moved if name != "part"]
    form = st.column_config.NumberColumn(format="%.1f %%")
    with st.expander("The numbers, part by part"):
        shown = moved.assign(**{name: 100 * moved[name] for name in columns}).rename(columns=names)
        config = {names.get(name, name): form for name in columns}
        alt = "The share of looking that each part receives, and what distillation changes"
        st.dataframe(shown, hide_index=True, height="content", column_config=config, alt=alt)
        st.caption("change from, to: the 95 % interval of the change, paired by seed, of one part by itself.")


def table(rows: pd.DataFrame, name: str) -> None:
    """Offer what is known of every image as a table and as CSV."""
    with st.expander("The numbers, image by image"):
        called = {
            "name": "class",
            "kept": "can be opened",
            "value": "student",
            "alone": "undistilled",
            "student": "student right",
            "teacher": "teacher right",
        }
        form = st.column_config.NumberColumn(format="%.3f")
        config = dict.fromkeys(("student", "undistilled", "change"), form)
        shown = rows.rename(columns=called)
        st.dataframe(
            shown, hide_index=True, column_config=config, alt="Every image, and how far student and teacher agree"
        )
        file = f"{name}.csv"
        st.download_button("Download as CSV", lambda: rows.to_csv(index=False), file, "text/csv", on_click="ignore")
