"""The heat-map viewer: a photo, and over it where each network looks, all on one scale.

Everything that a person does with it is drawn in the browser, without the server, and told by the address. Only of a
step to another image the server is told, where the page asks for it.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.overlay import FADE, colours, contours, shared_scale
from dashboard.names import rho

FOLDER = Path(__file__).parent / "viewer"
CRISP = 128
"""Photos up to this many pixels a side are sent without loss: they are enlarged, and every flaw with them."""
SCRIPTS = ("choice.js", "pixels.js", "panels.js", "gestures.js", "viewer.js")
"""One script to Streamlit, which takes no more; the last one holds what it calls."""
PALE = (240, 240, 240)
TEACHER_MORE, STUDENT_MORE = (40, 120, 240), (255, 140, 0)
AGAINST, FOR = (118, 42, 131), (27, 120, 55)
"""Ends of the two-sided colour maps, told apart with every kind of colour vision, and from each other."""
UNITS = 32767
SHARES = (0.05, 0.2)
"""Of the picture, that lines are drawn around: where the teacher looks hardest."""


@dataclass(frozen=True)
class Panel:
    """What one network makes of the image. The first panel is the teacher's, and is told apart as such."""

    cell: str
    title: str
    kind: str
    """Teacher, distilled or not, in words."""
    short: str
    """The network in a few words, for a table."""
    relevance: np.ndarray
    """(h, w), signed or not: the size is drawn."""
    says: str
    right: bool | None
    """None where nobody knows."""
    alignment: float
    """ρ with the teacher over the parts of this image; NaN where it is undefined."""
    importance: np.ndarray
    """(P,) per part, NaN where it is not visible."""
    trust: str = ""
    """How far the map may be trusted: a key of `core.trust.LEVELS`; "" where nobody has looked."""
    trusted: str = ""
    """The same in words; where nobody has looked, "" or that it is so."""
    why: str = ""
    """And the reason."""


def viewer(
    photo: np.ndarray | None,
    panels: Sequence[Panel],
    part_map: np.ndarray | None,
    parts: Sequence[str],
    key: str,
    on_step: Callable[[], None] | None = None,
    in_address: bool = False,
) -> None:
    """Draw the viewer.

    Parameters
    ----------
    photo : ndarray or None
        (H, W, 3) uint8, square. Without one the maps lie on plain grey.
    panels : sequence of Panel
        The teacher first; all maps of one shape.
    part_map : ndarray or None
        (h, w) uint8, p + 1 on part p; without one nothing happens under the pointer.
    parts : sequence of str
        Names of the parts.
    key : str
        Streamlit's.
    on_step : callable, optional
        Called when a person asks for the next image or the one before, by the arrow keys or by two buttons, which are
        there only then: `stepped` says how far to go.
    in_address : bool
        Whether the address (`?view=…`) tells the view that a person has settled on, and is begun with. The browser
        writes and reads it, and passes over what makes no sense, so the server has nothing to do with it.

    Raises
    ------
    ValueError
        The maps have several shapes.
    """
    callbacks = {} if on_step is None else {"on_step_change": on_step}
    data = payload(photo, panels, part_map, parts)
    data |= {"steps": on_step is not None, "in_address": in_address}
    _component()(data=data, key=key, **callbacks)


def stepped(key: str) -> int:
    """Return how many images on, or (< 0) back, the viewer of this key was asked to go since this was asked last.

    The browser counts its steps: Streamlit keeps only the newest of several messages that wait.
    """
    state = st.session_state
    if not (told := state[key].step):
        return 0
    name, count = str(told[0]), int(told[1])
    before: tuple[str, int] = state.get(f"{key} steps", (name, 0))
    state[f"{key} steps"] = (name, count)
    return count - before[1] if before[0] == name else count


def payload(
    photo: np.ndarray | None, panels: Sequence[Panel], part_map: np.ndarray | None, parts: Sequence[str]
) -> dict[str, Any]:
    """Return what the browser gets: plain values only, arrays as base64, nothing that is not a number.

    Maps travel as 16-bit integers in units of 1/32767 of the largest scale among them, which leaves the browser the
    choice between the scale that all share and each map's own.
    """
    shapes = {panel.relevance.shape for panel in panels}
    if len(shapes) > 1:
        raise ValueError(f"maps side by side have one shape, not {sorted(shapes)}")
    shared = shared_scale(panel.relevance for panel in panels)
    own = [shared_scale([panel.relevance]) for panel in panels]
    unit = max(shared, *own, 0.0) / UNITS or 1.0
    data = {
        "photo": None if photo is None else webp(photo, 88, lossless=len(photo) <= CRISP),
        "fade": FADE,
        "colours": {
            "heat": _base64(colours()),
            "signed": _base64(two_sided(AGAINST, FOR)),
            "difference": _base64(two_sided(TEACHER_MORE, STUDENT_MORE)),
        },
        "part_map": None if part_map is None else _base64(part_map.astype(np.uint8)),
        "part_width": 0 if part_map is None else part_map.shape[1],
        "parts": list(parts),
        "width": panels[0].relevance.shape[1] if panels else 0,
        "scale": shared / unit,
        "signed": any(bool((panel.relevance < 0).any()) for panel in panels),
        "shares": list(SHARES),
        "contours": [_line(line) for share in SHARES for line in contours(panels[0].relevance, share)]
        if panels
        else [],
        "panels": [
            _panel(panel, scale, unit, teacher=i == 0) for i, (panel, scale) in enumerate(zip(panels, own, strict=True))
        ],
    }
    return {**data, "version": hashlib.sha256(repr(data).encode()).hexdigest()[:12]}


def ranks(importance: np.ndarray) -> list[int | None]:
    """Return each part's place, 1 the most important, equals sharing the best one.

    None where it is not visible, and for every part where none of them has any importance.
    """
    visible = np.isfinite(importance) & bool(np.nan_to_num(importance).any())
    places = np.zeros(len(importance), int)
    places[visible] = pd.Series(importance[visible]).rank(method="min", ascending=False)
    return [int(place) if seen else None for place, seen in zip(places, visible, strict=True)]


def two_sided(low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    """Return a colour map from one colour to another through pale, (256, 3) uint8."""
    stops = np.array([low, PALE, high], dtype=float)
    at = np.linspace(0, 2, 256)
    return np.stack([np.interp(at, [0, 1, 2], stops[:, c]) for c in range(3)], axis=1).round().astype(np.uint8)


def _panel(panel: Panel, own: float, unit: float, teacher: bool) -> dict[str, Any]:
    verdict = "" if panel.right is None else "right" if panel.right else "wrong"
    return {
        "cell": panel.cell,
        "title": panel.title,
        "kind": panel.kind,
        "teacher": teacher,
        "values": _base64(_integers(panel.relevance, unit)),
        "scale": own / unit,
        "signal": bool(np.any(panel.relevance)),
        "says": panel.says,
        "verdict": verdict,
        "agreement": "" if teacher else f"{rho(panel.alignment)} with the teacher",
        "trust": panel.trust,
        "trusted": panel.trusted,
        "why": panel.why,
        "ranks": ranks(panel.importance),
        "visible": int(np.isfinite(panel.importance).sum()),
    }


def _integers(relevance: np.ndarray, unit: float) -> np.ndarray:
    """Return a map in these units as little-endian 16-bit integers; what is not a number is nothing."""
    values = np.nan_to_num(np.asarray(relevance, dtype=np.float64) / unit, nan=0.0)
    return np.rint(np.clip(values, -UNITS, UNITS)).astype("<i2")


def _line(line: np.ndarray) -> str:
    """Return the points of a line as little-endian 16-bit integers, x and y in turn, 65535 the far side."""
    return _base64(np.rint(line * 65535).astype("<u2"))


def webp(picture: np.ndarray, quality: int, lossless: bool = False) -> str:
    """Return a picture (H, W, 3) uint8 as an address that the browser reads it from."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=lossless, quality=quality)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


@cache
def _component() -> Any:
    html, css = ((FOLDER / f"viewer.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    js = "\n".join((FOLDER / script).read_text(encoding="utf-8") for script in SCRIPTS)
    return st.components.v2.component("where_models_look_viewer", html=html, css=css, js=js)
