"""Runs without processes of their own."""

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core import stages
from core.run import local


class Threads(ThreadPoolExecutor):
    """Tasks run in a thread of this process: no seconds of imports, and their functions can be replaced."""

    def __init__(self, workers: int, mp_context: Any, initializer: Callable[[], None]) -> None:
        super().__init__(1)
        self._processes: dict[int, Any] = {}


class Manager:
    def __init__(self, ctx: Any) -> None:
        pass

    def start(self, initializer: Callable[[], None]) -> None:
        pass

    def __enter__(self) -> "Manager":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def Queue(self) -> queue.Queue:  # noqa: N802
        return queue.Queue()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    stages._arrays.cache_clear()
    monkeypatch.setattr(local, "ProcessPoolExecutor", Threads)
    monkeypatch.setattr(local, "SyncManager", Manager)


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(local, "ProcessPoolExecutor", refuse)
    monkeypatch.setattr(local, "SyncManager", refuse)
