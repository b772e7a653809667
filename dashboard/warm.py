"""Load what is heavy once the first page is out, and keep the memory of a server that runs for long in order."""

import ctypes
import gc
import threading
import time
from contextlib import suppress

import streamlit as st

WAIT_SECONDS = 10.0
TIDY_SECONDS = 60.0
ARENA_MAX, ARENAS = -8, 2
"""`M_ARENA_MAX` of glibc (mallopt(3)): else threads get eight heaps a processor, each with holes of its own."""


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Start warming up, once a process: whoever asks for a live explanation need not wait for torch."""
    threading.Thread(target=_work, daemon=True, name="warm").start()


def _work() -> None:
    trim = None
    with suppress(OSError, AttributeError):  # no glibc: whatever there is instead is left alone
        libc = ctypes.CDLL("libc.so.6")
        trim = libc.malloc_trim
        libc.mallopt(ARENA_MAX, ARENAS)
    time.sleep(WAIT_SECONDS)
    _load()
    while trim is not None:
        time.sleep(TIDY_SECONDS)
        trim(0)  # else what visitors' photos took stays with this process until it ends


def _load() -> None:
    import core.live  # noqa: F401

    # What is loaded stays. Python looks for garbage among all that it knows once that has grown by a quarter: with
    # torch's own objects among them too seldom, and for too long, for what visitors leave behind.
    gc.collect()
    gc.freeze()
    gc.collect()
