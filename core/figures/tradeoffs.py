"""What networks cost beside how good they are, as a Vega-Lite spec."""

import math
from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd

from core.cost_measures import COSTS, amount, relative
from core.figures.charts import in_words
from core.figures.encoding import FORMATS, INK, QUIET, Spec, axis, colour, finish, leads, reference_legend, shape
from core.figures.labels import beside_points
from core.measures import MEASURES
from core.tradeoffs import LOWER_IS_BETTER

HEIGHT = 460
ASIDE = 0.014
"""Share of the plot's width by which the α of one network are set apart: they cost the same."""
FRONT = "best trade-offs"
DASHES = {
    FRONT: [1, 0],
    "the teacher itself": [8, 3],
    "the teacher trained anew": [5, 4],
    "by chance, on average": [2, 3],
}
STEPS = (1, 2, 3, 5, 10)


def scatter(
    table: pd.DataFrame,
    cost: str,
    measure: str,
    alphas: list[float],
    lines: dict[str, float] | None = None,
    theme: str = "light",
) -> Spec:
    """Draw each network by how many times less it costs than the teacher, and by how good it is: best at the top right.

    Parameters
    ----------
    table : DataFrame
        `core.tradeoffs.points` with a column `front`, which is drawn as a line.
    cost : str
        A key of `COSTS`.
    measure : str
        A key of `MEASURES`; its axis is turned over where lower is better.
    alphas : list of float
        All α of the study, so that a colour means the same whatever is chosen.
    lines : dict
        Name (of `DASHES`) -> height of a line across.
    """
    about, form = MEASURES[measure], FORMATS.get(measure, ".2f")
    lines = lines or {}
    across, up = _ends(table["ratio"]), _room(table, lines)
    rows = _placed(in_words(table, form), alphas, across).assign(
        spends=[amount(cost, value) for value in table["cost"]],
        compared=[relative(cost, ratio) for ratio in table["ratio"]],
        beaten=np.where(table["front"], "no", "yes"),
    )
    x = alt.X(
        "x:Q",
        title=f"{COSTS[cost].label}: times less than the teacher",
        scale=alt.Scale(type="log", domain=across, nice=False),
        axis=alt.Axis(values=ticks(across), labelExpr="format(datum.value, '~g') + '×'", labelOverlap=True),
    )
    flipped = measure in LOWER_IS_BETTER
    height = alt.Scale(domain=up, nice=False, reverse=flipped)
    y = alt.Y("estimate:Q", title=about.label, scale=height, axis=axis(form))
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("spends:N", title=COSTS[cost].label),
        alt.Tooltip("compared:N", title="That is"),
        alt.Tooltip("value:N", title=about.label),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("counted:N", title="From"),
        alt.Tooltip("beaten:N", title="Beaten by another"),
    ]
    hue = colour(alphas, theme)
    base = alt.Chart(rows).encode(x=x, **leads(table))
    layers = [
        *_references(rows, lines, x, y, theme, form),
        base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", scale=height), y2="high:Q", color=hue),
        base.mark_point(filled=True, size=80, opacity=1).encode(y=y, color=hue, shape=shape(alphas), tooltip=tooltip),
    ]
    named = rows.dropna(subset=["x", "estimate"])
    if len(named):
        layers.append(
            _names(named, across, up, flipped, lines).encode(x=x, y=y, text="network:N", color=alt.value(INK[theme]))
        )
    return finish(alt.layer(*layers), HEIGHT, theme)


def ticks(ends: list[float]) -> list[float]:
    """Return where the compression is written on an axis that is logarithmic: 1, 2, 3, 5, 10, 20 and so on."""
    low, high = ends
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    values = {round(10.0**decade * step, 6) for decade in decades for step in STEPS}
    return sorted(value for value in values if low <= value <= high)


def _ends(ratios: pd.Series) -> list[float]:
    """Return the ends of the axis across: the teacher's 1 and room around the points."""
    low, high = min([1.0, *ratios.dropna()]), max([1.0, *ratios.dropna()])
    margin = max(0.12 * math.log(high / low), 0.1)
    return [low * math.exp(-margin), high * math.exp(margin)]


def _room(table: pd.DataFrame, lines: dict[str, float]) -> list[float]:
    """Return the ends of the upright axis, with room for names."""
    values = np.array([*table[["estimate", "low", "high"]].to_numpy(float).ravel(), *lines.values()], float)
    values = values[~np.isnan(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.12 * (high - low) or 0.1
    return [low - margin, high + margin]


def _placed(rows: pd.DataFrame, alphas: list[float], ends: list[float]) -> pd.DataFrame:
    """Add `x`, the compression, moved a little aside so that the α of a network do not hide each other."""
    order = {alpha: place - (len(alphas) - 1) / 2 for place, alpha in enumerate(alphas)}
    step = ASIDE * math.log(ends[1] / ends[0])
    return rows.assign(x=rows["ratio"] * np.exp(step * rows["alpha"].map(order).fillna(0.0).astype(float)))


def _references(
    rows: pd.DataFrame, lines: dict[str, float], x: alt.X, y: alt.Y, theme: str, form: str
) -> list[alt.Chart]:
    """Draw the front as steps, as nothing shown is above or to the right of it, and the lines across."""
    front = rows[rows["front"]]
    names = [name for name in DASHES if name in lines or (name == FRONT and len(front) > 1)]
    dashes = alt.StrokeDash(
        "line:N",
        scale=alt.Scale(domain=names, range=[DASHES[name] for name in names]),
        legend=reference_legend("stroke", QUIET[theme]),
    )
    layers = []
    if FRONT in names:
        # Who asks for a compression between two of them gets the smaller network.
        line = alt.Chart(front.assign(line=FRONT)).mark_line(
            strokeWidth=2, color=QUIET[theme], interpolate="step-before", opacity=0.8
        )
        layers.append(line.encode(x=x, y=y, strokeDash=dashes, order=alt.Order("x:Q")))
    if lines:
        across = pd.DataFrame({"line": list(lines), "estimate": list(lines.values())})
        tooltip = [
            alt.Tooltip("line:N", title="Reference"),
            alt.Tooltip("estimate:Q", title="Value", format=form),
        ]
        mark = alt.Chart(across).mark_rule(strokeWidth=1.5, color=QUIET[theme])
        layers.append(mark.encode(y=y, strokeDash=dashes, tooltip=tooltip))
    return layers


def _names(
    rows: pd.DataFrame, across: list[float], up: list[float], flipped: bool, lines: dict[str, float]
) -> alt.Chart:
    """Write each network's name once, beside the one of its points that is best."""

    def share(values: pd.Series) -> pd.Series:
        part = (values - up[0]) / (up[1] - up[0])
        return 1 - part if flipped else part

    rows = rows.assign(
        share_x=np.log(rows["x"] / across[0]) / math.log(across[1] / across[0]),
        share_y=share(rows["estimate"]),
        share_low=share(rows["low"]),
        share_high=share(rows["high"]),
    )
    bars = rows.dropna(subset=["low", "high"])[["share_x", "share_low", "share_x", "share_high"]].to_numpy()
    front = rows[rows["front"]].sort_values("share_x")[["share_x", "share_y"]].to_numpy()
    paths = [*rows[["share_x", "share_y"]].to_numpy()[:, None], *bars.reshape(-1, 2, 2)]
    paths += [_steps(front)] if len(front) > 1 else []
    paths += [np.array([[0.0, height], [1.0, height]]) for height in share(pd.Series(lines, dtype=float))]
    first = rows.sort_values("share_y", ascending=False, kind="stable").drop_duplicates("network")
    first = beside_points(first, "share_x", "share_y", paths)
    return alt.Chart(first).mark_text(dx={"expr": "datum.dx"}, dy={"expr": "datum.dy"}, fontSize=12)


def _steps(front: np.ndarray) -> np.ndarray:
    """Return the corners of the front as it is drawn: up or down first, then across."""
    corners = [front[0]]
    for before, after in pairwise(front):
        corners += [np.array([before[0], after[1]]), after]
    return np.stack(corners)
