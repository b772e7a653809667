"""The live cache: nothing in it can run code, it is bounded, and it may vanish."""

import pickle
import shutil
import sqlite3
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest

from core.attribution import Explanation
from core.live import LiveCache, cache
from core.live.kept import is_answer, is_map
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


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"


def journal(kept, precious):
    """One that a crash might have left, which names a file that goes when what it undoes is undone."""
    magic, name = bytes.fromhex("d9d505f920a163d7"), str(precious).encode()
    head = magic + struct.pack(">5I", 0, 1, 1, 512, 4096)
    end = struct.pack(">I", 1) + name + struct.pack(">2I", len(name), sum(name)) + magic
    (kept.folder / "cache.db-journal").write_bytes(head.ljust(512, b"\0") + end)


HOSTILE = {
    "an endless table": f"DROP TABLE Cache; CREATE VIEW Cache AS {ENDLESS}",
    "an endless setting": f"ALTER TABLE Settings RENAME TO Other; CREATE VIEW Settings AS {ENDLESS}",
    "a trigger": "CREATE TRIGGER more AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
    "no bound": "UPDATE Settings SET value = 0 WHERE key = 'cull_limit'",
    "a path": "INSERT INTO Settings VALUES ('sqlite_temp_store_directory', '/')",
    "a disk": "INSERT INTO Settings VALUES ('disk_more', 1)",
    "another table": "CREATE TABLE mine (x)",
    "no table": "DROP TABLE Cache",
    "many tables": "; ".join(f"CREATE TABLE t{i} (x)" for i in range(200)),
}


@pytest.mark.parametrize("harm", HOSTILE)
def test_a_database_of_another_form_is_made_anew(kept, harm):
    kept.once("a", arrays)
    with rows(kept) as database:
        database.executescript(HOSTILE[harm])
    database.close()
    cache._database.cache_clear()
    other = LiveCache(kept.folder)
    other.get("a")
    assert other.once("a", arrays)["n"] == 3
    assert LiveCache(kept.folder).get("a") is not None
    with rows(kept) as database:
        left = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    database.close()
    assert {name for (name,) in left} == {"Settings", "Cache", "sqlite_sequence"} & {name for (name,) in left}


def test_neither_a_link_nor_a_journal_leads_out_of_the_cache(kept, tmp_path):
    kept.once("a", arrays)
    precious = tmp_path / "precious"
    shutil.move(kept.folder / "cache.db", precious)
    (kept.folder / "cache.db").symlink_to(precious)
    before = precious.read_bytes()
    cache._database.cache_clear()
    assert kept.once("b", arrays)["n"] == 3
    assert precious.read_bytes() == before
    cache._database.cache_clear()
    journal(kept, precious)
    assert kept.once("c", arrays)["n"] == 3
    assert precious.read_bytes() == before
    assert LiveCache(kept.folder).get("c") is not None


@pytest.mark.parametrize("harm", ["cut", "flipped", "another's", "huge"])
def test_a_damaged_file_of_the_cache_costs_what_it_held(kept, harm, tmp_path):
    """Its one file, in each of the ways that a study's are damaged; a file that is gone has a test of its own."""
    kept.once("a", arrays)
    path = kept.folder / "cache.db"
    cache._database(kept.folder).close()
    cache._database.cache_clear()
    content = bytearray(path.read_bytes())
    if harm == "flipped":
        content[60:4000] = bytes(byte ^ 8 for byte in content[60:4000])
    path.write_bytes(content[: len(content) // 2] if harm == "cut" else content)
    if harm == "another's":
        path.unlink()
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE mine (x)")
        other.commit()
        other.close()
    if harm == "huge":
        with path.open("r+b") as file:
            file.truncate(3 * cache.SIZE)  # a hole: no bytes on the disk
    assert kept.once("b", arrays)["n"] == 3
    assert LiveCache(kept.folder).get("b") is not None
    assert path.stat().st_size < cache.SIZE


def test_what_lies_under_anothers_key_is_none(kept):
    """An answer where a map should be, and a map of another size."""
    kept.once("answer", lambda: {"answer": np.array([1.0, 0.5])})
    names = {field.name for field in fields(Explanation)} - {"saliency"}
    made = {name: np.zeros((1, 8, 8) if name == "maps" else 1, np.float32) for name in names}
    kept.once("map", lambda: made)
    with rows(kept) as database:
        values = dict(database.execute("SELECT key, value FROM Cache").fetchall())
        for key, other in (("answer", "map"), ("map", "answer")):
            database.execute("UPDATE Cache SET value = ? WHERE key = ?", (values[other], key))
    database.close()
    assert kept.get("answer", lambda found: is_answer(3, found)) is None
    assert kept.get("map", lambda found: is_map(8, found)) is None
    assert kept.once("map", lambda: made, lambda found: is_map(8, found)).keys() == made.keys()
    assert kept.get("map", lambda found: is_map(9, found)) is None
