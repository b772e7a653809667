"""Single images drawn: how they spread within each class, and outputs beside explanations."""

from typing import Any

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import INK, POSTER, QUIET, RAMPS, Spec, finish, leads, reference_legend
from core.figures.images import ANSWERS


def classes(
    table: pd.DataFrame,
    means: pd.DataFrame,
    column: str,
    title: str,
    lines: dict[str, float] | None = None,
    theme: str = "light",
) -> Spec:
    """Draw every image as a tick and the mean of its class as a dot with its interval, the lowest mean on top.

    Behind each class stands of how many images its mean is.

    Parameters
    ----------
    table : DataFrame
        `core.figures.images.agreement`; with `link`, images that lead somewhere are drawn longer and darker.
    means : DataFrame
        `core.figures.images.by_class` of it.
    column : str
        What is drawn: "value" or "change".
    title : str
        Of the axis.
    lines : dict
        Name -> place of a dashed line.
    """
    counted = [f"{name} ({n})" for name, n in zip(means["name"], means["n"], strict=True)]
    called = dict(zip(means["name"], counted, strict=True))
    means, table = (rows.assign(called=rows["name"].map(called)) for rows in (means, table))
    about = alt.Axis(labelLimit=160, labelOverlap=False, grid=True)
    y = alt.Y("called:N", sort=counted, title=None, axis=about)
    scale, form = alt.Scale(zero=False, nice=True), ".2f"
    shown = ["name", "called", column, *(["link"] if "link" in table else [])]
    known = table.dropna(subset=[column])[shown]
    averages = alt.Chart(means.dropna(subset=["mean"])).encode(y=y, **leads(means))
    dots = averages.mark_point(filled=True, size=90, opacity=1, color=RAMPS[theme][1], stroke=INK[theme], strokeWidth=1)
    dashes = alt.StrokeDash("line:N", scale=alt.Scale(range=[[5, 4]]), legend=reference_legend("stroke", QUIET[theme]))
    tooltip = [
        alt.Tooltip("name:N", title="Class"),
        alt.Tooltip("mean:Q", title="Mean", format=form),
        alt.Tooltip("low:Q", title="95 % interval from", format=form),
        alt.Tooltip("high:Q", title="to", format=form),
        alt.Tooltip("n:Q", title="Images"),
        alt.Tooltip("skipped:Q", title="Left out (undefined)"),
    ]
    images: dict[str, Any] = {
        "x": alt.X(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(format="~g", tickCount=6)),
        "y": y,
        "tooltip": [
            alt.Tooltip("name:N", title="An image of"),
            alt.Tooltip(f"{column}:Q", title=title, format=form),
        ],
    }
    shut, open_ = _apart(known)
    layers = [
        alt.Chart(pd.DataFrame({"line": [name], "at": [at]}))
        .mark_rule(strokeWidth=1.5, color=QUIET[theme])
        .encode(x="at:Q", strokeDash=dashes)
        for name, at in (lines or {}).items()
        if pd.notna(at)
    ]
    layers += [
        alt.Chart(shut).mark_tick(thickness=1.5, height=12, opacity=0.45, color=QUIET[theme]).encode(**images),
        alt.Chart(open_)
        .mark_tick(thickness=2.5, height=18, opacity=0.9, color=INK[theme])
        .encode(**images, **leads(known)),
        averages.mark_rule(strokeWidth=2, color=RAMPS[theme][1]).encode(x="low:Q", x2="high:Q"),
        dots.encode(x="mean:Q", tooltip=tooltip),
    ]
    return finish(alt.layer(*layers), 26 * len(means) + 110, theme)


def within(table: pd.DataFrame, theme: str = "light") -> Spec:
    """Draw each image of one network by logit alignment (x) and rank alignment (y), marked by who is right.

    Parameters
    ----------
    table : DataFrame
        `core.figures.images.pairs`; with `link`, images that lead somewhere are drawn larger and with an edge.
    """
    rows = table.dropna(subset=["logit", "rank"])
    names = list(ANSWERS.values())
    hues = [RAMPS[theme][1], POSTER[theme], INK[theme], QUIET[theme]]
    legend = alt.Legend(title=None, orient="top", symbolSize=110, symbolOpacity=1, columns=2, labelLimit=240)
    colour = alt.Color("answers:N", scale=alt.Scale(domain=names, range=hues), legend=legend)
    shapes = ["circle", "triangle-up", "diamond", "cross"]
    shape = alt.Shape("answers:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)
    least, scale = alt.Axis(tickCount=6), alt.Scale(zero=False, nice=True)
    images: dict[str, Any] = {
        "x": alt.X("logit:Q", title="Logit alignment (outputs)", scale=scale, axis=least),
        "y": alt.Y("rank:Q", title="Rank alignment (where it looks)", scale=scale, axis=least),
        "color": colour,
        "shape": shape,
        "tooltip": [
            alt.Tooltip("name:N", title="An image of"),
            alt.Tooltip("answers:N", title="Answers"),
            alt.Tooltip("logit:Q", title="Logit alignment", format=".2f"),
            alt.Tooltip("rank:Q", title="Rank alignment", format=".2f"),
        ],
    }
    shut, open_ = _apart(rows)
    layers = [
        alt.Chart(shut).mark_point(filled=True, size=50, opacity=0.45).encode(**images),
        alt.Chart(open_)
        .mark_point(filled=True, size=90, opacity=1, stroke=INK[theme], strokeWidth=1.5)
        .encode(**images, **leads(rows)),
    ]
    return finish(alt.layer(*layers), HEIGHT, theme)


def _apart(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that lead nowhere, without an address, and those that lead somewhere."""
    leading = table["link"] != "" if "link" in table else pd.Series(False, table.index)
    return table[~leading].drop(columns="link", errors="ignore"), table[leading]
