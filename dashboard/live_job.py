"""An image being explained in the background, while the page shows what is there so far. All of it in memory only."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from core.ask import Ask
from core.errors import UserError

if TYPE_CHECKING:
    from core.cells import Cell
    from core.live import CellResult, Checked
    from core.trust import Trust

T = TypeVar("T")


@dataclass
class Background(ABC, Generic[T]):
    """Results that come one by one; belongs to one visitor.

    Parameters
    ----------
    key : str
        What is computed: another key is another job.
    total : int
        Results to come.
    """

    key: str
    total: int
    error: str = field(default="", init=False)
    running: bool = field(default=True, init=False)
    _compute: Callable[[], Generator[T]] = field(init=False)
    _cancelled: threading.Event = field(default_factory=threading.Event, init=False)

    @abstractmethod
    def take(self, result: T) -> None:
        """Keep a result."""

    def start(self, compute: Callable[[], Generator[T]]) -> None:
        """Begin; `compute` is called, and iterated, in a thread of its own."""
        self.running, self._compute, self._cancelled = True, compute, threading.Event()
        given = compute, self._cancelled
        threading.Thread(target=self._run, args=given, daemon=True, name="explain-photo").start()

    def go_on(self) -> None:
        """Begin again after `cancel`; what is finished stays."""
        self.start(self._compute)

    def cancel(self) -> None:
        """Stop after the results under way; those that are there stay."""
        self._cancelled.set()
        self.running = False

    def _run(self, compute: Callable[[], Generator[T]], cancelled: threading.Event) -> None:
        try:
            with closing(compute()) as found:
                for result in found:
                    if cancelled.is_set():
                        break
                    self.take(result)
        except UserError as error:
            self.error = str(error)
        except Exception:
            self.error = "Explaining this image failed; what is shown below had been finished by then."
            raise
        finally:
            if not cancelled.is_set():  # else another thread may have gone on
                self.running = False


@dataclass
class Job(Background["CellResult"]):
    """One run over cells and methods.

    Parameters
    ----------
    key, total
        As of `Background`; levels of one result are not counted apart.
    ask : Ask
        How they are made.
    """

    ask: Ask
    found: dict[tuple[str, "Cell"], "CellResult"] = field(default_factory=dict)
    """The last level of every method and cell."""

    @property
    def done(self) -> int:
        """Results that are as fine as they get."""
        return len(self.finished)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before all was there."""
        return self._cancelled.is_set() and self.done < self.total

    @property
    def finished(self) -> set[tuple[str, "Cell"]]:
        """The methods and cells whose results are as fine as they get."""
        return {key for key, result in list(self.found.items()) if result.final}

    def results(self, teacher: "Cell") -> list["CellResult"]:
        """Return what is there so far, compared with the teacher."""
        from core.live import settled

        return settled(list(self.found.values()), teacher)

    def take(self, result: "CellResult") -> None:
        """Keep a result in place of the level before; one that is as fine as it gets stays."""
        key = result.method, result.cell
        if key not in self.finished:
            self.found[key] = result


@dataclass
class Checks(Background["Checked"]):
    """One run over the maps of an image, to see how far each may be trusted."""

    found: dict["Cell", "Trust"] = field(default_factory=dict)

    def take(self, result: "Checked") -> None:
        """Keep what was found of one network's map."""
        self.found[result.cell] = result.trust
