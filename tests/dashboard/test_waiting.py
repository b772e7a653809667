"""Pages that wait for a command of the line in `core.run.aside`."""

import threading

import pytest

from core.run.aside import TURNS
from core.turns import Place
from dashboard import waiting


class Note:
    """The place on the page where it is told who is before."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.told = threading.Event()

    def caption(self, text: str) -> None:
        self.said.append(text)
        self.told.set()

    def empty(self) -> None:
        self.said.append("")


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Note:
    found = Note()
    monkeypatch.setattr(waiting.st, "empty", lambda: found)
    return found


def test_who_waits_is_told_who_is_before(note: Note) -> None:
    def ask() -> None:
        with waiting.place():
            note.said.append("at work")

    with Place(TURNS):
        thread = threading.Thread(target=ask)
        thread.start()
        assert note.told.wait(60)
        assert set(note.said) == {"1 other is before you: it begins by itself."}
    thread.join(60)
    assert note.said[-2:] == ["", "at work"]


def test_a_page_that_was_left_ends(note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    def end() -> None:
        raise InterruptedError

    monkeypatch.setattr(waiting, "watched", lambda: lambda: False)
    monkeypatch.setattr(waiting.st, "stop", end)
    with pytest.raises(InterruptedError):
        waiting.place().check()
