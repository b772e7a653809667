"""Processes that have imported everything, and begin at once: of those that a test starts, most only do so for seconds.

Where there is no fork they begin as any others.
"""

import os
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, SpawnContext

PRELOAD = (
    *("core.run.complete", "core.train_together", "core.distill.train", "core.data.birds", "torch._dynamo"),
    *("pytest", "tests.core.conftest"),
)
"""The compiler, too: torch's optimisers load it."""


def forks() -> ForkServerContext | SpawnContext:
    """Give the context that they are started in; all of a session's come from one server."""
    if not hasattr(os, "fork"):
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    return context
