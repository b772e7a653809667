"""A run's progress in a terminal: one bar for all, a line for each task under way, and the time left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

if TYPE_CHECKING:
    from core.run.loop import Progress

QUIET_SECONDS = 15.0
"""Between two lines where the output is not a terminal."""


@contextmanager
def shown(console: Console) -> Iterator[Callable[["Progress"], None]]:
    """Give a callback that shows progress while the block lasts: live in a terminal, else a line now and then."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:

            def on_progress(progress: "Progress") -> None:
                if progress.finished:
                    live.console.print(f"✓ {progress.finished}", style="green", highlight=False, markup=False)
                bar = ProgressBar(total=progress.total, completed=progress.done, width=40)
                lines = [Text(f"  {name}  {word}", style="dim") for name, word in progress.running.items()]
                live.update(Group(Text(headline(progress)), bar, *lines))

            yield on_progress
        return
    last = 0.0

    def on_line(progress: "Progress") -> None:
        nonlocal last
        if progress.finished or time.monotonic() - last > QUIET_SECONDS:
            last = time.monotonic()
            word = f"done: {progress.finished}" if progress.finished else "; ".join(progress.running)
            console.print(f"{headline(progress)}  {word}", highlight=False, markup=False, soft_wrap=True)

    yield on_line


def headline(progress: "Progress") -> str:
    """Return the share done and the time left in words."""
    share = progress.done / progress.total if progress.total else 1.0
    left = "" if progress.left is None else f", about {duration(progress.left)} left"
    return f"{share:4.0%} in {duration(progress.seconds)}{left}"


def duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Return bytes as people say them: 16 MB, 1.2 GB."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{max(1, round(count / 1e6))} MB"
