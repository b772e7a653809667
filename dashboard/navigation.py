"""The pages, by their place in the address bar."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

FOLDER = Path(__file__).resolve().parents[1] / "pages"

SECTIONS = {
    "": {"home": "Home"},
    "What was measured": {
        "training": "Training results",
        "focus": "Part focus",
        "rank": "Rank alignment",
        "logit": "Logit alignment",
        "tradeoffs": "Trade-offs",
        "literature": "Beside the literature",
    },
    "See for yourself": {"changes": "What changed", "explanations": "Explanations", "your_image": "Your image"},
    "Studies": {"studies": "Studies", "compare": "Compare two"},
}
"""Per heading of the menu, a page's file in `pages/`, which is also its address, and its title."""
WIDE = {"explanations", "your_image"}
"""Pages of many pictures, over the full width."""


def sections() -> dict[str, list[StreamlitPage]]:
    """Return the menu for `st.navigation`."""
    return {heading: [page(name) for name in names if _file(name).exists()] for heading, names in SECTIONS.items()}


def page(name: str) -> StreamlitPage:
    """Return one page by its address, for `st.page_link`."""
    title = next(names[name] for names in SECTIONS.values() if name in names)
    return st.Page(_file(name), title=title, url_path=name, default=name == "home")


def link(name: str, label: str, **query: str) -> None:
    """Draw a link to a page, with what else its address should hold; nothing where there is no such page."""
    if any(name in names for names in SECTIONS.values()) and _file(name).exists():
        st.page_link(page(name), label=label, query_params=query)


def _file(name: str) -> Path:
    return FOLDER / f"{name}.py"
