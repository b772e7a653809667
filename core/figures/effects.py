"""What distillation changes, by one method of explaining beside another (research question 1)."""

from typing import Any

import altair as alt
import pandas as pd

from core.figures.charts import HEIGHT
from core.figures.encoding import POSTER, QUIET, RAMPS, Spec, axis, finish, leads

SHAPES = ("circle", "diamond", "square", "triangle-up")


def effects(table: pd.DataFrame, title: str, theme: str = "light") -> Spec:
    """Draw the change of a measure under distillation, side by side for each method, and a line where nothing changes.

    Parameters
    ----------
    table : DataFrame
        `core.figures.tables.effects`, with the methods in words.
    title : str
        Of the axis.
    """
    methods, networks = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table["network"]))
    hues = [RAMPS[theme][1], POSTER[theme], QUIET[theme], RAMPS[theme][2]]
    legend = alt.Legend(title="By", orient="top", symbolSize=110, symbolOpacity=1, labelLimit=300)
    count = min(len(methods), len(hues))
    colour = alt.Color("method:N", scale=alt.Scale(domain=methods[:count], range=hues[:count]), legend=legend)
    shape = alt.Shape("method:N", scale=alt.Scale(domain=methods[:count], range=SHAPES[:count]), legend=legend)
    beside: dict[str, Any] = {
        "x": alt.X("network:N", sort=networks, title=None, axis=alt.Axis(labelAngle=0, labelLimit=120)),
        "xOffset": alt.XOffset("method:N", sort=methods, scale=alt.Scale(domain=methods, paddingOuter=0.6)),
    }
    y = alt.Y("estimate:Q", title=title, axis=axis(".2f"))
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("method:N", title="By"),
        alt.Tooltip("estimate:Q", title=title, format="+.3f"),
        alt.Tooltip("low:Q", title="95 % interval from", format="+.3f"),
        alt.Tooltip("high:Q", title="to", format="+.3f"),
    ]
    base = alt.Chart(table).encode(**beside, **leads(table))
    layers = [
        alt.Chart(pd.DataFrame({"none": [0.0]})).mark_rule(color=QUIET[theme], strokeDash=[5, 4]).encode(y="none:Q"),
        base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_point(filled=True, size=80, opacity=1).encode(y=y, color=colour, shape=shape, tooltip=tooltip),
    ]
    return finish(alt.layer(*layers), HEIGHT, theme)
