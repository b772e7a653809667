"""What a first-time visitor is told once, above a page, until told that it was read."""

import streamlit as st

from dashboard import loaded

HINTS = {
    "": "**New here?** The sentence below answers the question for the study shown. The menu has the evidence, one "
    "claim a page; there too you choose networks and α. To look with your own eyes, open Explanations.",
    "explanations": "**New here?** Bright is where a network looks. Point at a part to read its rank in every network, "
    "and slide the heat away to see the image. The menu chooses networks and α.",
}
"""By a page's place in the address bar."""
READ, COOKIE = "hints read", "hints_read"
"""Session state, and the cookie that `dashboard/viewer/steps.js` writes, so that a later visit knows: pages that told
theirs."""


def hint(page: str) -> None:
    """Draw a page's hint, if it has one and this visitor has not put it away."""
    if page not in HINTS or _name(page) in read() or loaded.usual_study() is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(HINTS[page])
        st.button("Got it", key=f"hint {page}", on_click=read().add, args=(_name(page),))


def read() -> set[str]:
    """Return the pages whose hints this visitor has put away, in this visit or, as a cookie says, before."""
    if READ not in st.session_state:
        st.session_state[READ] = set(st.context.cookies.get(COOKIE, "").split(".")) & set(map(_name, HINTS))
    found: set[str] = st.session_state[READ]
    return found


def _name(page: str) -> str:
    return page or "home"
