"""What a worker process does for itself."""

import ctypes
import os
import threading
import time
from contextlib import suppress

POLL_SECONDS = 1.0


def die_with_parent() -> None:
    """End this process soon after the process that started it has ended, however that ended."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="die-with-parent").start()


def keep_memory() -> None:
    """Let this process keep the memory that it frees, where the C library can be told to (glibc).

    Otherwise every layer's output is given back to the system and asked for again, zeroed: a tenth of the time of
    explaining small networks.
    """
    never, trim_threshold, mmap_threshold = 1 << 30, -1, -3  # malloc.h
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(mmap_threshold, never)
        mallopt(trim_threshold, never)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    # Not sys.exit: in a thread it ends only the thread.
    os._exit(1)
