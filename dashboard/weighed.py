"""What the trade-offs page shows of a study's summary: costs and qualities of the networks that are chosen."""

import pandas as pd
import streamlit as st

from core import tradeoffs
from core.cost_measures import COSTS, amount
from core.figures.encoding import FORMATS, label
from core.measures import MEASURES
from core.study import Study
from dashboard import loaded
from dashboard.gallery import WRONG
from dashboard.once import once
from dashboard.state import Choices

KEYS = ["network", "alpha"]
SORTS = {
    "accuracy": WRONG,
    "logit_alignment": "logit_alignment lowest",
    "top1_agreement": "logit_alignment lowest",
    "top5_agreement": "logit_alignment lowest",
    "kl": "kl highest",
    "rank_alignment": "rank_alignment lowest",
    "map_similarity": "map_similarity lowest",
    "focus": "focus lowest",
}
"""By which order the images behind a point tell why it stands where it does."""


def rows(choices: Choices) -> pd.DataFrame:
    """Return the rows of the summary that the page is about; a slider that is drawn asks for them many times."""
    study = choices.study
    return _rows(study, str(study.folder), loaded.stamp(study.folder), choices.method, choices.weight)


@once(512)
def points(choices: Choices, cost: str, measure: str) -> pd.DataFrame:
    """Return `core.tradeoffs.points` of the networks chosen, with `front`: whether no other of them is better."""
    table = _chosen(choices, tradeoffs.points(rows(choices), choices.config, cost, measure, choices.method))
    if measure in tradeoffs.NO_FRONT:
        return table.assign(front=False)
    sign = -1 if measure in tradeoffs.LOWER_IS_BETTER else 1
    return table.assign(front=tradeoffs.pareto(table["cost"], sign * table["estimate"]))


@once(64)
def students(choices: Choices, cost: str) -> pd.DataFrame:
    """Return `core.tradeoffs.students`, as far as they are chosen."""
    return _chosen(choices, tradeoffs.students(rows(choices), choices.config, cost, choices.method))


def missing(choices: Choices, measure: str, lines: dict[str, float]) -> str:
    """Say which reference a study cannot give."""
    if measure in ("accuracy", "focus") or "the teacher trained anew" in lines:
        return ""
    if len(choices.config.students.seeds) == 1:
        return "Each network was trained once, so how far the teacher trained anew would agree with it is not known."
    return "This study has no line of the teacher trained anew for it."


def table(choices: Choices, costs: list[str], measures: list[str], name: str) -> None:
    """Offer all costs and qualities of the networks shown as a table and, with the intervals, as CSV."""
    full = everything(choices, tuple(costs), tuple(measures))
    shown = full.assign(alpha=full["alpha"].map(label))
    for cost in costs:
        shown[cost] = [amount(cost, value) for value in full[cost]]
    columns = [*KEYS, *(column for cost in costs for column in (cost, f"{cost}_ratio")), *measures]
    config = {f"{cost}_ratio": st.column_config.NumberColumn("times less", format="%.2f") for cost in costs}
    for measure in measures:
        share = "%" in FORMATS.get(measure, "")
        shown[measure] *= 100 if share else 1
        config[measure] = st.column_config.NumberColumn(measure_label(measure), format="%.1f %%" if share else "%.3f")
    names = {"alpha": "α", **{cost: cost_label(cost) for cost in costs}}
    with st.expander("The numbers"):
        st.dataframe(
            shown[columns].rename(columns=names),
            hide_index=True,
            height="content",
            column_config=config,
            alt="What every network costs, and how good it is",
        )
        st.caption("times less: than the teacher. The CSV has every number in full, with its 95 % interval.")
        file = f"{name}.csv"
        st.download_button("Download as CSV", lambda: full.to_csv(index=False), file, "text/csv", on_click="ignore")


@once(64)
def everything(choices: Choices, costs: tuple[str, ...], measures: tuple[str, ...]) -> pd.DataFrame:
    """Return one row a network: each cost and its ratio, then each measure with `_low` and `_high`."""
    tables = {measure: points(choices, costs[0], measure) for measure in measures}
    found = pd.concat(tables.values())[KEYS].drop_duplicates()
    widest = max(tables, key=lambda measure: len(tables[measure]))  # accuracy, which the teacher has too
    for cost in costs:
        prices = points(choices, cost, widest)
        found = found.merge(prices[[*KEYS, "cost", "ratio"]], on=KEYS, how="left")
        found = found.rename(columns={"cost": cost, "ratio": f"{cost}_ratio"})
    for measure, each in tables.items():
        columns = {"estimate": measure, "low": f"{measure}_low", "high": f"{measure}_high"}
        found = found.merge(each[[*KEYS, *columns]].rename(columns=columns), on=KEYS, how="left")
    return found.reset_index(drop=True)


def cost_label(cost: str) -> str:
    """Return what a cost is called."""
    return COSTS[cost].label


def measure_label(measure: str) -> str:
    """Return what a measure is called."""
    return MEASURES[measure].label


def _chosen(choices: Choices, table: pd.DataFrame) -> pd.DataFrame:
    """Keep the architectures and α that are chosen, in the study's order; imported networks have no α."""
    keep = table["architecture"].isin(choices.architectures)
    keep &= table["alpha"].isin(choices.alphas) | table["alpha"].isna()
    order = {name: place for place, name in enumerate(choices.architectures)}
    return table[keep].sort_values(
        ["architecture", "alpha"],
        key=lambda column: column.map(order) if column.name == "architecture" else -column,
        kind="stable",
        ignore_index=True,
    )


@loaded.tables_kept(8)
def _rows(_study: Study, folder: str, stamp: str, method: str, weight: float) -> pd.DataFrame:
    summary = loaded.summary(_study, weight)
    keep = summary["measure"].isin([*COSTS, *tradeoffs.QUALITIES]) & summary["method"].isin(["", method])
    kinds = summary["kind"].isin(["cell", "group", "control", "normalised", "cost"])
    return summary[keep & kinds & summary["subset"].isin(["", "all"])]
