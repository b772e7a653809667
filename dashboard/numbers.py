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
from core.findings import Finding, findings, nice_name
from core.study import Study
from dashboard import loaded
from dashboard.state import Choices


def view(choices: Choices) -> tables.View:
    """Return what the person chose of the study's summary."""
    shown = choices.architectures, choices.alphas, choices.method
    return tables.View(loaded.summary(choices.study), choices.config, *shown)


def estimates(choices: Choices, measure: str, importance: str = "", outside: str = "") -> pd.DataFrame:
    """Return one row a network shown, as `core.figures.tables.estimates`."""
    return tables.estimates(view(choices), measure, importance, outside)


def control(choices: Choices, name: str, importance: str) -> pd.DataFrame:
    """Return what rank alignment would be by chance, as `core.figures.tables.control`."""
    return tables.control(view(choices), name, importance)


def quartiles(choices: Choices, cells: Sequence[Cell], measure: str, importance: str) -> pd.DataFrame:
    """Return how a measure spreads over the images of each cell: network, alpha, p5, p25, p50, p75, p95, n."""
    found = []
    for cell in cells:
        table = loaded.measures(choices.study, cell)
        keep = (table["measure"] == measure) & (table["importance"] == importance)
        values = table.loc[keep & (table["method"] == choices.method), "value"].dropna()
        if len(values):
            spread = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_list()
            name = cell.own_name or nice_name(cell.architecture)
            found.append([name, cell.alpha, *spread, len(values)])
    return pd.DataFrame(found, columns=["network", "alpha", "p5", "p25", "p50", "p75", "p95", "n"])


def part_shares(choices: Choices, cells: Sequence[Cell]) -> pd.DataFrame:
    """Return what share of its looking each cell gives to each part: part, alpha, role, network, share, low, high, n.

    The mean over the images on which the part is visible, with its 95 % interval over images (mean ± 1.96 standard
    errors); the first cell is the teacher.
    """
    found = []
    for place, cell in enumerate(cells):
        rows = loaded.importance(choices.study, cell)
        rows = rows[(rows["method"] == choices.method) & rows["mass"].notna() & (rows["total"] > 0)]
        share = (rows["mass"] / rows["total"]).groupby(rows["part"].astype(str)).agg(["mean", "sem", "size"])
        half = 1.96 * share["sem"].to_numpy()
        mean = share["mean"].to_numpy()
        found.append(
            pd.DataFrame(
                {"part": share.index, "share": mean, "low": mean - half, "high": mean + half, "n": share["size"]}
            ).assign(
                alpha=cell.alpha, network=nice_name(cell.architecture), role="teacher" if place == 0 else "student"
            )
        )
    return pd.concat(found, ignore_index=True)


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


def associations(choices: Choices) -> pd.DataFrame:
    """Return how outputs and explanations go together, as `core.figures.tables.associations`."""
    return tables.associations(view(choices))


def poster_logits(choices: Choices) -> pd.DataFrame:
    """Return the poster's logit alignment of what is shown, as `core.literature.poster_logits`."""
    return literature.poster_logits(view(choices))


def claims(study: Study) -> list[Finding]:
    """Return the findings of a study."""
    return _claims(study, str(study.folder), loaded.stamp(study.folder))


def claim(study: Study, page: str) -> Finding | None:
    """Return the finding that a page explains."""
    return next((finding for finding in claims(study) if finding.page == page), None)


@st.cache_data(max_entries=8, show_spinner=False)
def _claims(_study: Study, folder: str, stamp: str) -> list[Finding]:
    return findings(loaded.summary(_study), _study.config)
