"""Single images drawn: how they spread within each class, and outputs beside explanations."""

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import INK, POSTER, QUIET, RAMPS, Spec, finish, leads, reference_legend
from core.figures.images import ANSWERS


def classes(table: pd.DataFrame, means: pd.DataFrame, column: str, title: str, theme: str = "light") -> Spec:
    """Draw every image as a tick and the mean of its class as a dot with its interval, the lowest mean on top.

    Behind each class stands of how many images its mean is. A dashed line: the mean of all images; of a change, 0.

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
    shown = ["name", "called", column, *(["link"] if "link" in table else [])]
    known = table.dropna(subset=[column])[shown]
    ticks = alt.Chart(known).mark_tick(thickness=1.5, height=12, opacity=0.45, color=QUIET[theme])
    averages = alt.Chart(means.dropna(subset=["mean"])).encode(y=y, **leads(means))
    dots = averages.mark_point(filled=True, size=90, opacity=1, color=RAMPS[theme][1], stroke=INK[theme], strokeWidth=1)
    line, at = ("no change", 0.0) if column == "change" else ("the mean of all images", known[column].mean())
    dashes = alt.StrokeDash("line:N", scale=alt.Scale(range=[[5, 4]]), legend=reference_legend("stroke", QUIET[theme]))
    lines = pd.DataFrame({"line": [line], "at": [at]})
    tooltip = [
        alt.Tooltip("name:N", title="Class"),
        alt.Tooltip("mean:Q", title="Mean", format=form),
        alt.Tooltip("low:Q", title="95 % interval from", format=form),
        alt.Tooltip("high:Q", title="to", format=form),
        alt.Tooltip("n:Q", title="Images"),
        alt.Tooltip("skipped:Q", title="Left out (undefined)"),
    ]
    layers = [
        alt.Chart(lines).mark_rule(strokeWidth=1.5, color=QUIET[theme]).encode(x="at:Q", strokeDash=dashes),
        ticks.encode(
            x=alt.X(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(format="~g", tickCount=6)),
            y=y,
            tooltip=[
                alt.Tooltip("name:N", title="An image of"),
                alt.Tooltip(f"{column}:Q", title=title, format=form),
            ],
            **leads(known),
        ),
        averages.mark_rule(strokeWidth=2, color=RAMPS[theme][1]).encode(x="low:Q", x2="high:Q"),
        dots.encode(x="mean:Q", tooltip=tooltip),
    ]
    return finish(alt.layer(*layers), 26 * len(means) + 110, theme)


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
        **leads(rows),
        tooltip=[
            alt.Tooltip("name:N", title="An image of"),
            alt.Tooltip("answers:N", title="Answers"),
            alt.Tooltip("logit:Q", title="Logit alignment", format=".2f"),
            alt.Tooltip("rank:Q", title="Rank alignment", format=".2f"),
        ],
    )
    return finish(alt.layer(spec), HEIGHT, theme)
