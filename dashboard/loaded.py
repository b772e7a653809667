"""A study's tables, read once and kept until its files change. Nothing here imports torch."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.cells import Cell
from core.convergence import shortfall as shortfall_of
from core.errors import UserError
from core.figures import tables
from core.findings import Analysis, Finding, Question, at_weight, dose, findings, looking, nice_name, question
from core.run import curves
from core.study import Study, cache_folder, open_study, study_names

PRIMARY = Analysis()


def stamp(folder: Path) -> str:
    """Return a short text that changes whenever a study's results do."""
    times = []
    for name in ("study.toml", "manifest.json", "summary.parquet", "images.parquet"):
        try:
            found = (folder / name).stat()
        except OSError:
            times.append("-")
        else:
            times.append(f"{found.st_mtime_ns:x}.{found.st_size:x}")
    return " ".join(times)


def study(name: str) -> Study:
    """Open a study by name; the same object is shared by all who look, until study.toml changes.

    Raises
    ------
    UserError
        As `core.open_study`.
    """
    return _study(str(cache_folder()), name, file_stamp(cache_folder() / "studies" / name / "study.toml"))


def usual_study() -> str | None:
    """Return the study to open first: the shipped birds, else the first complete one, else any; None without any."""
    names = study_names()
    folder = cache_folder() / "studies"
    complete = [name for name in names if (folder / name / "summary.parquet").exists()]
    return next((name for name in ("birds", *complete) if name in (complete or names)), names[0] if names else None)


def summary(study: Study, weight: float | None = 0.0) -> pd.DataFrame:
    """Return `study.summary()`, one row a number shown: of the grid at one λ, or with None at all of them.

    Raises
    ------
    UserError
        It is damaged, or the study is not finished.
    """
    return _summary(study, str(study.folder), stamp(study.folder), weight)


def images(study: Study) -> pd.DataFrame:
    """Return `study.images()`, one row an image."""
    return _images(study, str(study.folder), stamp(study.folder))


def history(study: Study, cell: Cell | str) -> pd.DataFrame:
    """Return one row an epoch of one cell's training."""
    return _history(study, str(study.folder), file_stamp(study.path("history", cell)), _name(cell))


def curve(study: Study, cell: Cell) -> pd.DataFrame:
    """Return how the training of one cell goes so far (`core.run.curves.curve`), with its alpha and λ."""
    changed = " ".join(file_stamp(path) for path in curves.sources(study, cell))
    table = _curve(study, cell, str(study.folder), changed, cell.name)
    return table.assign(alpha=cell.alpha, λ=f"{cell.explanation_weight:g}")


def measures(study: Study, cell: Cell | str) -> pd.DataFrame:
    """Return one row an image and measure of one cell."""
    return _measures(study, str(study.folder), file_stamp(study.path("measures", cell)), _name(cell))


def importance(study: Study, cell: Cell | str) -> pd.DataFrame:
    """Return one row an image, method and part of one cell."""
    return _importance(study, str(study.folder), file_stamp(study.path("importance", cell)), _name(cell))


def shortfall(study: Study, method: str) -> str:
    """Return what `core.convergence.shortfall` says."""
    return _shortfall(study, str(study.folder), stamp(study.folder), method)


def histories(study: Study, cells: Sequence[Cell]) -> pd.DataFrame:
    """Return how each of these cells was trained, epoch by epoch, with its alpha and network; imported ones aside."""
    found = [
        history(study, cell).assign(alpha=cell.alpha, network=nice_name(cell.architecture))
        for cell in cells
        if cell.alpha is not None
    ]
    return pd.concat(found, ignore_index=True)


def claims(study: Study, analysis: Analysis = PRIMARY) -> list[Finding]:
    """Return the findings of a study, by the primary analysis or another."""
    return _claims(study, str(study.folder), stamp(study.folder), analysis)


def claim(study: Study, page: str, analysis: Analysis = PRIMARY) -> Finding | None:
    """Return the finding that a page explains."""
    return next((finding for finding in claims(study, analysis) if finding.page == page), None)


def asked(study: Study) -> Question | None:
    """Return the first research question with its answer."""
    return _asked(study, str(study.folder), stamp(study.folder))


def stronger(study: Study, weight: float) -> str:
    """Return what `core.findings.dose` says of the networks at one λ."""
    return _stronger(study, str(study.folder), stamp(study.folder), weight)


def looked(study: Study) -> Question | None:
    """Return whether training for looking makes it look more alike, where the study has networks with and without."""
    return _looked(study, str(study.folder), stamp(study.folder))


def logits(study: Study, cell: Cell | str) -> tuple[np.ndarray, np.ndarray]:
    """Return test image ids (N,) and their logits (N, classes) of one cell."""
    return _logits(study, str(study.folder), file_stamp(study.path("logits", cell)), _name(cell))


def imported(study: Study) -> list[Cell]:
    """Return the networks somebody brought in (`core add`), as far as the summary knows them."""
    return _imported(study, str(study.folder), stamp(study.folder))


def knows(study: Study) -> str | None:
    """Return what completes "These networks know …", None where the images are not on this machine."""
    said: str | None = study.provenance.get("knows")
    return said or _knows(study, str(study.folder), stamp(study.folder))


def _name(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else cell.name


def file_stamp(path: Path) -> str:
    """Return a short text that changes whenever a file does, "-" where there is none."""
    try:
        found = path.stat()
    except OSError:
        return "-"
    return f"{found.st_mtime_ns:x}.{found.st_size:x}"


def tables_kept(count: int) -> Callable[[Callable[..., pd.DataFrame]], Callable[..., pd.DataFrame]]:
    """Keep tables, and hand out views of them, which whoever writes into one leaves as they are (copy on write).

    Words are kept as objects: Arrow lets other threads go first at every look at its own, which 20 visitors feel.
    """

    def keep(read: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
        @st.cache_resource(max_entries=count, show_spinner=False)
        @wraps(read)
        def plain(*asked: Any, **named: Any) -> pd.DataFrame:
            table = read(*asked, **named)
            return table.astype(dict.fromkeys(table.select_dtypes("str"), object))

        return lambda *asked: plain(*asked).copy(deep=False)

    return keep


@st.cache_resource(max_entries=16, show_spinner=False)
def _study(cache: str, name: str, changed: str) -> Study:
    return open_study(name)


@tables_kept(16)
def _summary(_study: Study, folder: str, stamp: str, weight: float | None) -> pd.DataFrame:
    every = _study.summary()
    return every if weight is None else at_weight(every, weight)


@tables_kept(8)
def _images(_study: Study, folder: str, stamp: str) -> pd.DataFrame:
    return _study.images()


@tables_kept(128)
def _history(_study: Study, folder: str, stamp: str, cell: str) -> pd.DataFrame:
    return _study.history(cell)


@tables_kept(128)
def _curve(_study: Study, _cell: Cell, folder: str, stamp: str, name: str) -> pd.DataFrame:
    return curves.curve(_study, _cell)


@tables_kept(128)
def _measures(_study: Study, folder: str, stamp: str, cell: str) -> pd.DataFrame:
    return _study.measures(cell)


@tables_kept(128)
def _importance(_study: Study, folder: str, stamp: str, cell: str) -> pd.DataFrame:
    return _study.importance(cell)


@st.cache_data(max_entries=32, show_spinner=False)
def _claims(_study: Study, folder: str, stamp: str, analysis: Analysis) -> list[Finding]:
    return findings(_summary(_study, folder, stamp, 0.0), _study.config, analysis)


@st.cache_data(max_entries=8, show_spinner=False)
def _asked(_study: Study, folder: str, stamp: str) -> Question | None:
    return question(_summary(_study, folder, stamp, 0.0), _study.config)


@st.cache_data(max_entries=8, show_spinner=False)
def _looked(_study: Study, folder: str, stamp: str) -> Question | None:
    return looking(_summary(_study, folder, stamp, None), _study.config)


@st.cache_data(max_entries=8, show_spinner=False)
def _stronger(_study: Study, folder: str, stamp: str, weight: float) -> str:
    return dose(_summary(_study, folder, stamp, weight), _study.config)


@st.cache_data(max_entries=16, show_spinner=False)
def _shortfall(_study: Study, folder: str, stamp: str, method: str) -> str:
    return shortfall_of(_summary(_study, folder, stamp, 0.0), _study.config.explain, method)


@st.cache_data(max_entries=64, show_spinner=False)
def _logits(_study: Study, folder: str, stamp: str, cell: str) -> tuple[np.ndarray, np.ndarray]:
    return _study.logits(cell)


@st.cache_data(max_entries=8, show_spinner=False)
def _imported(_study: Study, folder: str, stamp: str) -> list[Cell]:
    try:
        return tables.imported(_summary(_study, folder, stamp, 0.0))
    except UserError:  # whoever shows the summary says what is wrong with it
        return []


@st.cache_data(max_entries=8, show_spinner=False)
def _knows(_study: Study, folder: str, stamp: str) -> str | None:
    try:
        return _study.shown.knows
    except UserError:
        return None
