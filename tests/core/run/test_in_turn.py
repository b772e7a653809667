"""Commands aside: one at a time, and ended with whoever asked."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from core.errors import UserError
from core.run import aside
from core.turns import Place, Stopped, Turns


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """The processes that were started: instead of computing they wait for ever."""
    found: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(words: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        found.append(real([sys.executable, "-S", "-c", "import time; time.sleep(1e6)"], **options))
        return found[-1]

    monkeypatch.setattr(aside, "LOOK", 0.01)
    monkeypatch.setattr(aside.subprocess, "Popen", start)
    return found


class ClickedOn(BaseException):
    """As Streamlit ends the run of a page."""


@pytest.mark.parametrize("raised", [False, True])
def test_what_nobody_waits_for_is_ended(started: list["subprocess.Popen[bytes]"], raised: bool) -> None:
    def there() -> bool:
        if started and raised:
            raise ClickedOn
        return not started

    turns = Turns()
    with pytest.raises(ClickedOn if raised else Stopped):
        aside._core(Place(turns, there), "expect")
    assert started[0].returncode == -9
    with Place(turns):
        pass  # the line moves on


def test_what_takes_too_long_is_given_up(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "MINUTES", 0)
    with pytest.raises(UserError, match="given up"):
        aside._core(Place(), "expect")
    assert started[0].returncode == -9


def test_one_is_done_at_a_time(started: list["subprocess.Popen[bytes]"]) -> None:
    turns, waits = Turns(), threading.Event()

    def there() -> bool:
        if second.before:
            waits.set()
        return not started

    second = Place(turns, there)

    def ask() -> None:
        with pytest.raises(Stopped):
            aside._core(second, "expect")

    with Place(turns):
        thread = threading.Thread(target=ask)
        thread.start()
        assert waits.wait(60)
        assert started == []
    thread.join(60)
    assert len(started) == 1


def test_what_went_wrong_is_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen

    def start(words: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        return real(
            [sys.executable, "-S", "-c", "import sys; sys.exit('Note.\\nError: There is no folder.\\n')"], **options
        )

    monkeypatch.setattr(aside.subprocess, "Popen", start)
    with pytest.raises(UserError, match=r"^There is no folder\.$"):
        aside._core(Place(), "expect")
