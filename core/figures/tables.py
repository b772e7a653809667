"""The rows of a study's summary that a figure shows, as the charts want them."""

from dataclasses import dataclass

import pandas as pd

from core.cells import Cell, teacher_cell
from core.config import Config
from core.figures.encoding import written
from core.findings import at_weight, nice_name

COLUMNS = ["network", "alpha", "role", "estimate", "low", "high", "n", "skipped", "seeds"]
"""Of `estimates`. `role`: student, teacher, retrained (the teacher's architecture trained anew) or imported. `n`:
trainings where there are several `seeds`, else images."""


@dataclass(frozen=True, eq=False)
class View:
    """A study's summary, and what of its grid is shown."""

    summary: pd.DataFrame
    """As `Study.summary`, at one λ (`core.findings.at_weight`)."""
    config: Config
    architectures: list[str]
    """From left to right; those of imported networks too."""
    alphas: list[float]
    method: str


def whole(summary: pd.DataFrame, config: Config) -> View:
    """Return a view of all of a study at λ = 0 by the primary analysis's method, where the study has it."""
    methods = config.explain.methods
    method = "integrated_gradients" if "integrated_gradients" in methods else methods[0]
    own = config.students.architectures
    strangers = sorted({cell.architecture for cell in imported(summary)} - set(own))
    summary = at_weight(summary, 0.0)
    return View(summary, config, [*own, *strangers], sorted(config.students.alphas, reverse=True), method)


def imported(summary: pd.DataFrame) -> list[Cell]:
    """Return the networks somebody brought in (`core add`), as far as the summary knows them."""
    rows = summary[(summary["kind"] == "cell") & (summary["cell"] != "") & summary["alpha"].isna()]
    pairs = rows[["cell", "architecture"]].drop_duplicates().itertuples(index=False)
    return [Cell(str(architecture), None, None, str(name)) for name, architecture in pairs]


def names(view: View) -> list[str]:
    """Return the architectures shown as people write them, then the imported networks."""
    own = [nice_name(architecture) for architecture in view.architectures]
    return [*own, *(cell.name for cell in imported(view.summary))]


def estimates(view: View, measure: str, importance: str = "", outside: str = "", subset: str = "all") -> pd.DataFrame:
    """Return one row a network shown (`COLUMNS`): students by architecture and α, then teacher and imported ones.

    The view's method counts where the measure has one; accuracy and what is made of logits have none. `subset` is of
    the students' images: "all", or "both right".
    """
    rows = of(view.summary, measure, view.method, importance, outside)
    teacher = teacher_cell(view.config)
    groups = of(view.summary, measure, view.method, importance, outside, subset=subset)
    groups = groups[(groups["kind"] == "group") & groups["estimate"].notna()]
    groups = groups[groups["architecture"].isin(view.architectures) & groups["alpha"].isin(view.alphas)]
    again = (groups["architecture"] == teacher.architecture) & (groups["alpha"] == teacher.alpha)
    cells = rows[rows["kind"] == "cell"]
    is_teacher = cells["cell"] == teacher.name
    strangers = cells[cells["alpha"].isna() & cells["architecture"].isin(view.architectures)]
    # The teacher is a point of its own where it is measured against nothing.
    retrained = "student" if measure == "accuracy" else "retrained"
    table = pd.concat(
        [
            groups.assign(role=again.map({True: retrained, False: "student"})),
            cells[is_teacher].assign(role="teacher"),
            strangers.assign(role="imported"),
        ],
        ignore_index=True,
    )
    called = table["architecture"].map(nice_name)
    table["network"] = called.where(table["role"] != "imported", table["cell"])
    order = {name: place for place, name in enumerate(view.architectures)}
    table = table.sort_values(
        ["architecture", "alpha"], key=lambda c: c.map(order) if c.name == "architecture" else -c, kind="stable"
    )
    return table.assign(seeds=len(view.config.students.seeds))[COLUMNS].reset_index(drop=True)


def students(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `estimates` that are drawn as points: all but the teacher."""
    return table[table["role"] != "teacher"]


def teacher_value(table: pd.DataFrame) -> float | None:
    """Return the teacher's own number in `estimates`."""
    found = table.loc[table["role"] == "teacher", "estimate"].dropna()
    return float(found.iloc[0]) if len(found) else None


def control(
    view: View, name: str, importance: str = "", measure: str = "rank_alignment", outside: str = ""
) -> pd.DataFrame:
    """Return what a measure would be by chance: network, alpha, estimate.

    Parameters
    ----------
    view : View
    name : str
        "shuffled", "area" or "random network". The second needs no student, and so may be a single row without a
        network; the third was never trained, so it has no α.
    importance : str
        "density" or "mass"; "" where the measure has none.
    measure, outside : str
        As `estimates`.
    """
    rows = of(view.summary, measure, view.method, importance, outside, name)
    rows = rows[(rows["kind"] == "control") & (rows["cell"] == "")]
    alphas = rows["alpha"].isin(view.alphas) | rows["alpha"].isna()
    shown = rows["architecture"].isin(view.architectures) & alphas
    rows = rows[(shown | (rows["architecture"] == "")) & rows["estimate"].notna()]
    table = rows.groupby(["architecture", "alpha"], sort=False, as_index=False, dropna=False)["estimate"].mean()
    return table.assign(network=table["architecture"].map(nice_name))


def course(history: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return how trainings went on average: network, alpha, epoch, the column, its lowest and highest, trainings.

    Parameters
    ----------
    history : DataFrame
        One row an epoch and training: network, alpha, epoch and the column, NaN where it was not looked at.
    column : str
        What is averaged.
    """
    groups = history.dropna(subset=[column]).groupby(["network", "alpha", "epoch"], sort=False)[column]
    names = {"mean": column, "min": "lowest", "max": "highest", "count": "trainings"}
    return groups.agg(list(names)).rename(columns=names).reset_index()


def together(view: View) -> pd.DataFrame:
    """Return one row a network shown: its logit and rank alignment (importance per pixel), with their intervals."""
    logit = students(estimates(view, "logit_alignment"))
    rank = students(estimates(view, "rank_alignment", "density"))
    return logit.merge(rank, on=["network", "alpha", "role"], suffixes=("_logit", "_rank"))


COMPARED = {
    "cells": "across the students",
    "images": "across the images, within a student",
    "both right": "across the images that both get right, within a student",
}
"""What an association is over, in words, by the `subset` of its row."""


def associations(view: View, architecture: str = "", alpha: float | None = None) -> pd.DataFrame:
    """Return how outputs and explanations go together: over, held fixed, estimate, low, high, n.

    Of all students together, or of one architecture at one α.
    """
    rows = view.summary
    rows = rows[(rows["kind"] == "association") & (rows["method"] == view.method)]
    rows = rows[(rows["architecture"] == architecture) & (rows["importance"] == "density")]
    if architecture:  # an imported network has no α, and nothing here is of it
        rows = rows[rows["alpha"] == alpha]
    return pd.DataFrame(
        {
            "compared": rows["subset"].map(COMPARED),
            "held fixed": rows["control"].replace("", "nothing"),
            "ρ": rows["estimate"],
            "low": rows["low"],
            "high": rows["high"],
            "counted": rows["n"],
        }
    )


def effects(view: View, measure: str = "rank_alignment", importance: str = "density") -> pd.DataFrame:
    """Return what distillation at the lowest α changes, by each method: network, method, estimate, low, high.

    A row a smaller student, with an interval that holds for all of them together, then one for their mean.
    """
    rows = view.summary
    rows = rows[(rows["kind"] == "finding") & (rows["measure"] == measure) & (rows["subset"] == "all")]
    rows = rows[(rows["importance"] == importance) & rows["estimate"].notna()]
    shown = rows["architecture"].isin([*view.architectures, ""])
    networks = rows["architecture"].map(nice_name).where(rows["architecture"] != "", "on average")
    return rows.assign(network=networks)[shown][["network", "method", "estimate", "low", "high"]]


def as_table(rows: pd.DataFrame, networks: list[str]) -> pd.DataFrame:
    """Return network, alpha, estimate as people print it: a row an α, a column a network, two decimals."""
    wide = rows.pivot(index="alpha", columns="network", values="estimate").sort_index(ascending=False)
    wide.index = pd.Index([f"α = {alpha}" for alpha in wide.index])
    return wide[[name for name in networks if name in wide]].map(lambda value: written(value, ".2f"))


def spreads(view: View, importance: str) -> pd.DataFrame:
    """Return how rank alignment spreads over images: network, alpha, p5, p25, p50, p75, p95, n; a row a network."""
    rows = view.summary
    rows = rows[(rows["kind"] == "quantile") & (rows["method"] == view.method) & (rows["importance"] == importance)]
    shown = rows["alpha"].isin(view.alphas) | rows["alpha"].isna()
    rows = rows[rows["architecture"].isin(view.architectures) & shown]
    wide = rows.pivot_table(index="cell", columns="control", values="estimate", sort=False)
    found = rows.drop_duplicates("cell").set_index("cell")[["architecture", "alpha", "n"]].join(wide)
    called = found["architecture"].map(nice_name)
    names = called.where(found["alpha"].notna(), found.index.to_series())
    return found.assign(network=names).drop(columns="architecture").reset_index(drop=True)


def part_shares(view: View, architecture: str) -> pd.DataFrame:
    """Return which share of its looking each part receives: part, alpha, role, network, share, low, high, n.

    The teacher first, then one architecture at every α that is shown. No rows where parts mean nothing. Beside the
    shares of distilled students stand those less the undistilled ones', paired by seed: change, change_low,
    change_high; NaN where there is none.
    """
    rows = view.summary
    rows = rows[(rows["kind"] == "part") & (rows["method"] == view.method)]
    changes = rows[(rows["control"] == "no distillation") & (rows["architecture"] == architecture)]
    rows = rows[rows["control"] == ""]
    mine = (rows["cell"] == "") & (rows["architecture"] == architecture) & rows["alpha"].isin(view.alphas)
    rows = pd.concat([rows[rows["cell"] != ""], rows[mine].sort_values("alpha", ascending=False, kind="stable")])
    role = (rows["cell"] != "").map({True: "teacher", False: "student"})
    rows = rows.assign(role=role, network=rows["architecture"].map(nice_name))
    columns = {"subset": "part", "estimate": "share"}
    kept = ["part", "alpha", "role", "network", "share", "low", "high", "n"]
    ends = {"estimate": "change", "low": "change_low", "high": "change_high"}
    changes = changes.rename(columns={"subset": "part", **ends})[["part", "alpha", *ends.values()]]
    return rows.rename(columns=columns)[kept].merge(changes.assign(role="student"), "left", ["part", "alpha", "role"])


def of(
    summary: pd.DataFrame,
    measure: str,
    method: str,
    importance: str,
    outside: str,
    control: str = "",
    subset: str = "all",
) -> pd.DataFrame:
    """Return the rows of one measure, by `method` or by none; their place in the summary as index."""
    keys = {"measure": measure, "importance": importance, "outside": outside, "control": control}
    keep = (summary["subset"] == subset) & summary["method"].isin(["", method])
    for column, value in keys.items():
        keep &= summary[column] == value
    return summary[keep]
