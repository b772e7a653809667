"""The study's figures in the theme of the person's browser, built once and kept.

A built spec is shown in 3 ms, building one takes 56.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from core.figures import beside, charts, shares, singles
from core.figures import effects as change
from core.figures.encoding import Spec
from core.figures.tradeoffs import scatter


def show(spec: Spec, key: str, description: str) -> None:
    """Draw a spec over the full width; `description` is what a screen reader says."""
    st.vega_lite_chart(spec, key=key, alt=description)


def built_once(build: Callable[..., Spec]) -> Callable[..., Spec]:
    """Make a builder of charts know the theme (`theme=`), and keep what it builds."""
    kept = st.cache_data(max_entries=128, show_spinner=False)(build)

    @wraps(build)
    def built(*values: Any, **named: Any) -> Spec:
        spec: Spec = kept(*values, **{"theme": theme_now(), **named})
        return spec

    return built


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
