"""What was measured, as tables that a person reads."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from dashboard.bench.pages import LIMITS
from dashboard.bench.uploads import LARGEST, Upload
from dashboard.bench.viewer import LEAST_FRAMES, Act
from dashboard.bench.visitors import MINUTE, Click, Found

MILLION = 1e6
SHOWN_FAILURES = 10
SLOWEST, GROWTH = 1.0, 0.1
"""Seconds that 19 of 20 clicks of visitors have to stay below; the share that a server may grow by after minute 2."""

WHO = {True: "Chromium", False: "client"}


def crowd_table(found: Found, peak: int) -> Table:
    """Return what visitors met, a row a minute: the server's memory, and seconds of clients and of Chromiums.

    `peak` is the most that the server held, in bytes.
    """
    # As wide as a terminal of 80 columns.
    table = Table(title="Visitors, in seconds from the click", box=SIMPLE, padding=0, show_edge=False)
    table.add_column("minute")
    seconds = ("p50", "p95", "worst", "failed")
    for name in ("server\nMB", "client\nclicks", *seconds, "browser\nclicks", *seconds):
        table.add_column(name, justify="right")
    table.caption = (
        f"{len(found.clicks)} pages and photos were asked for; the server held {_megabytes(peak)} MB at most\n"
        f"asked: p95 of all below {SLOWEST:.2f} s, at most {GROWTH:.0%} more memory at the end than after minute 2"
    )
    later = _later(found.clicks)
    table.add_row("first", _megabytes(found.memory[0]), *_both([click for click in found.clicks if click.first]))
    table.add_row("photo", "", *_both([click for click in found.clicks if click.photo]))
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
    for name in ("times", "median", "asked", "p95", "worst"):
        table.add_column(name, justify="right")
    for what, seconds in timings.items():
        median, *rest = _quantiles(seconds)
        table.add_row(what, str(len(seconds)), median, f"< {LIMITS[what]:.2f}" if what in LIMITS else "", *rest)
    return table


def uploads_table(found: Sequence[Upload], peak: int) -> Table:
    """Return a row a visitor, in the order of their first answers, and the most that the server held, in bytes."""
    most = f"the server held {_megabytes(peak)} MB at most, asked: < {_megabytes(LARGEST)}"
    table = Table(title=f"{len(found)} photos at once, in seconds from the drop; {most}")
    for name in ("told before them", "first answer", "all answers"):
        table.add_column(name, justify="right")
    table.add_column("failure")
    for upload in found:
        table.add_row(str(upload.place), f"{upload.first:.1f}", f"{upload.last:.1f}", escape(upload.failure))
    return table


def viewer_table(found: Iterable[Act]) -> Table:
    """Return a row for each thing that is done to the viewer."""
    table = Table(title=f"The viewer in a Chromium; asked: frames ≥ {LEAST_FRAMES} a second, messages 0")
    table.add_column("what is done")
    for name in ("maps", "frames / s", "drawings / s", "messages"):
        table.add_column(name, justify="right")
    for act in found:
        table.add_row(act.name, str(act.panels), f"{act.frames:.1f}", f"{act.drawings:.1f}", str(act.messages))
    return table


def crowd_misses(found: Found) -> list[str]:
    """Return a sentence for each thing that was asked of a server with visitors and is not so."""
    said = failures(found.clicks)
    for real, name in WHO.items():
        seconds = [click.seconds for click in _later(found.clicks) if click.real == real]
        p95 = float(np.quantile(seconds, 0.95)) if seconds else 0.0
        if p95 >= SLOWEST:
            said.append(f"{name}: p95 is {p95:.2f} s, not below {SLOWEST:.2f} s")
    after_two, end = found.memory[2:3], found.memory[-2]  # the last minute with visitors
    if len(found.memory) > 4 and end > (1 + GROWTH) * after_two[0]:  # the beginning, three minutes, and the end
        grown = f"{_megabytes(after_two[0])} MB after minute 2 to {_megabytes(end)} MB"
        said.append(f"the server's memory grew from {grown}, more than {GROWTH:.0%}")
    return said


def pages_misses(timings: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a sentence for each thing that takes longer than is asked."""
    medians = {what: float(np.median(seconds)) for what, seconds in timings.items() if what in LIMITS and seconds}
    return [
        f"{what}: half of them take {median:.2f} s or more, not below {LIMITS[what]:.2f} s"
        for what, median in medians.items()
        if median >= LIMITS[what]
    ]


def viewer_misses(found: Iterable[Act]) -> list[str]:
    """Return a sentence for each thing done to the viewer that the server was told of, or that made it slow."""
    found = list(found)
    told = [f"{act.name}: {act.messages} messages to the server, not 0" for act in found if act.messages]
    slow = [act for act in found if act.frames < LEAST_FRAMES]
    return told + [f"{act.name}: {act.frames:.1f} frames a second, not {LEAST_FRAMES}" for act in slow]


def failures(clicks: Iterable[Click]) -> list[str]:
    """Return a sentence for each click that led to no page."""
    found = [click for click in clicks if click.failure]
    said = [f"{WHO[click.real]}, after {click.at:.0f} s: {click.failure}" for click in found[:SHOWN_FAILURES]]
    return said + [f"and {len(found) - len(said)} more"] * (len(found) > len(said))


def _later(clicks: Iterable[Click]) -> list[Click]:
    """Return the clicks from page to page."""
    return [click for click in clicks if not click.first and not click.photo]


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
