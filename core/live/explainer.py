"""The process that explains images for `core.live.apart`: tasks come on the standard input, findings leave.

A message is of one task, by its number: "begin" brings it, "next" asks for what is found next, "close" wants no more.
What is said of one is "found", "end", "stopped", "refused", "failed", or "alive" a few times a second while it is done.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from core.errors import UserError, memory_is_full
from core.header import Header
from core.live.cache import Arrays
from core.live.compute import compute
from core.live.frames import frame, read_frame
from core.live.memory import model_at
from core.live.task import Task
from core.live.work import THREADS
from core.tidy import keep_tidy
from core.turns import Stopped

NICE = 10
"""How far it stands back from those who draw pages, where there are fewer processors than both want."""
SIGN = 0.25
"""Seconds between two signs of life."""
_HEADERS = TypeAdapter(Header)


class _Running:
    """A task that was begun."""

    def __init__(self, number: int, asked: dict[str, Any], arrays: Arrays, says: "_Says") -> None:
        self.number, self._says = number, says
        self.closed = threading.Event()
        self._said = time.monotonic()
        self._levels = self._begin(asked, arrays)

    def _begin(self, asked: dict[str, Any], arrays: Arrays) -> Iterator[Arrays]:
        header = _HEADERS.validate_python(asked["header"])
        task = Task.from_parts(asked["task"], arrays)
        yield from compute(task, header, partial(model_at, asked["address"], header), self._check)

    def _check(self) -> None:
        if self.closed.is_set():
            raise Stopped
        now = time.monotonic()
        if now - self._said > SIGN:
            self._said = now
            self._says(self.number, "alive")

    def advance(self) -> None:
        """Say what is found next."""
        try:
            found = next(self._levels, None)
        except Stopped:
            self._says(self.number, "stopped")
        except UserError as error:
            self._says(self.number, "refused", str(error))
        except Exception as error:
            traceback.print_exc()
            if memory_is_full(error):
                os._exit(1)  # whoever waits is told, and the next process begins with all that there is
            self._says(self.number, "failed", repr(error))
        else:
            self._says(self.number, "end" if found is None else "found", arrays=found)


class _Says:
    """Writes messages, of any thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._writing = file, threading.Lock()

    def __call__(self, number: int, says: str, why: str = "", arrays: Arrays | None = None) -> None:
        with self._writing, suppress(OSError):  # nobody reads any more: the input has ended as well
            self._file.write(frame({"number": number, "says": says, "why": why}, arrays))
            self._file.flush()


def main() -> None:
    """Do what comes on the standard input until that ends."""
    _stand_back()
    keep_tidy()
    says = _Says(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no message
    running: dict[int, _Running] = {}
    with ThreadPoolExecutor(THREADS, "explain") as pool:
        while (told := read_frame(sys.stdin.buffer)) is not None:
            plain, arrays = told
            number = plain["number"]
            if "begin" in plain:
                running[number] = _Running(number, plain["begin"], arrays, says)
            elif number not in running:
                continue  # whoever was to begin it could not
            elif "next" in plain:
                pool.submit(running[number].advance)
            else:
                running.pop(number).closed.set()
        os._exit(0)  # whatever is still at work: nobody wants it


def _stand_back() -> None:
    with suppress(OSError, AttributeError):  # where the system has no such thing: it is a courtesy
        os.nice(NICE)
    with suppress(OSError):  # where memory ends, Linux is to end this rather than who asks
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


if __name__ == "__main__":
    main()
