"""Load what is heavy once the first page is out."""

import gc
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

    # What is loaded stays. Python looks for garbage among all that it knows once that has grown by a quarter: with
    # torch's own objects among them too seldom, and for too long, for what visitors leave behind.
    gc.collect()
    gc.freeze()
    gc.collect()
