"""The study's figures in the theme of the person's browser, built once and kept, each with its files below it.

A built spec is shown in 3 ms, building one takes 56.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pandas as pd
import streamlit as st

from core.figures import beside, charts, shares, singles
from core.figures import effects as change
from core.figures.encoding import Spec
from core.figures.tradeoffs import scatter
from core.measures import MEASURES
from dashboard.names import plain
from dashboard.state import kept

LEADS = "Click on a mark to see the images behind it."


@dataclass(frozen=True, eq=False)
class Figure:
    """What can be drawn in either theme."""

    build: Callable[..., Spec]
    """Keeps what it builds."""
    values: tuple[Any, ...]
    """What it is built from; the first is the table of its numbers."""
    named: dict[str, Any]

    def spec(self, theme: str) -> Spec:
        """Return the figure as Vega-Lite, "light" or "dark"."""
        spec: Spec = self.build(*self.values, **{"theme": theme, **self.named})
        return spec

    @property
    def table(self) -> pd.DataFrame:
        """What is drawn, without the addresses that its marks lead to."""
        found: pd.DataFrame = self.values[0]
        return found.drop(columns="link", errors="ignore")

    @property
    def leads(self) -> bool:
        """Whether a click on a mark goes somewhere."""
        return "link" in self.values[0] and bool((self.values[0]["link"] != "").any())

    def svg(self, name: str) -> str:
        """Return the figure as an SVG file, to be printed: light, whatever is shown."""
        from core.report import draw

        return draw.svg(self.spec("light"), name)

    def png(self) -> bytes:
        """Return the figure as a PNG file, as `svg`."""
        from core.report import draw

        return draw.png(self.spec("light"))


def show(figure: Figure, key: str, description: str, *measures: str, about: str = "") -> None:
    """Draw a figure over the full width, and below it its definition and its files.

    Parameters
    ----------
    figure : Figure
    key : str
        Of the chart, one use in all pages; its files are called so.
    description : str
        What a screen reader says.
    measures : str
        Keys of `MEASURES`: what the definition defines.
    about : str
        What else it says.
    """
    name = "-".join([str(kept().get("study", "study")), *key.split("_")])
    files: list[tuple[str, Callable[[], str | bytes], str]] = [
        ("csv", lambda: figure.table.to_csv(index=False), "text/csv"),
        ("svg", lambda: figure.svg(name), "image/svg+xml"),
        ("png", figure.png, "image/png"),
    ]
    with st.container(key=f"figure_{key}", gap="small"):
        st.vega_lite_chart(figure.spec(theme_now()), key=key, alt=description)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            with st.popover("Definition", type="tertiary"):
                for measure in measures:
                    st.markdown(f"**{MEASURES[measure].label}.** {MEASURES[measure].sentence}")
                st.markdown(about or plain(description))
            for kind, content, mime in files:
                file = f"{name}.{kind}"
                st.download_button(
                    kind.upper(), content, file, mime, type="tertiary", on_click="ignore", key=f"{key} {kind}"
                )
            if figure.leads:
                st.caption(LEADS)


def built_once(build: Callable[..., Spec]) -> Callable[..., Figure]:
    """Make a builder of charts, whose first value is the table that it draws, return a figure, built once a theme."""
    cached = st.cache_data(max_entries=128, show_spinner=False)(build)

    @wraps(build)
    def figure(*values: Any, **named: Any) -> Figure:
        return Figure(cached, values, named)

    return figure


def theme_now() -> str:
    """Return "light" or "dark", as the person's browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


dots = built_once(charts.dots)
spreads = built_once(charts.spreads)
curves = built_once(charts.curves)
parts = built_once(charts.parts)
together = built_once(charts.together)
effects = built_once(change.effects)
poster_directions = built_once(beside.poster_directions)
win_rates = built_once(beside.win_rates)
tradeoffs = built_once(scatter)
slopes = built_once(shares.slopes)
classes = built_once(singles.classes)
within = built_once(singles.within)
