"""Memory given back to the system, in a process that runs for long."""

import ctypes
import threading
import time
from contextlib import suppress

SECONDS = 60.0
ARENA_MAX, ARENAS = -8, 2
"""`M_ARENA_MAX` of glibc (mallopt(3)): else threads get eight heaps a processor, each with holes of its own."""


def keep_tidy() -> None:
    """Give back what is free, every minute, from a thread of its own; nothing where there is no glibc."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        trim = libc.malloc_trim
        libc.mallopt(ARENA_MAX, ARENAS)

        def tidy() -> None:
            while True:
                time.sleep(SECONDS)
                trim(0)  # else what photos took stays with this process until it ends

        threading.Thread(target=tidy, daemon=True, name="tidy").start()
