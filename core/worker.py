"""What a worker process does for itself."""

import ctypes
import os
import threading
from contextlib import suppress
from multiprocessing import parent_process


def die_with_parent() -> None:
    """End this process, one of `multiprocessing`, as soon as the one that started it has ended, however that ended."""
    threading.Thread(target=_watch, daemon=True, name="die-with-parent").start()


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


def _watch() -> None:
    # Its pid would not do: it may have ended before this process looked.
    if (parent := parent_process()) is not None:
        parent.join()
        # Not sys.exit: in a thread it ends only the thread.
        os._exit(1)
