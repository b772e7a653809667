"""The rows of a study's summary that a page shows, as its charts and tables want them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.cells import Cell, teacher_cell
from core.figures.encoding import written
from core.findings import Finding, findings, nice_name
from core.study import Study
from dashboard import loaded, words
from dashboard.state import Choices

COLUMNS = ["network", "alpha", "role", "estimate", "low", "high", "n", "skipped", "seeds"]
"""Of `estimates`. `role`: student, teacher, retrained (the teacher's architecture trained anew) or imported. `n`:
trainings where there are several `seeds`, else images."""


def estimates(choices: Choices, measure: str, importance: str = "", outside: str = "") -> pd.DataFrame:
    """Return one row a network shown (`COLUMNS`): students by architecture and α, then teacher and imported ones.

    The chosen method counts where importance is given; accuracy and what is made of logits have none.
    """
    method = choices.method if importance else ""
    rows = _of(loaded.summary(choices.study), measure, method, importance, outside)
    teacher = teacher_cell(choices.config)
    groups = rows[(rows["kind"] == "group") & rows["estimate"].notna()]
    groups = groups[groups["architecture"].isin(choices.architectures) & groups["alpha"].isin(choices.alphas)]
    again = (groups["architecture"] == teacher.architecture) & (groups["alpha"] == teacher.alpha)
    cells = rows[rows["kind"] == "cell"]
    is_teacher = cells["cell"] == teacher.name
    imported = cells[cells["alpha"].isna() & cells["architecture"].isin(choices.architectures)]
    # The teacher is a point of its own where it is measured against nothing.
    retrained = "student" if measure == "accuracy" else "retrained"
    table = pd.concat(
        [
            groups.assign(role=again.map({True: retrained, False: "student"})),
            cells[is_teacher].assign(role="teacher"),
            imported.assign(role="imported"),
        ],
        ignore_index=True,
    )
    names = table["architecture"].map(nice_name)
    table["network"] = names.where(table["role"] != "imported", table["cell"])
    order = {name: place for place, name in enumerate(choices.architectures)}
    table = table.sort_values(
        ["architecture", "alpha"], key=lambda c: c.map(order) if c.name == "architecture" else -c, kind="stable"
    )
    return table.assign(seeds=len(choices.config.students.seeds))[COLUMNS].reset_index(drop=True)


def students(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `estimates` that are drawn as points: all but the teacher."""
    return table[table["role"] != "teacher"]


def teacher_value(table: pd.DataFrame) -> float | None:
    """Return the teacher's own number in `estimates`."""
    found = table.loc[table["role"] == "teacher", "estimate"].dropna()
    return float(found.iloc[0]) if len(found) else None


def control(choices: Choices, name: str, importance: str) -> pd.DataFrame:
    """Return what rank alignment would be by chance: network, alpha, estimate; the mean over seeds.

    Parameters
    ----------
    choices : Choices
        Architectures, α and the method.
    name : str
        "shuffled" or "area".
    importance : str
        "density" or "mass".
    """
    rows = _of(loaded.summary(choices.study), "rank_alignment", choices.method, importance, "", name)
    teacher = teacher_cell(choices.config)
    rows = rows[(rows["kind"] == "control") & (rows["cell"] != teacher.name) & rows["estimate"].notna()]
    rows = rows[rows["architecture"].isin(choices.architectures) & rows["alpha"].isin(choices.alphas)]
    table = rows.groupby(["architecture", "alpha"], sort=False, as_index=False)["estimate"].mean()
    return table.assign(network=table["architecture"].map(nice_name))


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
    """Return one row a network shown: its logit and rank alignment (importance per pixel), with their intervals."""
    logit = students(estimates(choices, "logit_alignment"))
    rank = students(estimates(choices, "rank_alignment", "density"))
    keys = ["network", "alpha", "role"]
    return logit.merge(rank, on=keys, suffixes=("_logit", "_rank"))


def associations(choices: Choices) -> pd.DataFrame:
    """Return how outputs and explanations go together: over, held fixed, estimate, low, high, n."""
    rows = loaded.summary(choices.study)
    rows = rows[(rows["kind"] == "association") & (rows["method"] == choices.method)]
    rows = rows[rows["importance"] == "density"]
    over = {"cells": "across the students", "images": "across the images, within a student"}
    return pd.DataFrame(
        {
            "compared": rows["subset"].map(over),
            "held fixed": rows["control"].replace("", "nothing"),
            "ρ": rows["estimate"],
            "low": rows["low"],
            "high": rows["high"],
            "counted": rows["n"],
        }
    )


def poster_logits(choices: Choices) -> pd.DataFrame:
    """Return the poster's logit alignment where it has a number for what is shown: network, alpha, estimate."""
    rows = [
        {"network": nice_name(architecture), "alpha": alpha, "estimate": value}
        for alpha, row in words.POSTER_LOGIT_ALIGNMENT.items()
        for architecture, value in row.items()
        if alpha in choices.alphas and architecture in choices.architectures
    ]
    return pd.DataFrame(rows, columns=["network", "alpha", "estimate"])


def as_table(rows: pd.DataFrame, networks: list[str]) -> pd.DataFrame:
    """Return network, alpha, estimate as people print it: a row an α, a column a network, two decimals."""
    wide = rows.pivot(index="alpha", columns="network", values="estimate").sort_index(ascending=False)
    wide.index = pd.Index([f"α = {alpha}" for alpha in wide.index])
    return wide[[name for name in networks if name in wide]].map(lambda value: written(value, ".2f"))


def claims(study: Study) -> list[Finding]:
    """Return the findings of a study."""
    return _claims(study, str(study.folder), loaded.stamp(study.folder))


def claim(study: Study, page: str) -> Finding | None:
    """Return the finding that a page explains."""
    return next((finding for finding in claims(study) if finding.page == page), None)


@st.cache_data(max_entries=8, show_spinner=False)
def _claims(_study: Study, folder: str, stamp: str) -> list[Finding]:
    return findings(loaded.summary(_study), _study.config)


def _of(
    summary: pd.DataFrame, measure: str, method: str, importance: str, outside: str, control: str = ""
) -> pd.DataFrame:
    keys = {"measure": measure, "method": method, "importance": importance, "outside": outside, "control": control}
    keep = summary["subset"] == "all"
    for column, value in keys.items():
        keep &= summary[column] == value
    return summary[keep]
