"""Threads that see to tasks while somebody waits, and what becomes of who waits for one that never comes back."""

import os
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

from core.errors import UserError
from core.turns import LOOK, STUCK, Place

T = TypeVar("T")

THREADS = max(1, min(8, os.cpu_count() or 1))
"""Tasks done at once: one a network, as the operations of a small one are too short to share."""


@cache
def workers() -> ThreadPoolExecutor:
    """Return the threads that see to tasks: one pool for all, so that visitors queue, not slow each other."""
    return ThreadPoolExecutor(THREADS, "explain")


def done(compute: Callable[[], T], place: Place) -> T:
    """Return what a worker computes; raises what it raises, and as `first_of`."""
    future = workers().submit(compute)
    first_of([future], place)
    return future.result()


def first_of(running: Collection[Future[Any]], place: Place) -> set[Future[Any]]:
    """Wait until at least one of them is done, and return those that are.

    Raises
    ------
    UserError
        The place was cut off meanwhile. Threads cannot be ended from outside, so from then on others are at work.
    """
    while True:
        found, _ = wait(running, LOOK, FIRST_COMPLETED)
        if found:
            return found
        if place.cut_off:
            old = workers()
            workers.cache_clear()
            old.shutdown(wait=False, cancel_futures=True)
            raise silent()


def silent() -> UserError:
    """Return the error of what was cut off."""
    return UserError(f"This gave no sign of life for {STUCK:.0f} seconds and was cut off. What is there stays.")
