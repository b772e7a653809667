"""Figures in the theme of the person's browser, each with its files below it; the study's are built once and kept.

A built spec is shown in 3 ms, building one takes 56; its tables are kept as the browser gets them, as Arrow.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, wraps
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from core.figures import beside, charts, looking, shares, singles
from core.figures import effects as change
from core.figures.encoding import Spec
from core.figures.tradeoffs import scatter
from core.measures import MEASURES
from dashboard import leads
from dashboard.names import plain
from dashboard.once import once
from dashboard.state import choices, kept

BESIDE = {"chance": "by chance", "untrained": "never trained", "poster": "the poster", "means": "mean of a class"}
"""What is drawn beside a figure's first table: the builders' names for it -> `role` in the file of numbers."""
FEW = 16
"""Charts of single images that are kept: each holds thousands of rows."""


@dataclass(frozen=True)
class Drawn:
    """A figure as the browser gets it."""

    spec: Spec
    """Its tables in Arrow, as Streamlit would turn them at every look."""
    links: str
    """Where its marks lead, as a list in Markdown; "" where none does."""


@dataclass(frozen=True, eq=False)
class Figure:
    """What can be drawn in either theme; equal to another that draws the same numbers."""

    build: Callable[..., Spec]
    values: tuple[Any, ...]
    """What it is built from; the first is a table of numbers."""
    named: dict[str, Any]
    given: dict[str, Any]
    """All of that, by the names that the builder has for it; the theme comes when it is drawn."""
    draw: Callable[["Figure", str], Drawn]
    """`drawn`, or what keeps it: not for what is a visitor's own."""

    def __eq__(self, other: object) -> bool:
        """Return whether the other draws the same."""
        return isinstance(other, Figure) and self._contents == other._contents

    def __hash__(self) -> int:
        """Return what fits `==`."""
        return hash(self._contents)

    @cached_property
    def _contents(self) -> Hashable:
        return self.build, contents(self.values), contents(self.named)

    def spec(self, theme: str) -> Spec:
        """Return the figure as Vega-Lite, "light" or "dark"."""
        return self.build(*self.values, **{"theme": theme, **self.named})

    @property
    def table(self) -> pd.DataFrame:
        """All numbers that are drawn, without the addresses that marks lead to.

        `role` says what a row is, where there is more than one kind: a network or an image, what it is compared with,
        or a line by its name.
        """
        first: pd.DataFrame = self.values[0]
        column = self.given.get("column", "estimate")
        lines = {name: at for name, at in (self.given.get("lines") or {}).items() if pd.notna(at)}
        there = {role: self.given[name] for name, role in BESIDE.items() if self.given.get(name) is not None}
        more = [each.drop(columns="architecture", errors="ignore").assign(role=role) for role, each in there.items()]
        more += [pd.DataFrame({"role": list(lines), column: list(lines.values())})]
        more = [each.dropna(axis="columns", how="all") for each in more if len(each)]
        if more and "role" not in first:
            first = first.assign(role="image" if "image" in first else "student")
        if more:  # counts stay whole numbers where others have none
            counts = [each.astype(dict.fromkeys(each.select_dtypes("integer"), "Int64")) for each in (first, *more)]
            first = pd.concat(counts, ignore_index=True)
        return first.drop(columns="link", errors="ignore")

    @property
    def links(self) -> dict[str, str]:
        """Where marks lead, and what is there."""
        return leads.listed([each for each in self.values if isinstance(each, pd.DataFrame)])

    def svg(self, name: str) -> str:
        """Return the figure as an SVG file, to be printed: light, whatever is shown."""
        from core.report import draw

        return draw.svg(self.spec("light"), name)

    def png(self) -> bytes:
        """Return the figure as a PNG file, as `svg`."""
        from core.report import draw

        return draw.png(self.spec("light"))


def show(figure: Figure, key: str, description: str, *measures: str, about: str = "", opens: str = "") -> None:
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
    opens : str
        What a click on a mark shows, where it is not `leads.note`.
    """
    name = "-".join([str(kept().get("study", "study")), *key.split("_")])
    files: list[tuple[str, Callable[[], str | bytes], str]] = [
        ("csv", lambda: figure.table.to_csv(index=False), "text/csv"),
        ("svg", lambda: figure.svg(name), "image/svg+xml"),
        ("png", figure.png, "image/png"),
    ]
    with st.container(key=f"figure_{key}", gap="small"):
        ready = figure.draw(figure, theme_now())
        st.vega_lite_chart(ready.spec, key=key, alt=description)
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
            if ready.links:
                with st.popover("Images", type="tertiary"):
                    st.caption("Where the marks of this chart lead; each opens in a tab of its own.")
                    st.markdown(ready.links)
                st.caption(opens or leads.note(choices()))


def drawn(figure: Figure, theme: str) -> Drawn:
    """Return a figure as the browser gets it."""
    spec = figure.spec(theme)
    tables = {name: convert_anything_to_arrow_bytes(rows) for name, rows in spec.get("datasets", {}).items()}
    links = "\n".join(f"- [{plain(text)}]({link})" for link, text in figure.links.items())
    return Drawn({**spec, "datasets": tables}, links)


def built_once(build: Callable[..., Spec], most: int = 128) -> Callable[..., Figure]:
    """Make a builder of charts, whose first value is the table that it draws, return a figure, built once a theme.

    `most` are kept.
    """
    takes, keep = signature(build), once(most)(drawn)

    @wraps(build)
    def figure(*values: Any, **named: Any) -> Figure:
        return Figure(build, values, named, takes.bind_partial(*values, **named).arguments, keep)

    return figure


def built(build: Callable[..., Spec], *values: Any, **named: Any) -> Figure:
    """Return a figure that nobody keeps: of what is a visitor's own. It is built whenever it is drawn."""
    return Figure(build, values, named, signature(build).bind_partial(*values, **named).arguments, drawn)


def contents(value: Any) -> Hashable:
    """Return what is equal for what draws the same: of a table its values, a tenth of what Streamlit's hash takes."""
    if isinstance(value, pd.DataFrame):
        return tuple((name, contents(value[name].to_numpy())) for name in value)
    if isinstance(value, np.ndarray):
        return (
            (str(value.dtype), tuple(map(repr, value))) if value.dtype == object else (value.dtype.str, value.tobytes())
        )
    if isinstance(value, dict):
        return tuple((name, contents(each)) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(contents, value))
    return repr(value) if isinstance(value, float) else value  # NaN is not itself


def theme_now() -> str:
    """Return "light" or "dark", as the person's browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


dots = built_once(charts.dots)
spreads = built_once(charts.spreads)
curves = built_once(charts.curves)
parts = built_once(charts.parts)
together = built_once(charts.together)
effects = built_once(change.effects)
looks = built_once(looking.beside)
poster_directions = built_once(beside.poster_directions)
win_rates = built_once(beside.win_rates)
tradeoffs = built_once(scatter)
slopes = built_once(shares.slopes)
classes = built_once(singles.classes, FEW)
within = built_once(singles.within, FEW)
