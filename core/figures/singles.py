"""Single images drawn: how they spread within each class, and outputs beside explanations."""

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import INK, POSTER, QUIET, RAMPS, Spec, finish
from core.figures.images import ANSWERS


def classes(table: pd.DataFrame, means: pd.DataFrame, column: str, title: str, theme: str = "light") -> Spec:
    """Draw every image as a tick and the mean of its class as a dot, the class of the lowest mean on top.

    Behind each class stands of how many images its mean is.

    Parameters
    ----------
    table : DataFrame
        `core.figures.images.agreement`.
    means : DataFrame
        `core.figures.images.by_class` of it.
    column : str
        What is drawn: "value" or "change".
    title : str
        Of the axis.
    """
    counted = [f"{name} ({n})" for name, n in zip(means["name"], means["n"], strict=True)]
    called = dict(zip(means["name"], counted, strict=True))
    means, table = (rows.assign(called=rows["name"].map(called)) for rows in (means, table))
    about = alt.Axis(labelLimit=160, labelOverlap=False, grid=True)
    y = alt.Y("called:N", sort=counted, title=None, axis=about)
    scale, form = alt.Scale(zero=False, nice=True), ".2f"
    ticks = alt.Chart(table.dropna(subset=[column])[["name", "called", column]]).mark_tick(
        thickness=1.5, height=12, opacity=0.45, color=QUIET[theme]
    )
    dots = alt.Chart(means.dropna(subset=["mean"])).mark_point(
        filled=True, size=90, opacity=1, color=RAMPS[theme][1], stroke=INK[theme], strokeWidth=1
    )
    tooltip = [
        alt.Tooltip("name:N", title="Class"),
        alt.Tooltip("mean:Q", title="Mean", format=form),
        alt.Tooltip("n:Q", title="Images"),
        alt.Tooltip("skipped:Q", title="Left out (undefined)"),
    ]
    layers = [
        ticks.encode(
            x=alt.X(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(format="~g", tickCount=6)),
            y=y,
            tooltip=[
                alt.Tooltip("name:N", title="An image of"),
                alt.Tooltip(f"{column}:Q", title=title, format=form),
            ],
        ),
        dots.encode(x="mean:Q", y=y, tooltip=tooltip),
    ]
    return finish(alt.layer(*layers), 26 * len(means) + 80, theme)


def within(table: pd.DataFrame, theme: str = "light") -> Spec:
    """Draw each image of one network by logit alignment (x) and rank alignment (y), marked by who is right.

    Parameters
    ----------
    table : DataFrame
        `core.figures.images.pairs`.
    """
    rows = table.dropna(subset=["logit", "rank"])
    names = list(ANSWERS.values())
    hues = [RAMPS[theme][1], POSTER[theme], INK[theme], QUIET[theme]]
    legend = alt.Legend(title=None, orient="top", symbolSize=110, symbolOpacity=1, columns=2, labelLimit=240)
    colour = alt.Color("answers:N", scale=alt.Scale(domain=names, range=hues), legend=legend)
    shapes = ["circle", "triangle-up", "diamond", "cross"]
    shape = alt.Shape("answers:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)
    least, scale = alt.Axis(tickCount=6), alt.Scale(zero=False, nice=True)
    points = alt.Chart(rows).mark_point(filled=True, size=50, opacity=0.6)
    spec = points.encode(
        x=alt.X("logit:Q", title="Logit alignment (outputs)", scale=scale, axis=least),
        y=alt.Y("rank:Q", title="Rank alignment (where it looks)", scale=scale, axis=least),
        color=colour,
        shape=shape,
        tooltip=[
            alt.Tooltip("name:N", title="An image of"),
            alt.Tooltip("answers:N", title="Answers"),
            alt.Tooltip("logit:Q", title="Logit alignment", format=".2f"),
            alt.Tooltip("rank:Q", title="Rank alignment", format=".2f"),
        ],
    )
    return finish(alt.layer(spec), HEIGHT, theme)
