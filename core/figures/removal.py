"""What becomes of an answer while an image's pixels are removed or added, as Vega-Lite specs."""

import altair as alt
import numpy as np
import pandas as pd

from core.figures.encoding import POSTER, QUIET, RAMPS, Spec, finish

MAP, BLURRED, RANDOM = "this map's order", "the map blurred", "random orders"


def removal_table(curves: np.ndarray) -> pd.DataFrame:
    """Return one row a point of the curves (2 + R, K + 1) of `core.trust.Trust`: line, order, share, probability."""
    orders = [MAP, BLURRED, *[RANDOM] * (len(curves) - 2)]
    shares = np.linspace(0, 1, curves.shape[1])
    lines = [
        pd.DataFrame({"line": line, "order": order, "share": shares, "probability": values})
        for line, (order, values) in enumerate(zip(orders, curves, strict=True))
    ]
    return pd.concat(lines, ignore_index=True)


def removal(table: pd.DataFrame, title: str, theme: str = "light") -> Spec:
    """Draw curves of `removal_table`: random orders as thin grey lines behind the map's and its blur's.

    Parameters
    ----------
    table : DataFrame
        `removal_table`.
    title : str
        Of the axis along which pixels change.
    """
    scale = alt.Scale(domain=[MAP, BLURRED, RANDOM], range=[RAMPS[theme][1], POSTER[theme], QUIET[theme]])
    # One below the other: side by side they are cut on a telephone.
    legend = alt.Legend(
        title=None, orient="bottom", columns=1, symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1
    )
    quarters = [0, 0.25, 0.5, 0.75, 1]
    base = alt.Chart(table).encode(
        x=alt.X("share:Q", title=title, axis=alt.Axis(format="%", values=quarters)),
        y=alt.Y(
            "probability:Q",
            title="Probability",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", values=quarters),
        ),
        color=alt.Color("order:N", scale=scale, legend=legend),
        detail="line:N",
    )
    tooltip = [
        alt.Tooltip("order:N", title="Order"),
        alt.Tooltip("share:Q", title="Share of the pixels", format=".0%"),
        alt.Tooltip("probability:Q", title="Probability", format=".1%"),
    ]
    of_map, blurred, random = (base.transform_filter(alt.datum.order == order) for order in (MAP, BLURRED, RANDOM))
    layers = [
        random.mark_line(strokeWidth=1, opacity=0.45),
        blurred.mark_line(strokeWidth=2, strokeDash=[5, 3]),
        of_map.mark_line(strokeWidth=3),
        of_map.mark_point(filled=True, size=45, opacity=1).encode(tooltip=tooltip),
        blurred.mark_point(filled=True, size=30, opacity=1).encode(tooltip=tooltip),
    ]
    return finish(alt.layer(*layers), 330, theme)
