"""A study beside what others published: hollow marks are theirs, filled ones the study's own."""

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import (
    POSTER,
    QUIET,
    Spec,
    axis,
    colour,
    finish,
    label,
    leads,
    place,
    reference_legend,
    shape,
)

THEIRS = "the poster"


def poster_directions(
    own: pd.DataFrame, poster: pd.DataFrame, networks: list[str], alphas: list[float], theme: str = "light"
) -> Spec:
    """Draw logit alignment from α to α of each network, joined by lines: directions can be compared, not heights.

    Parameters
    ----------
    own : DataFrame
        `core.figures.tables.estimates`, students only.
    poster : DataFrame
        network, alpha, estimate.
    networks : list of str
        From left to right.
    alphas : list of float
        All α of the study, for their colours.
    """
    rows = own.assign(α=own["alpha"].map(label), whose="this study")
    theirs = poster.assign(α=poster["alpha"].map(label), whose=THEIRS)
    beside = place(networks, alphas, pd.concat([own[["alpha"]], poster[["alpha"]]]))
    y = alt.Y("estimate:Q", title="Logit alignment", axis=axis(".2f"))
    tooltip = [
        alt.Tooltip("whose:N", title="Whose"),
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("α:N", title="α"),
        alt.Tooltip("estimate:Q", title="Logit alignment", format=".2f"),
    ]
    ours = alt.Chart(rows).encode(**beside, **leads(own))
    others = alt.Chart(theirs).encode(**beside)
    order = alt.Order("alpha:Q", sort="descending")
    whose = alt.Stroke(
        "whose:N", scale=alt.Scale(range=[POSTER[theme]]), legend=reference_legend("circle", POSTER[theme])
    )
    hue = colour(alphas, theme)
    layers = [
        others.mark_line(color=POSTER[theme], strokeWidth=1.5, strokeDash=[4, 3]).encode(
            y=y, detail="network:N", order=order
        ),
        ours.mark_line(color=QUIET[theme], strokeWidth=1.5, opacity=0.7).encode(y=y, detail="network:N", order=order),
        ours.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q", color=hue),
        ours.mark_point(filled=True, size=70, opacity=1).encode(y=y, color=hue, shape=shape(alphas), tooltip=tooltip),
        others.mark_point(filled=False, size=80, strokeWidth=2, opacity=1).encode(
            y=y, shape=shape(alphas), stroke=whose, tooltip=tooltip
        ),
    ]
    return finish(alt.layer(*layers), HEIGHT, theme)


def win_rates(table: pd.DataFrame, alphas: list[float], theme: str = "light") -> Spec:
    """Draw how often a distilled student's map is nearer the teacher's (`core.literature.win_rates`), and chance."""
    rows = table.assign(α=table["alpha"].map(label), chance="by chance, 50 %")
    theirs, own = rows[rows["whose"] != "this study"], rows[rows["whose"] == "this study"]
    scale = _near_half(table)  # said of every layer, else one of them begins at 0
    y = alt.Y("who:N", sort=list(table["who"]), title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False))
    x = alt.X("estimate:Q", title="Images on which it is nearer the teacher", axis=axis(".1%"), scale=scale)
    tooltip = [
        alt.Tooltip("whose:N", title="Whose"),
        alt.Tooltip("who:N", title="Student"),
        alt.Tooltip("estimate:Q", title="Win rate", format=".1%"),
    ]
    hue = colour(alphas, theme)
    whose = alt.Stroke(
        "whose:N", scale=alt.Scale(range=[POSTER[theme]]), legend=reference_legend("circle", POSTER[theme])
    )
    half = pd.DataFrame({"half": [0.5], "chance": ["by chance, 50 %"]})
    dashes = alt.StrokeDash(
        "chance:N", scale=alt.Scale(range=[[5, 4]]), legend=reference_legend("stroke", QUIET[theme])
    )
    at_half = alt.X("half:Q", scale=scale)
    layers = [
        alt.Chart(half).mark_rule(strokeWidth=1.5, color=QUIET[theme]).encode(x=at_half, strokeDash=dashes),
        alt.Chart(theirs)
        .mark_point(filled=False, size=80, strokeWidth=2, opacity=1)
        .encode(y=y, x=x, stroke=whose, tooltip=tooltip),
    ]
    if len(own):  # else a legend of α that nothing has
        ours = alt.Chart(own).encode(**leads(table))
        layers += [
            ours.mark_rule(strokeWidth=2).encode(y=y, x=alt.X("low:Q", scale=scale), x2="high:Q", color=hue),
            ours.mark_point(filled=True, size=70, opacity=1).encode(
                y=y, x=x, color=hue, shape=shape(alphas), tooltip=tooltip
            ),
        ]
    return finish(alt.layer(*layers), 26 * len(table) + 150, theme)


def _near_half(table: pd.DataFrame) -> alt.Scale:
    """Return an axis that shows half, and all there is."""
    values = table[["estimate", "low", "high"]]
    return alt.Scale(domain=[min(0.4, float(values.min().min())), max(0.7, float(values.max().max()))], nice=True)
