"""What a worker process does for itself, and is given when it begins."""

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import parent_process


def die_with_parent() -> None:
    """End this process, one of `multiprocessing`, as soon as the one that started it has ended, however that ended."""
    threading.Thread(target=_watch, daemon=True, name="die-with-parent").start()


@contextmanager
def deaf() -> Iterator[None]:
    """Let processes that are begun in this block hear no Ctrl-C, from their first instruction on.

    It reaches every process of a terminal; the one that began them alone decides what it means. That one misses none.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which is inherited
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
