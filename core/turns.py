"""One at a time: a line for those who want to compute, in which what is soon done goes first."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

LOOK = 1.0
"""Seconds between two looks, while waiting, at whether somebody still wants the result."""
PASSED = 10
"""Short turns that may go before a long one that was there first: then no more, so that long ones are not starved."""
SLICE = 5.0
"""Seconds at work after which a turn is to be passed on where others wait: one visitor's many maps hold nobody up."""
STUCK = 120.0
"""Seconds without a sign of life after which whoever is at work is cut off: a pass through a network takes far less."""


class Stopped(Exception):  # noqa: N818 - a signal, no error
    """Raised in a computation that nobody wants any more; whoever began it catches it."""


class Turns:
    """A line of places, of which the first is at work. Safe across threads."""

    def __init__(self) -> None:
        self._line: list[Place] = []
        self._moved = threading.Condition()

    def _cut(self) -> None:
        """Take whoever is at work out of the line if it gave no sign of life for too long."""
        first = next(iter(self._line), None)
        if first is not None and first._begun and time.monotonic() - max(first._alive, first._begun) > STUCK:
            first._cut_off = True
            first._leave()


class Place:
    """A place in the line: `with place:` waits for its turn, and gives it back. It may be entered again and again.

    First come, first served among turns of a kind; short ones go before long ones (`PASSED`). Who is at work for long
    is to pass the turn on (`due`); who gives no sign of life (`check`) any more is cut off.

    Parameters
    ----------
    turns : Turns, optional
        The line; by default one with nobody else in it.
    there : callable
        Says whether whoever wants the result is still there. Asked while waiting and at every `check`; once it says no,
        the place is stopped for good.

    Attributes
    ----------
    short : bool
        Whether the next turn is a short one. To be set before the line is entered.
    """

    def __init__(self, turns: Turns | None = None, there: Callable[[], bool] = lambda: True) -> None:
        self._turns, self._there = turns or Turns(), there
        self._stopped = False
        self._passed = 0
        self._begun = self._alive = 0.0
        self._cut_off = False
        self.short = False

    @property
    def before(self) -> int:
        """How many others are to be done first; 0 at work, and outside the line."""
        with self._turns._moved:
            line = self._turns._line
            return line.index(self) if self in line else 0

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop, or whoever wanted the result has left."""
        if not self._stopped and not self._there():
            self._stopped = True
        return self._stopped

    def stop(self) -> None:
        """Leave the line; at work, stop at the next `check`."""
        self._stopped = True
        with self._turns._moved:
            self._turns._moved.notify_all()

    def check(self, alive: bool = True) -> None:
        """Raise `Stopped` where it is; otherwise this is a sign of life, unless one only looks."""
        if self.stopped or self._cut_off:
            raise Stopped
        if alive:
            self._alive = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it has been at work for a while, and others wait."""
        return self.at_work and len(self._turns._line) > 1 and time.monotonic() - self._begun > SLICE

    @property
    def at_work(self) -> bool:
        """Whether it is its turn."""
        return self._turns._line[:1] == [self]

    @property
    def cut_off(self) -> bool:
        """Whether it was at work and gave no sign of life for too long: the line goes on without it."""
        with self._turns._moved:
            self._turns._cut()
            return self._cut_off

    def pass_on(self) -> None:
        """Let those who wait go first, and wait for the turn again. Raises `Stopped`, as entering does."""
        with self._turns._moved:
            self._leave()
            self._wait()

    def __enter__(self) -> "Place":
        with self._turns._moved:
            self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turns._moved:
            self._leave()

    def _wait(self) -> None:
        line, moved = self._turns._line, self._turns._moved
        self._queue(line)
        try:
            while line[0] is not self:
                self.check()
                moved.wait(LOOK)
                self._turns._cut()
            self.check()
        except BaseException:
            self._leave()
            raise
        self._begun = time.monotonic()

    def _queue(self, line: list["Place"]) -> None:
        at, self._passed, self._begun = len(line), 0, 0.0
        while self.short and at > 1 and not line[at - 1].short and line[at - 1]._passed < PASSED:
            at -= 1  # never before the first, which is at work
            line[at]._passed += 1
        line.insert(at, self)

    def _leave(self) -> None:
        if self in self._turns._line:  # else it was cut off
            self._turns._line.remove(self)
            self._turns._moved.notify_all()
