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
READ = "hints read"


def hint(page: str) -> None:
    """Draw a page's hint, if it has one and this visitor has not put it away; a new session may show it again."""
    read: set[str] = st.session_state.setdefault(READ, set())
    if page not in HINTS or page in read or loaded.usual_study() is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(HINTS[page])
        st.button("Got it", key=f"hint {page}", on_click=read.add, args=(page,))
