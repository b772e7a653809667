"""The parts of one image in the order in which each network looks at them, as Vega-Lite specs."""

import json
from typing import Any

import altair as alt
import pandas as pd

from core.figures.encoding import INK, QUIET, RAMPS, Spec, between, finish, readable

BLUES = ["#0b2f5c", "#2a6cb3", "#9cc3ea", "#eef4fb"]


def rank_matrix(table: pd.DataFrame, theme: str = "light") -> Spec:
    """Draw a row a part, a column a network, the rank written and coloured.

    Parameters
    ----------
    table : DataFrame
        part, then a column a network with the part's rank, missing where it has none; the teacher's first, and the
        parts in its order.
    """
    networks = list(table.columns[1:])
    long = table.melt("part", var_name="network", value_name="rank").dropna()
    last = len(table)
    names = alt.Axis(orient="top", labelAngle=-45, labelLimit=240, labelOverlap=False, labelColor=INK[theme])
    fills = between(BLUES, last)
    long = long.astype({"rank": int})
    long["fill"] = [fills[rank - 1] for rank in long["rank"]]
    long["ink"] = long["fill"].map(readable)
    base = alt.Chart(long).encode(
        x=alt.X("network:N", sort=networks, title=None, axis=names),
        y=alt.Y("part:N", sort=list(table["part"]), title=None, axis=alt.Axis(labelLimit=120, labelColor=INK[theme])),
        tooltip=_tooltip(last),
    )
    boxes = base.mark_rect(cornerRadius=3).encode(color=alt.Color("fill:N", scale=None))
    numbers = base.mark_text(fontSize=12).encode(text="rank:Q", color=alt.Color("ink:N", scale=None))
    spec: Spec = (
        (boxes + numbers)
        .properties(height=alt.Step(24))
        .configure_view(strokeWidth=0)
        .configure_axis(grid=False, ticks=False, domain=False)
    ).to_dict()
    return spec


def rank_slopes(table: pd.DataFrame, first: int, theme: str = "light") -> Spec:
    """Draw a line a part, from its place in the teacher's order on the left to its places in the students'.

    The teacher's first parts are blue and thick; a part that is pointed at is told from all others.

    Parameters
    ----------
    table : DataFrame
        As `rank_matrix`. Equals are drawn one below the other, in the teacher's order.
    first : int
        How many of the teacher's parts are told apart: those that focus is on, `measure.top_k`.
    """
    networks, count = list(table.columns[1:]), len(table)
    long = pd.concat([_places(table, network) for network in networks], ignore_index=True)
    long["which"] = long["part"].isin(table["part"][:first]).map({True: "first", False: "other"})
    ends = [_names(long[long["network"] == network], count) for network in (networks[0], networks[-1])]
    plain: dict[str, Any] = {"grid": False, "ticks": False, "domain": False, "labelLimit": 130, "labelOverlap": False}
    sides: list[tuple[list[str], dict[str, Any]]] = [(ends[0], {"orient": "left"}), (ends[1], {"orient": "right"})]
    axes = [
        alt.Axis(values=list(range(1, count + 1)), labelExpr=f"{json.dumps(names)}[datum.value - 1]", **plain, **side)
        for names, side in sides
    ]
    across = alt.Axis(
        orient="top",
        labelAngle=0,
        labelLimit=110,
        labelExpr="split(replace(datum.label, ', λ', ',\\nλ'), '\\n')",  # λ on a line of its own
        domain=False,
        ticks=False,
        labelPadding=8,
    )
    x = alt.X("network:N", sort=networks, title=None, axis=across, scale=alt.Scale(type="point", padding=0.1))
    up = alt.Scale(domain=[0.5, count + 0.5], reverse=True, nice=False, zero=False)
    which = alt.Scale(domain=["first", "other"], range=[RAMPS[theme][1], QUIET[theme]])
    over = alt.selection_point(name="part_over", fields=["part"], on="pointerover", clear="pointerout", empty=False)
    width = alt.condition(over, alt.value(5), alt.StrokeWidth("which:N", scale=alt.Scale(range=[2.5, 1]), legend=None))
    base = alt.Chart(long).encode(
        x=x, color=alt.Color("which:N", scale=which, legend=None), detail="part:N", tooltip=_tooltip(count)
    )
    layers = [
        base.mark_line(opacity=0.9).encode(y=alt.Y("place:Q", title=None, scale=up, axis=axes[0]), strokeWidth=width),
        base.mark_point(filled=True, opacity=1, size=80)
        .encode(y=alt.Y("place:Q", title=None, scale=up, axis=axes[1]))
        .add_params(over),
    ]
    chart = alt.layer(*layers).resolve_axis(y="independent")
    return finish(chart, 24 * count + 60, theme)


def _places(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """Return part, network, rank and place (the rank with equals one below the other) of a column."""
    own = table[["part", network]].dropna().rename(columns={network: "rank"}).astype({"rank": int})
    return own.assign(network=network, place=own["rank"].rank(method="first").astype(int))


def _names(own: pd.DataFrame, count: int) -> list[str]:
    """Return the part at every place, "" where there is none."""
    parts = dict(zip(own["place"], own["part"], strict=True))
    return [str(parts.get(place, "")) for place in range(1, count + 1)]


def _tooltip(last: int) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("part:N", title="Part"),
        alt.Tooltip("rank:Q", title=f"Rank of {last}"),
    ]
