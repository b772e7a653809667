"""One study less another, network by network."""

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import FORMATS, QUIET, Spec, axis, colour, finish, label, place, shape, trained, written


def differences(
    table: pd.DataFrame,
    measure: str,
    title: str,
    studies: tuple[str, str],
    networks: list[str],
    alphas: list[float],
    theme: str = "light",
) -> Spec:
    """Draw the difference of two studies with its interval, one point a network and α, and a line where there is none.

    Parameters
    ----------
    table : DataFrame
        `core.comparison.differences`.
    measure : str
        A key of `MEASURES`.
    title : str
        Of the axis.
    studies : two names
    networks : list of str
        From left to right.
    alphas : list of float
        All α of the two studies, for their colours.
    """
    form = FORMATS.get(measure, ".2f")
    signed = f"+{form}"
    ends = zip(table["low"], table["high"], strict=True)
    rows = table.assign(
        α=table["alpha"].map(label),
        trained=table["alpha"].map(trained),
        first=table["estimate_1"].map(lambda value: written(value, form)),
        second=table["estimate_2"].map(lambda value: written(value, form)),
        value=table["estimate"].map(lambda value: written(value, signed)),
        interval=[f"{written(low, signed)} to {written(high, signed)}" for low, high in ends],
    )
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("trained:N", title="Trained"),
        alt.Tooltip("first:N", title=studies[0]),
        alt.Tooltip("second:N", title=studies[1]),
        alt.Tooltip("value:N", title="Difference"),
        alt.Tooltip("interval:N", title="95 % interval"),
    ]
    base = alt.Chart(rows).encode(**place(networks, alphas, table))
    y = alt.Y("estimate:Q", title=title, axis=axis(form))
    hue = colour(alphas, theme)
    layers = [
        alt.Chart(pd.DataFrame({"none": [0.0]})).mark_rule(color=QUIET[theme], strokeDash=[5, 4]).encode(y="none:Q"),
        base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q", color=hue),
        base.mark_point(filled=True, size=70, opacity=1).encode(y=y, color=hue, shape=shape(alphas), tooltip=tooltip),
    ]
    return finish(alt.layer(*layers), HEIGHT, theme)
