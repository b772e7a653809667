"""The heat-map viewer: a photo, and over it where each network looks, all on one scale.

Opacity, the difference from the teacher and the names of the parts are drawn in the browser, without the server.
"""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image
from scipy.stats import rankdata

from core.overlay import FADE, colours, levels, shared_scale
from dashboard.names import rho

FOLDER = Path(__file__).parent / "viewer"
CRISP = 128
"""Photos up to this many pixels a side are sent without loss: they are enlarged, and every flaw with them."""
TEACHER_MORE, ALIKE, STUDENT_MORE = (40, 120, 240), (240, 240, 240), (255, 140, 0)


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
    """The same in words."""
    why: str = ""
    """And the reason."""


def viewer(
    photo: np.ndarray | None, panels: Sequence[Panel], part_map: np.ndarray | None, parts: Sequence[str], key: str
) -> None:
    """Draw the viewer.

    Parameters
    ----------
    photo : ndarray or None
        (H, W, 3) uint8, square. Without one the maps lie on plain grey.
    panels : sequence of Panel
        The teacher first.
    part_map : ndarray or None
        (h, w) uint8, p + 1 on part p; without one nothing happens under the pointer.
    parts : sequence of str
        Names of the parts.
    key : str
        Streamlit's.
    """
    _component()(data=payload(photo, panels, part_map, parts), key=key)


def payload(
    photo: np.ndarray | None, panels: Sequence[Panel], part_map: np.ndarray | None, parts: Sequence[str]
) -> dict[str, Any]:
    """Return what the browser gets: plain values only, arrays as base64, nothing that is not a number."""
    scale = shared_scale(panel.relevance for panel in panels)
    data = {
        "photo": None if photo is None else _data_url(photo),
        "fade": FADE,
        "colours": _base64(colours()),
        "difference_colours": _base64(difference_colours()),
        "part_map": None if part_map is None else _base64(part_map.astype(np.uint8)),
        "part_width": 0 if part_map is None else part_map.shape[1],
        "parts": list(parts),
        "scale": {"heat": ["nothing", "most"], "difference": ["teacher more", "student more"]},
        "panels": [_panel(panel, scale, teacher=i == 0) for i, panel in enumerate(panels)],
    }
    return {**data, "version": hashlib.sha256(repr(data).encode()).hexdigest()[:12]}


def ranks(importance: np.ndarray) -> list[int | None]:
    """Return each part's place, 1 the most important, equals sharing the best one.

    None where it is not visible, and for every part where none of them has any importance.
    """
    visible = np.isfinite(importance) & bool(np.nan_to_num(importance).any())
    places = np.zeros(len(importance), int)
    places[visible] = rankdata(-importance[visible], method="min")
    return [int(place) if seen else None for place, seen in zip(places, visible, strict=True)]


def difference_colours() -> np.ndarray:
    """Return blue to orange through pale, (256, 3) uint8: told apart with every kind of colour vision."""
    stops = np.array([TEACHER_MORE, ALIKE, STUDENT_MORE], dtype=float)
    at = np.linspace(0, 2, 256)
    return np.stack([np.interp(at, [0, 1, 2], stops[:, c]) for c in range(3)], axis=1).round().astype(np.uint8)


def _panel(panel: Panel, scale: float, teacher: bool) -> dict[str, Any]:
    verdict = "" if panel.right is None else "right" if panel.right else "wrong"
    return {
        "cell": panel.cell,
        "title": panel.title,
        "kind": panel.kind,
        "teacher": teacher,
        "levels": _base64(levels(panel.relevance, scale)),
        "width": panel.relevance.shape[1],
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


def _data_url(photo: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "WEBP", lossless=len(photo) <= CRISP, quality=88)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


@cache
def _component() -> Any:
    html, css, js = ((FOLDER / f"viewer.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("where_models_look_viewer", html=html, css=css, js=js)
