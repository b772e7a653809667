"""Results on images of a study, kept on disk between visits; each computed once, however many ask for it at once."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import diskcache
import numpy as np
from diskcache.core import MODE_RAW
from safetensors.numpy import save

from core.study import cache_folder
from core.tensors import arrays_in
from core.turns import STUCK, Stopped

SIZE = 256_000_000
"""Bytes on disk; the least recently used go first."""
MOST_ROWS = 64
"""Of a database's description: more than any of ours has."""


class PlainDisk(diskcache.Disk):
    """A diskcache `Disk` of texts as keys and bytes as values, all inside its one database.

    diskcache's own would unpickle, and open and remove files by the names it finds there: a database from elsewhere
    could run code and delete what it likes.
    """

    def put(self, key: Any) -> tuple[str, bool]:
        """Return a key as the database holds it."""
        return str(key), True

    def get(self, key: Any, raw: Any) -> str:
        """Return a key from the database."""
        return str(key)

    def store(self, value: bytes, read: bool, key: Any = diskcache.UNKNOWN) -> tuple[int, int, None, sqlite3.Binary]:
        """Return a value as the database holds it."""
        return 0, MODE_RAW, None, sqlite3.Binary(value)  # its size is the database's

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> bytes:
        """Return a value from the database; no bytes for anything that `store` did not put there."""
        return bytes(value) if mode == MODE_RAW and isinstance(value, bytes) else b""

    def remove(self, file_path: str) -> None:
        """Do nothing: there are no files beside the database."""


Arrays: TypeAlias = dict[str, np.ndarray]


class LiveCache:
    """Named arrays by key, on disk. A cache that is damaged, locked or not writable is as good as an empty one.

    Parameters
    ----------
    folder : Path
        Made when something is first kept; may be deleted at any time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._flights: dict[str, Future[Arrays]] = {}
        self._lock = threading.Lock()
        self._opened: tuple[int, int] | None = None

    def get(self, key: str, fits: Callable[[Arrays], bool] = bool) -> Arrays | None:
        """Return what is kept under a key; None where there is nothing, or nothing that can be read and fits."""
        if not self.folder.exists():
            return None
        try:
            content = self._open().get(key)
            found = arrays_in(bytearray(content)) if content else {}
            return found if fits(found) else None
        except diskcache.Timeout:  # locked by another process: to open it anew would wait for a minute
            return None
        except Exception:  # sqlite3's, diskcache's and safetensors' errors share no base of their own
            self._reopen()
            return None

    def once(self, key: str, compute: Callable[[], Arrays], fits: Callable[[Arrays], bool] = bool) -> Arrays:
        """Return what is kept under a key, or compute and keep it; who asks meanwhile waits for that one result.

        Where whoever computes it does not want it any more (`Stopped`), or has not come back for `STUCK` seconds, the
        next who waits computes it.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    mine: Future[Arrays] = Future()
                    self._flights[key] = mine
                    break
            try:
                return flight.result(STUCK)
            except Stopped:
                continue
            except TimeoutError:
                self._land(key, flight)
        try:
            found = self.get(key, fits)
            if found is None:
                found = compute()
                self._keep(key, found)
        except BaseException as error:
            self._land(key, mine)
            # What ends one visitor's page (Streamlit has its own kind for it) is nothing to those who wait.
            mine.set_exception(error if isinstance(error, Exception) else Stopped())
            raise
        self._land(key, mine)
        mine.set_result(found)
        return found

    def _land(self, key: str, flight: Future[Arrays]) -> None:
        """Take a flight off the board, before those who wait are told: who is to try again must not find it there."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _keep(self, key: str, arrays: Arrays) -> None:
        content = save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
        try:
            self._open().set(key, content)
        except diskcache.Timeout:
            return
        except Exception as error:  # as above: what cannot be kept is computed again
            self._reopen()
            if type(error) is sqlite3.DatabaseError:  # it is none; a locked one gives an OperationalError
                with suppress(Exception):
                    _remove(self.folder)
                    self._open().set(key, content)

    def _open(self) -> diskcache.Cache:
        file = self._file()
        if file is None or file != self._opened:
            self._reopen()  # deleted meanwhile, or made anew by another process: what is open belongs to nothing
        found = _database(self.folder)
        self._opened = self._file()
        return found

    def _file(self) -> tuple[int, int] | None:
        """Return what tells the database's file from another of its name; None where there is none."""
        try:
            found = (self.folder / diskcache.core.DBNAME).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _reopen(self) -> None:
        _database.cache_clear()


@cache
def _database(folder: Path) -> diskcache.Cache:
    path = folder / diskcache.core.DBNAME
    if (path.is_symlink() or path.exists()) and not _is_ours(path):
        _remove(folder)
    return _made(folder)


def _made(folder: Path) -> diskcache.Cache:
    return diskcache.Cache(
        str(folder), timeout=1, disk=PlainDisk, size_limit=SIZE, eviction_policy="least-recently-used"
    )


def _remove(folder: Path) -> None:
    for path in folder.glob(f"{diskcache.core.DBNAME}*"):
        path.unlink()  # a link itself, not what it leads to


def _is_ours(path: Path) -> bool:
    """Return whether a database is made as this process would make it.

    In one from elsewhere a table may be a view without an end, a trigger may write what it likes, a setting may lift
    the bound, and a journal left beside it may name a file to be deleted. Only its description is read.

    Raises
    ------
    diskcache.Timeout
        Another process has locked it.
    """
    if path.is_symlink() or path.stat().st_size > 2 * SIZE:
        return False
    try:
        return _described(path) == _form(SIZE)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise diskcache.Timeout from None
        return False


@cache
def _form(size: int) -> list[tuple[Any, ...]]:
    with TemporaryDirectory() as folder:
        _made(Path(folder)).close()
        return _described(Path(folder, diskcache.core.DBNAME))


def _described(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as database:
        tables = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchmany(MOST_ROWS)
        if any(kind == "view" for kind, _, _ in tables):  # which might have no end
            return tables
        counted = ", ".join(f"'{name}'" for name in diskcache.core.METADATA)
        settings = f"SELECT key, value FROM Settings WHERE key NOT IN ({counted}) ORDER BY key"  # noqa: S608
        return tables + database.execute(settings).fetchmany(MOST_ROWS)


def live_cache() -> LiveCache:
    """Return the one cache of this process, in `live/` of the cache folder."""
    return _live_cache(cache_folder() / "live")


@cache
def _live_cache(folder: Path) -> LiveCache:
    return LiveCache(folder)
