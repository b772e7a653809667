"""Every change of page is one step of the browser's history; marks of charts lead to pages, and know each other."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent / "viewer"


def steps() -> None:
    """Put the script into the page. Drawn by the entry, so that every page has it; it shows nothing."""
    _component()(key="steps")


@cache
def _component() -> Any:
    html, js = ((FOLDER / f"steps.{kind}").read_text(encoding="utf-8") for kind in ("html", "js"))
    return st.components.v2.component("where_models_look_steps", html=html, js=js)
