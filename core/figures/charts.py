"""Charts as Vega-Lite specs: from tables of numbers to what a browser, or a report, draws."""

from typing import Any

import altair as alt
import pandas as pd

from core.figures.encoding import (
    FORMATS,
    INK,
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
    trained,
    written,
)
from core.figures.labels import beside_points
from core.figures.matrix import height as matrix_height
from core.figures.matrix import matrix
from core.measures import MEASURES

HEIGHT = 420
CROSS = "M-1,-1L1,1M-1,1L1,-1"
"""A shape that no α has."""


def dots(
    table: pd.DataFrame,
    measure: str,
    networks: list[str],
    alphas: list[float],
    lines: dict[str, float] | None = None,
    chance: pd.DataFrame | None = None,
    poster: pd.DataFrame | None = None,
    untrained: pd.DataFrame | None = None,
    numbers: bool = False,
    theme: str = "light",
) -> Spec:
    """Draw one point a network and α with its interval.

    Parameters
    ----------
    table : DataFrame
        `core.figures.tables.COLUMNS`, students only; with `link`, every mark leads to an address.
    measure : str
        A key of `MEASURES`; names the axis.
    networks : list of str
        From left to right.
    alphas : list of float
        All α of the study, so that a colour means the same whatever is chosen.
    lines : dict
        Name -> height of a dashed line across; none where it is NaN.
    chance, poster : DataFrame
        network, alpha, estimate: short grey ticks, and hollow marks.
    untrained : DataFrame
        network, estimate: a grey cross a network, in the middle of its α.
    numbers : bool
        Whether the numbers stand below as a matrix of α and networks.
    """
    about, form = MEASURES[measure], FORMATS.get(measure, ".2f")
    below = matrix_height(table) if numbers else 0
    beside = place(networks, alphas, table, below)
    rows = in_words(table, form).assign(about=about.sentence)
    base = alt.Chart(rows).encode(**beside, **leads(table))
    y = alt.Y("estimate:Q", title=about.label, scale=alt.Scale(zero=False, nice=True), axis=axis(form))
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("value:N", title=about.label),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("counted:N", title="From"),
        alt.Tooltip("about:N", title="What it is"),
    ]
    hue = colour(alphas, theme)
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q", color=hue),
        base.mark_point(filled=True, size=70, opacity=1).encode(y=y, color=hue, shape=shape(alphas), tooltip=tooltip),
    ]
    if chance is not None and len(chance):
        layers.insert(0, _ticks(chance, beside, theme, form))
    if poster is not None and len(poster):
        layers.append(_hollow(poster, beside, alphas, theme, form))
    if untrained is not None and len(untrained):
        layers.insert(0, _crosses(untrained, beside, theme, form))
    for name, height in (lines or {}).items():
        if pd.notna(height):
            layers.append(_line(name, height, theme, form))
    if below:
        layers += matrix(rows, beside["x"], form, theme, {"tooltip": tooltip, **leads(table)})
    return finish(alt.layer(*layers), HEIGHT + below, theme)


def spreads(
    table: pd.DataFrame,
    measure: str,
    networks: list[str],
    alphas: list[float],
    chance: pd.DataFrame | None = None,
    theme: str = "light",
) -> Spec:
    """Draw how a measure spreads over images (`tables.spreads`): median, middle half, and nine in ten.

    Parameters as `dots`.
    """
    about, form = MEASURES[measure], FORMATS.get(measure, ".2f")
    rows = table.assign(trained=table["alpha"].map(trained), α=table["alpha"].map(label))
    beside = place(networks, alphas, table)
    base = alt.Chart(rows).encode(**beside, **leads(table))
    hue = colour(alphas, theme)
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("p50:Q", title="Median image", format=form),
        alt.Tooltip("p25:Q", title="A quarter is below", format=form),
        alt.Tooltip("p75:Q", title="A quarter is above", format=form),
        alt.Tooltip("n:Q", title="Images"),
    ]
    y = alt.Y("p5:Q", title=f"{about.label} of single images", scale=alt.Scale(zero=False))
    layers = [
        base.mark_rule(strokeWidth=1.5).encode(y=y, y2="p95:Q", color=hue),
        base.mark_rule(strokeWidth=9, opacity=0.45).encode(y="p25:Q", y2="p75:Q", color=hue),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            y="p50:Q", color=hue, shape=shape(alphas), tooltip=tooltip
        ),
    ]
    if chance is not None and len(chance):
        layers.append(_ticks(chance, beside, theme, form))
    return finish(alt.layer(*layers), HEIGHT, theme)


def curves(table: pd.DataFrame, column: str, title: str, alphas: list[float], theme: str = "light") -> Spec:
    """Draw training over epochs, one line an α; `table` has epoch, alpha and the column.

    Where it has several `λ`, in words, each has a line of its own, and dashes.
    With `lowest` and `highest` (`core.figures.tables.course`) there is a band around each line.
    """
    rows = table.dropna(subset=[column]).assign(α=table["alpha"].map(label), trained=table["alpha"].map(trained))
    form = ".1%" if column.endswith("accuracy") else ".3f"
    tooltip = [
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("epoch:Q", title="Passes over the images"),
        alt.Tooltip(f"{column}:Q", title=title, format=form),
    ]
    scale = alt.Scale(zero=False)
    x = alt.X("epoch:Q", title="Passes over the training images", axis=alt.Axis(tickMinStep=1))
    y = alt.Y(f"{column}:Q", title=title, scale=scale, axis=axis(form))
    hue = colour(alphas, theme)
    base = alt.Chart(rows).encode(x=x, y=y, color=hue, **leads(table))
    lines = base
    if "λ" in rows and rows["λ"].nunique() > 1:
        tooltip.insert(1, alt.Tooltip("λ:N", title="λ, weight of looking alike"))
        lines = base.encode(strokeDash=alt.StrokeDash("λ:N", legend=alt.Legend(orient="top")))
    layers = [
        lines.mark_line(strokeWidth=2),
        base.mark_point(filled=True, size=40, opacity=1).encode(shape=shape(alphas), tooltip=tooltip),
    ]
    if "lowest" in rows:
        ends = [("lowest", "Lowest training"), ("highest", "Highest training"), ("trainings", "Trainings")]
        tooltip += [alt.Tooltip(f"{n}:Q", title=t, format="d" if n == "trainings" else form) for n, t in ends]
        layers[1] = layers[1].encode(tooltip=tooltip)
        band = alt.Chart(rows).mark_area(opacity=0.18)
        layers.insert(0, band.encode(x=x, y=alt.Y("lowest:Q", scale=scale), y2="highest:Q", color=hue))
    return finish(alt.layer(*layers), HEIGHT, theme)


def parts(table: pd.DataFrame, alphas: list[float], order: list[str], theme: str = "light") -> Spec:
    """Draw what share of its looking each part receives: `tables.part_shares`; the teacher's as bars."""
    rows = table.assign(α=table["alpha"].map(label), who=table["alpha"].map(trained))
    y = alt.Y("part:N", sort=order, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False))
    x = alt.X("share:Q", title="Share of all the network's looking", axis=alt.Axis(format="%", tickCount=6))
    tooltip = [
        alt.Tooltip("part:N", title="Part"),
        alt.Tooltip("who:N", title="Trained"),
        alt.Tooltip("share:Q", title="Share, on average", format=".1%"),
        alt.Tooltip("n:Q", title="Images where it is visible"),
    ]
    teacher = alt.Chart(rows[rows["role"] == "teacher"].assign(who="the teacher")).encode(**leads(table))
    pupils = alt.Chart(rows[rows["role"] != "teacher"]).encode(**leads(table))
    layers = [
        teacher.mark_bar(color=QUIET[theme], opacity=0.35, height={"band": 0.7}).encode(y=y, x=x, tooltip=tooltip),
        teacher.mark_rule(color=QUIET[theme]).encode(y=y, x="low:Q", x2="high:Q"),
        pupils.mark_rule(strokeWidth=2).encode(y=y, x="low:Q", x2="high:Q", color=colour(alphas, theme)),
        pupils.mark_point(filled=True, size=90, opacity=1).encode(
            y=y, x=x, color=colour(alphas, theme), shape=shape(alphas), tooltip=tooltip
        ),
    ]
    return finish(alt.layer(*layers), 26 * len(order) + 120, theme)


def together(table: pd.DataFrame, alphas: list[float], theme: str = "light") -> Spec:
    """Draw each network by how far its outputs (x) and where it looks (y) agree with the teacher's."""
    rows = table.assign(α=table["alpha"].map(label), trained=table["alpha"].map(trained))
    least = alt.Axis(tickCount=6)
    across, up = (room(rows, measure) for measure in ("logit", "rank"))
    scales = [alt.Scale(domain=domain, nice=False) for domain in (across, up)]
    x = alt.X("estimate_logit:Q", title="Logit alignment (outputs)", scale=scales[0], axis=least)
    y = alt.Y("estimate_rank:Q", title="Rank alignment (where it looks)", scale=scales[1], axis=least)
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("estimate_logit:Q", title="Logit alignment", format=".2f"),
        alt.Tooltip("estimate_rank:Q", title="Rank alignment", format=".2f"),
    ]
    base = alt.Chart(rows).encode(x=x, y=y, **leads(table))
    quiet: dict[str, Any] = {"color": QUIET[theme], "opacity": 0.45}
    rows = rows.assign(
        x=(rows["estimate_logit"] - across[0]) / (across[1] - across[0]),
        y=(rows["estimate_rank"] - up[0]) / (up[1] - up[0]),
    ).sort_values("alpha", ascending=False)
    paths = [path[["x", "y"]].to_numpy() for _, path in rows.dropna(subset=["x", "y"]).groupby("network")]
    first = rows.dropna(subset=["x", "y"]).drop_duplicates("network")
    if paths:
        first = beside_points(first, "x", "y", paths)
    layers = [
        base.mark_rule(**quiet).encode(y=alt.Y("low_rank:Q", scale=scales[1]), y2="high_rank:Q"),
        base.mark_rule(**quiet).encode(x=alt.X("low_logit:Q", scale=scales[0]), x2="high_logit:Q"),
        base.mark_line(strokeWidth=2, **quiet).encode(
            detail="network:N", order=alt.Order("alpha:Q", sort="descending")
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            color=colour(alphas, theme), shape=shape(alphas), tooltip=tooltip
        ),
        alt.Chart(first)
        .mark_text(dx={"expr": "datum.dx"}, dy={"expr": "datum.dy"}, fontSize=12, color=INK[theme])
        .encode(x=x, y=y, text="network:N"),
    ]
    return finish(alt.layer(*layers), HEIGHT, theme)


def room(rows: pd.DataFrame, measure: str) -> list[float]:
    """Return the ends of an axis that leaves room for names around the points."""
    values = rows[[f"estimate_{measure}", f"low_{measure}", f"high_{measure}"]]
    low, high = float(values.min().min()), float(values.max().max())
    margin = 0.15 * (high - low) or 0.1
    return [low - margin, high + margin]


def in_words(table: pd.DataFrame, form: str) -> pd.DataFrame:
    """Add what the tooltips say."""
    counted = [
        f"{n} {'trainings' if 1 < n <= seeds else 'images'}" + (f", {skipped} left out (undefined)" if skipped else "")
        for n, skipped, seeds in zip(table["n"], table["skipped"], table["seeds"], strict=True)
    ]
    return table.assign(
        α=table["alpha"].map(label),
        trained=[
            trained(alpha) + (", the teacher's network trained anew" if role == "retrained" else "")
            for alpha, role in zip(table["alpha"], table["role"], strict=True)
        ],
        value=table["estimate"].map(lambda value: written(value, form)),
        interval=[
            f"{written(a, form)} to {written(b, form)}" for a, b in zip(table["low"], table["high"], strict=True)
        ],
        counted=counted,
    )


def _ticks(chance: pd.DataFrame, beside: dict[str, Any], theme: str, form: str) -> alt.Chart:
    rows = chance.assign(α=chance["alpha"].map(label), what="by chance")
    what = alt.Fill("what:N", scale=alt.Scale(range=[QUIET[theme]]), legend=reference_legend("stroke", QUIET[theme]))
    mark = alt.Chart(rows).mark_tick(thickness=3, size=16, orient="horizontal", opacity=1)
    return mark.encode(**beside, y="estimate:Q", fill=what, tooltip=_reference_tooltip("what", "estimate", form))


def _crosses(untrained: pd.DataFrame, beside: dict[str, Any], theme: str, form: str) -> alt.Chart:
    rows = untrained.assign(never="never trained")
    legend = reference_legend(CROSS, QUIET[theme])
    # Of its own accord it would be a scale of positions, and the legend's symbols without width.
    never = alt.StrokeWidth("never:N", scale=alt.Scale(type="ordinal", range=[2]), legend=legend)
    mark = alt.Chart(rows).mark_point(shape=CROSS, filled=False, size=90, color=QUIET[theme], opacity=1)
    tooltip = [alt.Tooltip("network:N", title="Network"), *_reference_tooltip("never", "estimate", form)]
    return mark.encode(x=beside["x"], y="estimate:Q", strokeWidth=never, tooltip=tooltip)


def _hollow(poster: pd.DataFrame, beside: dict[str, Any], alphas: list[float], theme: str, form: str) -> alt.Chart:
    # A field of its own: legends of one field are drawn as one.
    rows = poster.assign(α=poster["alpha"].map(label), whose="the poster")
    whose = alt.Stroke(
        "whose:N", scale=alt.Scale(range=[POSTER[theme]]), legend=reference_legend("circle", POSTER[theme])
    )
    mark = alt.Chart(rows).mark_point(filled=False, size=80, strokeWidth=2, opacity=1)
    tooltip = [alt.Tooltip("network:N", title="Network"), alt.Tooltip("α:N", title="α")]
    tooltip += _reference_tooltip("whose", "estimate", form)
    return mark.encode(**beside, y="estimate:Q", shape=shape(alphas), stroke=whose, tooltip=tooltip)


def _line(name: str, height: float, theme: str, form: str) -> alt.Chart:
    row = pd.DataFrame({"line": [name], "height": [height]})
    dashes = alt.StrokeDash("line:N", scale=alt.Scale(range=[[5, 4]]), legend=reference_legend("stroke", QUIET[theme]))
    mark = alt.Chart(row).mark_rule(strokeWidth=1.5, color=QUIET[theme])
    return mark.encode(y="height:Q", strokeDash=dashes, tooltip=_reference_tooltip("line", "height", form))


def _reference_tooltip(name: str, value: str, form: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:N", title="Reference"), alt.Tooltip(f"{value}:Q", title="Value", format=form)]
