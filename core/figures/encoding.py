"""How every chart looks: α as steps of one hue and as shapes, networks from left to right, light and dark."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

Spec = dict[str, Any]

SHAPES = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down"]
RAMPS = {"light": ("#6f9fd0", "#2a6cb3", "#0b2f5c"), "dark": ("#4d7eb3", "#88b8ea", "#e3f0ff")}
"""From α = 1.0 to the lowest: one hue, the strongest distillation furthest from the background."""
QUIET = {"light": "#6b7280", "dark": "#9ca3af"}
INK = {"light": "#3f4650", "dark": "#c8ccd2"}
POSTER = {"light": "#a8480b", "dark": "#f2a06b"}
SHARES = ("accuracy", "top1_agreement", "top5_agreement", "focus", "win_rate", "part_share")
FORMATS = dict.fromkeys(SHARES, ".1%")
POINTER = {"expr": "datum.link ? 'pointer' : 'default'"}
"""The cursor over marks of which some lead somewhere."""


def trained(alpha: Any) -> str:
    """Return how a network was trained, in words."""
    if pd.isna(alpha):
        return "elsewhere (imported)"
    return "without distillation (α = 1.0)" if alpha == 1 else f"distilled, α = {alpha}"


def ramp(count: int, theme: str) -> list[str]:
    """Return colours for α from 1.0 downwards, evenly spaced on one hue."""
    return between(RAMPS[theme], count)


def between(colours: Sequence[str], count: int) -> list[str]:
    """Return colours evenly spaced along a line through those given, from the first to the last."""
    stops = [_channels(colour) for colour in colours]
    found = []
    for place in range(count):
        at = (len(stops) - 1) * place / max(1, count - 1)
        low = min(len(stops) - 2, int(at))
        mixed = [round(a + (b - a) * (at - low)) for a, b in zip(stops[low], stops[low + 1], strict=True)]
        found.append("#" + "".join(f"{value:02x}" for value in mixed))
    return found


def readable(colour: str) -> str:
    """Return the ink for text on a colour: white where its contrast is 4.5 to 1 (WCAG 2.2, 1.4.3), else black."""
    parts = [channel / 255 for channel in _channels(colour)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return "#ffffff" if 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5 else "#000000"


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def label(alpha: float) -> str:
    """Return an α as the legend has it."""
    return "imported" if pd.isna(alpha) else str(alpha)


def written(value: float, form: str) -> str:
    """Return a number as people write it, in a format of `FORMATS`: a true minus, but not of zero; a dash for NaN."""
    if pd.isna(value):
        return "–"
    text = f"{value:{form}}"
    return text.replace("-", "−" if any(digit in text for digit in "123456789") else "")


def place(networks: list[str], alphas: list[float], table: pd.DataFrame, below: int = 0) -> dict[str, Any]:
    """Architectures side by side, the α of each beside one another, from 1.0 down; `below` are pixels for a matrix."""
    shown = [*(str(alpha) for alpha in alphas if alpha in set(table["alpha"])), *_strangers(table)]
    names = alt.Axis(labelAngle=0, labelLimit=120, offset=below)
    return {
        "x": alt.X("network:N", sort=networks, title=None, axis=names),
        "xOffset": alt.XOffset("α:N", sort=shown, scale=alt.Scale(domain=shown, paddingOuter=0.4)),
    }


def leads(table: pd.DataFrame) -> dict[str, Any]:
    """Return the channel that makes marks links, where the table has a column `link` of addresses, "" for none."""
    return {"href": alt.Href("link:N")} if "link" in table else {}


def _strangers(table: pd.DataFrame) -> list[str]:
    return ["imported"] if table["alpha"].isna().any() else []


def colour(alphas: list[float], theme: str) -> alt.Color:
    """Return the colour of an α, the same whatever of the study is shown."""
    names = [*(str(alpha) for alpha in alphas), "imported"]
    scale = alt.Scale(domain=names, range=[*ramp(len(alphas), theme), QUIET[theme]])
    return alt.Color("α:N", scale=scale, legend=_legend(alphas))


def shape(alphas: list[float]) -> alt.Shape:
    """Return the shape of an α, for whom colour does not tell."""
    names = [*(str(alpha) for alpha in alphas), "imported"]
    scale = alt.Scale(domain=names, range=[*(SHAPES[i % len(SHAPES)] for i in range(len(alphas))), "stroke"])
    return alt.Shape("α:N", scale=scale, legend=_legend(alphas))


def _legend(alphas: list[float]) -> alt.Legend:
    return alt.Legend(
        title="α (1.0: no distillation)",
        orient="top",
        values=[str(alpha) for alpha in alphas],
        symbolSize=110,
        symbolOpacity=1,
    )


def axis(form: str) -> alt.Axis:
    """Return an axis of whole percents, or of plain numbers."""
    return alt.Axis(format="%" if "%" in form else "~g")


def reference_legend(symbol: str, colour: str) -> alt.Legend:
    """Return the legend, below a chart, of something that the points are compared with."""
    return alt.Legend(
        title=None,
        orient="bottom",
        columns=1,
        symbolType=symbol,
        symbolSize=160,
        symbolStrokeWidth=2,
        symbolStrokeColor=colour,
    )


def finish(chart: Any, height: int, theme: str) -> Spec:
    """Return a layered chart as a spec, its small print dark enough to read."""
    ink = {"labelColor": INK[theme], "titleColor": INK[theme], "labelFontSize": 13, "titleFontSize": 13}
    # Else the first and the last label are pushed off their lines to stay within the plot.
    even = {"labelBound": False, "labelFlush": False}
    done = chart.properties(height=height).configure_view(strokeWidth=0)
    spec: Spec = done.configure_axis(**ink, **even).configure_legend(**ink).to_dict()
    # Side by side, the last would be cut off on a telephone. Vega's own word, which Altair's schema lacks.
    spec["config"]["legend"]["layout"] = {"bottom": {"direction": "vertical", "anchor": "start", "margin": 4}}
    for layer in spec["layer"]:
        if "href" in layer.get("encoding", {}):
            layer["mark"] = {**layer["mark"], "cursor": POINTER}
    # Streamlit would draw more than 2,000 marks on a canvas, where none of them could lead anywhere or have a name.
    return {**spec, "usermeta": {"embedOptions": {"renderer": "svg"}}}
