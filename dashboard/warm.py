"""Begin what is heavy once the first page is out, and keep the memory of a server that runs for long in order."""

import gc
import threading
import time

import streamlit as st

from core.tidy import keep_tidy

WAIT_SECONDS = 10.0


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Start warming up, once a process: whoever asks for a live explanation need not wait for torch."""
    keep_tidy()
    threading.Thread(target=_work, daemon=True, name="warm").start()


def _work() -> None:
    time.sleep(WAIT_SECONDS)
    from core.live.apart import apart

    apart().start()
    # What is loaded stays. Python looks for garbage among all that it knows once that has grown by a quarter: with all
    # libraries' objects among them too seldom, and for too long, for what visitors leave behind.
    gc.collect()
    gc.freeze()
    gc.collect()
