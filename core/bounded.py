"""A bound to the memory that reading a stranger's file may take: what the file declares is no measure of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def bounded(more: int) -> Iterator[None]:
    """Let this process take so many bytes more than it has, for a while; a MemoryError is what comes of asking further.

    Only Linux tells what is taken already, and keeps to what it is told; elsewhere nothing is bounded. What is done
    inside must start no threads, each of which reserves far more memory than it takes.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + more
    known = [limit for limit in (before, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
