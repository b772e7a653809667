"""Load what is heavy once the first page is out, and keep it out of the garbage collector's way."""

import gc
import threading
import time

import streamlit as st

WAIT_SECONDS = 10.0


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Start warming up, once a process.

    Streamlit collects garbage after every run of a page: 28 ms bare, 153 ms with torch loaded. Frozen, what was
    imported costs it nothing. Networks, which are read later, are not frozen: those asked least go again
    (`core.live.networks`), and what is frozen in a cycle would hold its memory for ever.
    """
    gc.freeze()
    threading.Thread(target=_load, daemon=True, name="warm").start()


def _load() -> None:
    time.sleep(WAIT_SECONDS)
    import core.live  # noqa: F401

    gc.freeze()
