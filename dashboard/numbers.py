"""The rows of a study's summary that a page shows, as its charts and tables want them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import literature
from core.cells import Cell
from core.figures import tables
from core.figures.tables import as_table as as_table
from core.figures.tables import students as students
from core.figures.tables import teacher_value as teacher_value
from core.findings import Analysis, Finding, Question, findings, nice_name, question
from core.study import Study
from dashboard import loaded, words
from dashboard.state import Choices

PRIMARY = Analysis()


def view(choices: Choices) -> tables.View:
    """Return what the person chose of the study's summary."""
    shown = choices.architectures, choices.alphas, choices.method
    return tables.View(loaded.summary(choices.study), choices.config, *shown)


def estimates(
    choices: Choices, measure: str, importance: str = "", outside: str = "", subset: str = "all"
) -> pd.DataFrame:
    """Return one row a network shown, as `core.figures.tables.estimates`."""
    return tables.estimates(view(choices), measure, importance, outside, subset)


def control(choices: Choices, name: str, importance: str) -> pd.DataFrame:
    """Return what rank alignment would be by chance, as `core.figures.tables.control`."""
    return tables.control(view(choices), name, importance)


def spreads(choices: Choices, importance: str) -> pd.DataFrame:
    """Return how rank alignment spreads over images, as `core.figures.tables.spreads`."""
    return tables.spreads(view(choices), importance)


def part_shares(choices: Choices, architecture: str) -> pd.DataFrame:
    """Return which share of its looking each part receives, as `core.figures.tables.part_shares`."""
    return tables.part_shares(view(choices), architecture)


def effects(choices: Choices) -> pd.DataFrame:
    """Return what distillation changes by each method, as `core.figures.tables.effects`."""
    table = tables.effects(view(choices))
    return table.assign(method=table["method"].map(words.method_label))


def histories(choices: Choices, cells: Sequence[Cell]) -> pd.DataFrame:
    """Return how each cell was trained, epoch by epoch, with its alpha and network."""
    tables = [
        loaded.history(choices.study, cell).assign(alpha=cell.alpha, network=nice_name(cell.architecture))
        for cell in cells
        if cell.alpha is not None
    ]
    return pd.concat(tables, ignore_index=True)


def together(choices: Choices) -> pd.DataFrame:
    """Return one row a network shown, as `core.figures.tables.together`."""
    return tables.together(view(choices))


def associations(choices: Choices, architecture: str = "", alpha: float | None = None) -> pd.DataFrame:
    """Return how outputs and explanations go together, as `core.figures.tables.associations`."""
    return tables.associations(view(choices), architecture, alpha)


def poster_logits(choices: Choices) -> pd.DataFrame:
    """Return the poster's logit alignment of what is shown, as `core.literature.poster_logits`."""
    return literature.poster_logits(view(choices))


def claims(study: Study, analysis: Analysis = PRIMARY) -> list[Finding]:
    """Return the findings of a study, by the primary analysis or another."""
    return _claims(study, str(study.folder), loaded.stamp(study.folder), analysis)


def claim(study: Study, page: str, analysis: Analysis = PRIMARY) -> Finding | None:
    """Return the finding that a page explains."""
    return next((finding for finding in claims(study, analysis) if finding.page == page), None)


def asked(study: Study) -> Question | None:
    """Return the first research question with its answer."""
    return question(loaded.summary(study), study.config)


@st.cache_data(max_entries=32, show_spinner=False)
def _claims(_study: Study, folder: str, stamp: str, analysis: Analysis) -> list[Finding]:
    return findings(loaded.summary(_study), _study.config, analysis)
