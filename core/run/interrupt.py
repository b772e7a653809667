"""Ctrl-C, heeded where a run can stop."""

import signal
import threading
from types import FrameType, TracebackType


class Interrupt:
    """While entered, note a Ctrl-C and raise KeyboardInterrupt at the next `check`.

    Python raises it wherever the program happens to be: in a destructor or a callback it is lost, and the run goes on.
    A second Ctrl-C is raised at once. Whatever else fails after the first, such as the start of a process that it
    reached too, is its consequence and told as such. Outside the main thread, where no signals arrive, it does nothing.
    """

    def __enter__(self) -> "Interrupt":
        """Begin to listen."""
        self.asked = False
        self.main = threading.current_thread() is threading.main_thread()
        if self.main:
            self.before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        if self.main:
            signal.signal(signal.SIGINT, self.before)
        if self.asked and kind is not None and not issubclass(kind, KeyboardInterrupt):
            raise KeyboardInterrupt from error

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.check()
        self.asked = True
