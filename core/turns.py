"""One at a time, first come, first served: a line for those who want to compute."""

import threading
from collections.abc import Callable
from types import TracebackType

LOOK = 1.0
"""Seconds between two looks, while waiting, at whether somebody still wants the result."""


class Stopped(Exception):  # noqa: N818 - a signal, no error
    """Raised in a computation that nobody wants any more; whoever began it catches it."""


class Turns:
    """A line of places, of which the first is at work. Safe across threads."""

    def __init__(self) -> None:
        self._line: list[Place] = []
        self._moved = threading.Condition()


class Place:
    """A place in the line: `with place:` waits for its turn, and gives it back. It may be entered again and again.

    Parameters
    ----------
    turns : Turns, optional
        The line; by default one with nobody else in it.
    there : callable
        Says whether whoever wants the result is still there. Asked while waiting and at every `check`; once it says no,
        the place is stopped for good.
    """

    def __init__(self, turns: Turns | None = None, there: Callable[[], bool] = lambda: True) -> None:
        self._turns, self._there = turns or Turns(), there
        self._stopped = False

    @property
    def before(self) -> int:
        """How many others are to be done first; 0 at work, and outside the line."""
        with self._turns._moved:
            line = self._turns._line
            return line.index(self) if self in line else 0

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop, or whoever wanted the result has left."""
        self._stopped = self._stopped or not self._there()
        return self._stopped

    def stop(self) -> None:
        """Leave the line; at work, stop at the next `check`."""
        self._stopped = True
        with self._turns._moved:
            self._turns._moved.notify_all()

    def check(self) -> None:
        """Raise `Stopped` where it is."""
        if self.stopped:
            raise Stopped

    def __enter__(self) -> "Place":
        line, moved = self._turns._line, self._turns._moved
        with moved:
            line.append(self)
            try:
                while line[0] is not self:
                    self.check()
                    moved.wait(LOOK)
                self.check()
            except BaseException:
                self._leave()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turns._moved:
            self._leave()

    def _leave(self) -> None:
        self._turns._line.remove(self)
        self._turns._moved.notify_all()
