"""A page that waits for a heavy command: told who is before it, and let go with the person who asked."""

import streamlit as st

from core.run.aside import TURNS
from core.turns import Place
from dashboard.live_job import watched


def place() -> Place:
    """Return a place for this run of the page, and draw how many are before it while it waits.

    At the next look after the person has clicked on, or left, it ends the run of the page, and so what is under way.
    """
    note, there = st.empty(), watched()

    def wanted() -> bool:
        # Streamlit ends a run whose page was clicked on, or closed, where it draws: so it draws each time.
        before = mine.before
        if before:
            note.caption(f"{before} {'other is' if before == 1 else 'others are'} before you: it begins by itself.")
        else:
            note.empty()
        if not there():
            st.stop()
        return True

    mine = Place(TURNS, wanted)
    return mine
