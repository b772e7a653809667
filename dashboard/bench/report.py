"""What was measured, as tables that a person reads."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from dashboard.bench.uploads import Upload
from dashboard.bench.viewer import Act
from dashboard.bench.visitors import MINUTE, Click, Found

MILLION = 1e6
SHOWN_FAILURES = 10


def crowd_table(found: Found) -> Table:
    """Return what visitors met, a row a minute: the server's memory, and seconds of clients and of Chromiums."""
    # As wide as a terminal of 80 columns.
    table = Table(title="Visitors, in seconds from the click", box=SIMPLE, padding=0, show_edge=False)
    table.add_column("minute")
    seconds = ("p50", "p95", "worst", "failed")
    for name in ("server\nMB", "client\nclicks", *seconds, "browser\nclicks", *seconds):
        table.add_column(name, justify="right")
    first = [click for click in found.clicks if click.first]
    later = [click for click in found.clicks if not click.first]
    table.add_row("first", _megabytes(found.memory[0]), *_both(first))
    for minute, memory in enumerate(found.memory[1:-1], 1):
        within = [click for click in later if minute - 1 <= click.at / MINUTE < minute]
        table.add_row(str(minute), _megabytes(memory), *_both(within))
    table.add_section()
    table.add_row("all", _megabytes(found.memory[-1]), *_both(later))
    return table


def pages_table(timings: Mapping[str, Sequence[float]]) -> Table:
    """Return the seconds of each thing timed."""
    table = Table(title="One visitor in a Chromium, in seconds")
    table.add_column("what")
    for name in ("times", "median", "p95", "worst"):
        table.add_column(name, justify="right")
    for what, seconds in timings.items():
        table.add_row(what, str(len(seconds)), *_quantiles(seconds))
    return table


def uploads_table(found: Sequence[Upload], peak: int) -> Table:
    """Return a row a visitor, in the order of their first answers, and the most that the server held, in bytes."""
    most = f"the server held {_megabytes(peak)} MB at most"
    table = Table(title=f"{len(found)} photos at once, in seconds from the drop; {most}")
    for name in ("told before them", "first answer", "all answers"):
        table.add_column(name, justify="right")
    table.add_column("failure")
    for upload in found:
        table.add_row(str(upload.place), f"{upload.first:.1f}", f"{upload.last:.1f}", escape(upload.failure))
    return table


def viewer_table(found: Iterable[Act]) -> Table:
    """Return a row for each thing that is done to the viewer."""
    table = Table(title="The viewer in a Chromium")
    table.add_column("what is done")
    for name in ("maps", "frames / s", "drawings / s", "messages"):
        table.add_column(name, justify="right")
    for act in found:
        table.add_row(act.name, str(act.panels), f"{act.frames:.1f}", f"{act.drawings:.1f}", str(act.messages))
    return table


def failures(clicks: Iterable[Click]) -> list[str]:
    """Return a sentence for each click that led to no page."""
    found = [click for click in clicks if click.failure]
    who = {True: "Chromium", False: "client"}
    said = [f"{who[click.real]}, after {click.at:.0f} s: {click.failure}" for click in found[:SHOWN_FAILURES]]
    return said + [f"and {len(found) - len(said)} more"] * (len(found) > len(said))


def _both(clicks: Sequence[Click]) -> list[str]:
    cells = []
    for real in (False, True):
        mine = [click for click in clicks if click.real == real]
        failed = sum(bool(click.failure) for click in mine)
        cells += [str(len(mine)), *_quantiles([click.seconds for click in mine]), str(failed)]
    return cells


def _quantiles(seconds: Sequence[float]) -> list[str]:
    return [f"{value:.2f}" for value in np.quantile(seconds, [0.5, 0.95, 1.0])] if seconds else ["", "", ""]


def _megabytes(size: int) -> str:
    return f"{size / MILLION:.0f}"
