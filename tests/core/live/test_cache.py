"""The live cache: nothing in it can run code, it is bounded, and it may vanish."""

import pickle
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.live import LiveCache, cache
from core.turns import Stopped


@pytest.fixture
def kept(tmp_path):
    return LiveCache(tmp_path / "live")


def arrays(seed=0, size=8):
    return {"maps": np.random.default_rng(seed).normal(size=(1, size, size)).astype(np.float32), "n": np.array([3])}


def test_what_was_computed_is_there_for_another_process(kept):
    found = kept.once("a", arrays)
    again = LiveCache(kept.folder).get("a")
    np.testing.assert_array_equal(again["maps"], found["maps"])
    assert again["n"].dtype == np.int64
    assert kept.get("b") is None


def test_it_is_computed_once_however_many_ask(kept):
    calls, go_on = [], threading.Event()

    def compute():
        calls.append(1)
        go_on.wait(5)
        return arrays()

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(kept.once, "a", compute) for _ in range(8)]
        while not calls:
            pass
        go_on.set()
        found = [future.result()["maps"] for future in waiting]
    assert len(calls) == 1
    assert all(np.array_equal(each, found[0]) for each in found)


def test_a_failure_reaches_all_who_wait_and_is_not_kept(kept):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.once("a", fail)
    assert kept.once("a", arrays)["n"] == 3


def test_one_who_leaves_takes_nobody_along(kept):
    """Whoever computes is stopped: of those who wait for the same, one computes it, and all have it."""
    begun, leave, calls = threading.Event(), threading.Event(), []

    def stopped():
        begun.set()
        leave.wait(20)
        raise Stopped

    def compute():
        calls.append(1)
        return arrays()

    with ThreadPoolExecutor(4) as pool:
        left = pool.submit(kept.once, "a", stopped)
        assert begun.wait(20)
        flight, asked = kept._flights["a"], threading.Semaphore(0)
        real = flight.result
        flight.result = lambda longest: asked.release() or real(longest)
        waiting = [pool.submit(kept.once, "a", compute) for _ in range(3)]
        for _ in waiting:
            assert asked.acquire(timeout=20)
        leave.set()
        with pytest.raises(Stopped):
            left.result()
        for future in waiting:
            np.testing.assert_array_equal(future.result()["maps"], arrays()["maps"])
    assert len(calls) == 1


def test_one_who_never_comes_back_is_not_waited_for(kept, monkeypatch):
    monkeypatch.setattr(cache, "STUCK", 0.1)
    begun, hangs = threading.Event(), threading.Event()

    def stuck():
        begun.set()
        hangs.wait(20)
        return arrays()

    with ThreadPoolExecutor(2) as pool:
        lost = pool.submit(kept.once, "a", stuck)
        assert begun.wait(20)
        assert pool.submit(kept.once, "a", arrays).result(20)["n"] == 3
        assert not lost.done()
        hangs.set()
        assert lost.result(20)["n"] == 3
    assert not kept._flights


class ClickedOn(BaseException):
    """As Streamlit ends the run of a page."""


def test_what_ends_one_page_ends_no_other(kept):
    begun, leave = threading.Event(), threading.Event()

    def ended():
        begun.set()
        leave.wait(20)
        raise ClickedOn

    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(kept.once, "a", ended)
        assert begun.wait(20)
        flight, asked = kept._flights["a"], threading.Event()
        real = flight.result
        flight.result = lambda *given: asked.set() or real(*given)
        waiting = pool.submit(kept.once, "a", arrays)
        assert asked.wait(20)
        leave.set()
        with pytest.raises(ClickedOn):
            left.result()
        assert waiting.result()["n"] == 3


def test_nothing_is_made_before_something_is_kept(kept):
    assert kept.get("a") is None
    assert not kept.folder.exists()


def rows(kept):
    return sqlite3.connect(kept.folder / "cache.db")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code from the cache was run",))


def test_a_database_from_elsewhere_runs_no_code_and_touches_no_file(kept, tmp_path):
    kept.once("a", arrays)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    with rows(kept) as database:
        bomb = sqlite3.Binary(pickle.dumps(Bomb()))
        database.execute("UPDATE Cache SET value = ?, mode = 4, filename = ?", (bomb, "../precious"))
        database.execute(
            "INSERT INTO Cache (key, raw, value, mode, filename) VALUES (?, 0, ?, 4, ?)", (bomb, bomb, "../precious")
        )
    database.close()
    other = LiveCache(kept.folder)
    assert other.get("a") is None
    assert other.once("a", arrays)["n"] == 3, "and it is computed again"
    assert other.get("a") is not None
    opened = cache._database(kept.folder)
    list(opened)
    opened.clear()
    assert precious.read_text() == "mine"


def test_a_damaged_entry_is_computed_again(kept):
    kept.once("a", arrays)
    with rows(kept) as database:
        database.execute("UPDATE Cache SET value = ?", (sqlite3.Binary(b"\x00" * 40),))
    database.close()
    assert kept.get("a") is None
    assert kept.once("a", arrays)["n"] == 3


def test_a_damaged_database_is_as_good_as_none(kept):
    kept.folder.mkdir()
    (kept.folder / "cache.db").write_bytes(b"no database" * 100)
    assert kept.get("a") is None
    assert kept.once("a", arrays)["n"] == 3
    assert LiveCache(kept.folder).get("a") is not None, "and it is made anew"


def test_what_does_not_fit_is_computed_again(kept):
    kept.once("a", lambda: {"other": np.zeros(3)})
    assert kept.get("a", lambda found: "n" in found) is None
    assert kept.once("a", arrays, lambda found: "n" in found)["n"] == 3
    assert kept.get("a", lambda found: "n" in found) is not None


def test_a_locked_database_is_left_alone(kept):
    kept.once("a", arrays)
    with rows(kept) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert kept.once("b", arrays)["n"] == 3
        database.rollback()
    database.close()
    assert LiveCache(kept.folder).get("a") is not None


def test_it_may_be_deleted_while_it_is_used(kept):
    kept.once("a", arrays)
    shutil.rmtree(kept.folder)
    assert kept.get("a") is None
    kept.once("a", arrays)
    assert LiveCache(kept.folder).get("a") is not None


def test_one_that_another_process_made_anew_is_the_one_that_is_used(kept, tmp_path):
    kept.once("a", arrays)
    other = LiveCache(tmp_path / "other")
    other.once("b", lambda: arrays(1))
    kept.folder.rename(tmp_path / "old")
    shutil.copytree(other.folder, kept.folder)
    np.testing.assert_array_equal(kept.get("b")["maps"], arrays(1)["maps"])
    assert kept.get("a") is None


def test_it_stays_within_its_size(kept, monkeypatch):
    monkeypatch.setattr(cache, "SIZE", 2_000_000)
    cache._database.cache_clear()
    for i in range(60):
        kept.once(str(i), lambda: arrays(size=128))  # 64 kB each
    assert kept.get("59") is not None
    assert kept.get("0") is None
    assert sum(path.stat().st_size for path in kept.folder.iterdir()) < 8_000_000
    cache._database.cache_clear()
