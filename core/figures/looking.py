"""Networks that also learned to look where the teacher looks, beside the same that did not."""

from typing import Any

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT, room
from core.figures.encoding import INK, QUIET, SHAPES, Spec, colour, finish, label, trained
from core.figures.labels import beside_points
from core.figures.tables import View, estimates, students
from core.findings import at_weight

MEASURES = {"accuracy": ("", ""), "rank_alignment": ("density", "")}
"""What is drawn, with its importance and outside."""


def looks(summary: pd.DataFrame, view: View) -> pd.DataFrame:
    """Return a row a distilled network shown and λ: network, alpha, λ, and each of `MEASURES` with its interval.

    Parameters
    ----------
    summary : DataFrame
        Of the whole study, every λ.
    view : View
        What of the grid is shown, at whichever λ.
    """
    found = []
    for weight in sorted(view.config.students.explanation_weights):
        at = View(at_weight(summary, weight), view.config, view.architectures, view.alphas, view.method)
        right, ranks = (students(estimates(at, measure, *how)) for measure, how in MEASURES.items())
        both = right.merge(ranks, on=["network", "alpha"], suffixes=("_right", "_rank"))
        found.append(both[both["alpha"] < 1].assign(weight=weight))
    return pd.concat(found, ignore_index=True)


def beside(table: pd.DataFrame, alphas: list[float], theme: str = "light") -> Spec:
    """Draw what training for looking does: accuracy across, rank alignment up, a line from λ = 0 to the largest.

    Parameters
    ----------
    table : DataFrame
        `looks`.
    alphas : list of float
        All α of the study, for their colours.
    """
    weights = sorted(table["weight"].unique())
    names = [f"λ = {weight:g}" for weight in weights]
    several = table["alpha"].nunique() > 1  # which the names say, so that no legend of colours need
    rows = table.assign(
        λ=table["weight"].map("λ = {:g}".format),
        α=table["alpha"].map(label),
        trained=table["alpha"].map(trained),
        path=table["network"] + (", α = " + table["alpha"].map(label) if several else ""),
    ).dropna(subset=["estimate_right", "estimate_rank"])
    across, up = (room(rows, name) for name in ("right", "rank"))
    scales = [alt.Scale(domain=domain, nice=False) for domain in (across, up)]
    few = [alt.Axis(format=form, tickCount=6) for form in (".0%", ".2f")]
    x = alt.X("estimate_right:Q", title="Accuracy", scale=scales[0], axis=few[0])
    y = alt.Y("estimate_rank:Q", title="Rank alignment", scale=scales[1], axis=few[1])
    legend = alt.Legend(
        title="Trained for looking",
        orient="top",
        symbolSize=110,
        symbolOpacity=1,
        symbolFillColor=QUIET[theme],
        symbolStrokeColor=QUIET[theme],
    )
    shape = alt.Shape("λ:N", scale=alt.Scale(domain=names, range=_shapes(len(names))), legend=legend)
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("λ:N", title="For looking"),
        alt.Tooltip("estimate_right:Q", title="Accuracy", format=".1%"),
        alt.Tooltip("estimate_rank:Q", title="Rank alignment", format=".2f"),
    ]
    quiet: dict[str, Any] = {"color": QUIET[theme], "opacity": 0.45}
    places = rows.assign(
        network=rows["path"],
        x=(rows["estimate_right"] - across[0]) / (across[1] - across[0]),
        y=(rows["estimate_rank"] - up[0]) / (up[1] - up[0]),
    )
    paths = [path.sort_values("weight")[["x", "y"]].to_numpy() for _, path in places.groupby("path")]
    first = places[places["weight"] == 0]
    if len(first):
        first = beside_points(first, "x", "y", paths)
    base = alt.Chart(rows).encode(x=x, y=y)
    layers = [
        base.mark_rule(**quiet).encode(y=alt.Y("low_rank:Q", scale=scales[1]), y2="high_rank:Q"),
        base.mark_rule(**quiet).encode(x=alt.X("low_right:Q", scale=scales[0]), x2="high_right:Q"),
        base.mark_line(strokeWidth=2, color=QUIET[theme]).encode(detail="path:N", order="weight:Q"),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            color=colour(alphas, theme).legend(None), shape=shape, tooltip=tooltip
        ),
        alt.Chart(first)
        .mark_text(dx={"expr": "datum.dx"}, dy={"expr": "datum.dy"}, fontSize=12, color=INK[theme])
        .encode(x=x, y=y, text="path:N"),
    ]
    return finish(alt.layer(*layers), HEIGHT, theme)


def _shapes(count: int) -> list[str]:
    return [SHAPES[place % len(SHAPES)] for place in range(count)]
