"""An image being explained in the background, while the page shows what is there so far. All of it in memory only."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.ask import Ask
from core.cells import Cell
from core.errors import UserError
from core.live import CellResult, Checked, Scene, in_parts, settled
from core.trust import Trust
from core.turns import Place, Stopped, Turns

T = TypeVar("T")
Explain = Callable[["Job", Place], Generator[CellResult]]

KEY, CHECKS, PHOTO, SCENE = "live job", "live checks", "live photo", "live scene"
"""Session state: what is computed for the page shown, of it the trust checks; a photo of the visitor's, and the image
as networks get it."""
TURNS = Turns()
"""The line that every visitor of this process stands in."""
_joining = threading.Lock()
GRACE = 10.0
"""Seconds that a browser may be away, as when its connection breaks for a moment, before its place is given up."""


@dataclass
class Background(ABC, Generic[T]):
    """Results that come one by one; ends when every visitor who wanted them has left.

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
    place: Place = field(default_factory=Place, init=False)
    """In the line; another one after `go_on`."""
    _compute: Callable[[Place], Generator[T]] = field(init=False)
    _wanted: dict[str, Callable[[], bool]] = field(default_factory=dict, init=False)
    """Of every visitor who wants them, whether the browser is there still."""

    @abstractmethod
    def take(self, result: T) -> None:
        """Keep a result."""

    def start(self, compute: Callable[[Place], Generator[T]]) -> None:
        """Begin; `compute` is called with a place in the line, and iterated, in a thread of its own."""
        self._compute, self.error = compute, ""
        self.join()
        self.place, self.running = Place(TURNS, lambda: any(there() for there in list(self._wanted.values()))), True
        given = compute, self.place
        threading.Thread(target=self._run, args=given, daemon=True, name="explain-photo").start()

    def join(self) -> None:
        """Want it too: this visitor's leaving alone then ends nothing."""
        self._wanted[_visitor()] = watched()

    def go_on(self) -> None:
        """Begin again after `cancel`; what is finished stays."""
        self.start(self._compute)

    @property
    def waiting(self) -> bool:
        """Whether others are before it in the line."""
        return self.running and self.place.before > 0

    def cancel(self) -> None:
        """Want it no more. If nobody does, leave the line and stop what is under way; what is there stays."""
        with _joining:
            self._wanted.pop(_visitor(), None)
            if not self._wanted:
                self.place.stop()
                self.running = False

    def _run(self, compute: Callable[[Place], Generator[T]], place: Place) -> None:
        error = ""
        try:
            with suppress(Stopped), closing(compute(place)) as found:
                for result in found:
                    if place.stopped:
                        break
                    self.take(result)
        except UserError as told:
            error = str(told)
        except Exception:
            error = "Explaining this image failed; what is shown below had been finished by then."
            raise
        finally:
            if self.place is place:  # else another thread has gone on
                self.error, self.running = error, False


def _visitor() -> str:
    context = get_script_run_ctx()
    return context.session_id if context is not None else ""


def watched() -> Callable[[], bool]:
    """Return what tells, from any thread, whether the browser that this run of the page belongs to is still there."""
    context = get_script_run_ctx()
    if context is None or not Runtime.exists():
        return lambda: True
    runtime, session = Runtime.instance(), context.session_id
    away: float | None = None

    def there() -> bool:
        nonlocal away
        away = None if runtime.is_active_session(session) else away or time.monotonic()
        return away is None or time.monotonic() - away < GRACE

    return there


@dataclass
class Job(Background[CellResult]):
    """One run over cells and methods.

    Parameters
    ----------
    key, total
        As of `Background`; levels of one result are not counted apart.
    ask : Ask
        How they are made.
    """

    ask: Ask
    found: dict[tuple[str, Cell], CellResult] = field(default_factory=dict)
    """The last level of every method and cell."""
    fetching: tuple[str, int, int] | None = field(default=None, init=False)
    """What is being downloaded for it: a network, bytes that are there, bytes that there will be."""
    news: int = field(default=0, init=False)
    """Counts levels as they come: who has drawn what there was at a count need not draw it again."""
    _explain: Explain = field(init=False)

    @property
    def done(self) -> int:
        """Results that are as fine as they get."""
        return len(self.finished)

    @property
    def stopped(self) -> bool:
        """Whether it ended before all was there."""
        return not self.running and self.done < self.total

    @property
    def finished(self) -> set[tuple[str, Cell]]:
        """The methods and cells whose results are as fine as they get."""
        return {key for key, result in list(self.found.items()) if result.final}

    def fetched(self, *so_far: *tuple[str, int, int]) -> None:
        """Note how far a download is."""
        self.fetching = so_far

    def results(self, teacher: Cell, scene: Scene | None = None) -> list[CellResult]:
        """Return what is there so far, compared with the teacher; by the parts of a scene that cuts the image anew."""
        found = list(self.found.values())
        return settled(found if scene is None else [in_parts(result, scene) for result in found], teacher)

    def begin(self, explain: Explain) -> None:
        """Begin; `explain` is told the job as well, for what has been found not to be computed again."""
        self._explain = explain
        self.start(partial(explain, self))

    def apart(self) -> "Job":
        """Return it as it is now, stopped, for a visitor who stops it where others go on."""
        alone = copy(self)
        alone.found, alone.running, alone.place, alone._wanted = dict(self.found), False, Place(), {}
        alone._compute = partial(self._explain, alone)
        return alone

    def take(self, result: CellResult) -> None:
        """Keep a result in place of the level before; one that is as fine as it gets stays."""
        key = result.method, result.cell
        if key not in self.finished:
            self.found[key] = result
            self.news += 1


def seen(key: str, cut: Callable[[], Scene]) -> Scene:
    """Return the visitor's image as networks get it, cut into parts once for as long as the key stays the same."""
    if st.session_state.get(SCENE, ("",))[0] != key:
        st.session_state[SCENE] = key, cut()
    scene: Scene = st.session_state[SCENE][1]
    return scene


def leave() -> None:
    """Stop what is computed for a page that its visitor leaves; what has ended stays, for the way back."""
    for key in (KEY, CHECKS):
        if key in st.session_state and st.session_state[key].running:
            st.session_state.pop(key).cancel()


def forget() -> None:
    """Drop the visitor's photo, and all that was computed."""
    for key in (KEY, CHECKS):
        if key in st.session_state:
            st.session_state.pop(key).cancel()
    st.session_state.pop(SCENE, None)
    _, _, file = st.session_state.pop(PHOTO, ("", None, ""))
    context = get_script_run_ctx()
    if file and context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        # Streamlit would keep what was uploaded for as long as the browser stays, wherever it goes.
        context.uploaded_file_mgr.remove_file(context.session_id, file)


def visitors(
    key: str,
    total: int,
    ask: Ask,
    explain: Explain,
    there: dict[tuple[str, Cell], CellResult] | None = None,
) -> Job:
    """Return the visitor's one job, begun if it has another key than the one before, which is dropped.

    Visitors who ask for the same at once share one job: it is computed once.

    Parameters
    ----------
    key, total, ask
        As of `Job`.
    explain : callable
        Begins the computation, for the job and its place in the line.
    there : dict, optional
        What is found already.
    """
    job: Job | None = st.session_state.get(KEY)
    if job is not None and job.key == key:
        return job
    if job is not None:
        job.cancel()
    with _joining:
        shared = _jobs.get(key)
        if shared is not None and (shared.running or shared.done == total):
            shared.join()
            st.session_state[KEY] = shared
            return shared
        begun = st.session_state[KEY] = _jobs[key] = Job(key, total, ask, dict(there or {}))
        begun.begin(explain)
    return begun


def stop(job: Job) -> None:
    """Stop a visitor's job; where others wait for the same, for this visitor alone."""
    job.cancel()
    if job.running:
        st.session_state[KEY] = job.apart()


def stopped_here(job: Job) -> bool:
    """Return whether this visitor has stopped a job with which others go on."""
    return st.session_state.get(KEY, job) is not job


_jobs: WeakValueDictionary[str, Job] = WeakValueDictionary()
"""Those that some visitor still has."""


@dataclass
class Checks(Background[Checked]):
    """One run over the maps of an image, to see how far each may be trusted."""

    found: dict[Cell, Trust] = field(default_factory=dict)

    def take(self, result: Checked) -> None:
        """Keep what was found of one network's map."""
        self.found[result.cell] = result.trust
