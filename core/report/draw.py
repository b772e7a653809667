"""Figures as SVG and PNG, drawn here and now: no browser, no network."""

import re

from core.figures.encoding import Spec

WIDTH = 620
"""Pixels of the plot, without its axis: with it, the width of an A4 page."""
FLATTER = 0.72
"""Of the dashboard's height: legends stand outside the plot here, and more of the page is text."""
SHARPER = 2
"""Pixels of a PNG for each of the SVG."""


def svg(spec: Spec, name: str) -> str:
    """Draw a figure as an SVG element; its ids begin with `name`, so that several can stand in one page."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(_sized(spec), allowed_base_urls=[])
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawn)


def png(spec: Spec) -> bytes:
    """Draw a figure as a PNG file."""
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_png(_sized(spec), scale=SHARPER, allowed_base_urls=[])
    return drawn


def _sized(spec: Spec) -> Spec:
    return {
        **_unlinked(spec),
        "width": WIDTH,
        "height": round(FLATTER * spec.get("height", 300)),
        "background": "white",
    }


def _unlinked(spec: Spec) -> Spec:
    """Return a figure whose marks lead nowhere: a file by itself has no page for their addresses to be of."""
    encoding = {channel: each for channel, each in spec.get("encoding", {}).items() if channel != "href"}
    found = {**spec, "encoding": encoding} if "encoding" in spec else {**spec}
    return {**found, "layer": [_unlinked(each) for each in spec["layer"]]} if "layer" in spec else found
