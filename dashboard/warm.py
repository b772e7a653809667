"""Load what is heavy once the first page is out."""

import threading
import time

import streamlit as st

WAIT_SECONDS = 10.0


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Start warming up, once a process: whoever asks for a live explanation need not wait for torch."""
    threading.Thread(target=_load, daemon=True, name="warm").start()


def _load() -> None:
    time.sleep(WAIT_SECONDS)
    import core.live  # noqa: F401
