"""An image being explained in the background, while the page shows what is there so far. All of it in memory only."""

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.ask import Ask
from core.errors import UserError

if TYPE_CHECKING:
    from core.cells import Cell
    from core.live import CellResult


@dataclass
class Job:
    """One run over cells and methods; belongs to one visitor.

    Parameters
    ----------
    key : str
        What is explained: another key is another job.
    total : int
        Results to come, levels of one not counted apart.
    ask : Ask
        How they are made.
    """

    key: str
    total: int
    ask: Ask
    found: dict[tuple[str, "Cell"], "CellResult"] = field(default_factory=dict)
    """The last level of every method and cell."""
    error: str = ""
    running: bool = True
    _explain: Callable[[], Generator["CellResult"]] = field(init=False)
    _cancelled: threading.Event = field(default_factory=threading.Event)

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

    def start(self, explain: Callable[[], Generator["CellResult"]]) -> None:
        """Begin; `explain` is called, and iterated, in a thread of its own."""
        self.running, self._explain, self._cancelled = True, explain, threading.Event()
        given = explain, self._cancelled
        threading.Thread(target=self._run, args=given, daemon=True, name="explain-photo").start()

    def go_on(self) -> None:
        """Begin again after `cancel`; what is finished stays."""
        self.start(self._explain)

    def cancel(self) -> None:
        """Stop after the results under way; those that are there stay."""
        self._cancelled.set()
        self.running = False

    def _run(self, explain: Callable[[], Generator["CellResult"]], cancelled: threading.Event) -> None:
        try:
            with closing(explain()) as found:
                for result in found:
                    if cancelled.is_set():
                        break
                    key = result.method, result.cell
                    if key not in self.finished:
                        self.found[key] = result
        except UserError as error:
            self.error = str(error)
        except Exception:
            self.error = "Explaining this image failed; what is shown below had been finished by then."
            raise
        finally:
            if not cancelled.is_set():  # else another thread may have gone on
                self.running = False
