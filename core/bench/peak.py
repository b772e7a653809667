"""The most memory that this process has held; without torch, whose own would hide what little is measured."""

import resource
import sys
from pathlib import Path


def own_peak() -> int:
    """Return the most bytes that this process has held.

    `ru_maxrss` alone would not do on Linux: a child begins with its parent's peak there.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
