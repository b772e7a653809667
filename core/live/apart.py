"""Networks asked in a process of their own, so that who computes holds up nobody who draws pages.

Threads of one Python take turns, hundreds of times a second where torch calls small operations. A process of its own is
also given less of the processor than pages where both want it, takes its memory with it when it ends, and can be ended
when it hangs.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from io import BufferedReader, RawIOBase
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, cast

from core import turns
from core.cells import Cell
from core.errors import UserError
from core.live.cache import Arrays
from core.live.frames import frame, read_frame
from core.live.networks import Networks
from core.live.task import Check, Task
from core.live.work import silent
from core.turns import LOOK, Stopped

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "core.live.explainer")
ENDED = "The process that explains images ended: there may be too little memory. What is there stays; ask again."

Frame = tuple[dict[str, Any], Arrays] | None


class Apart:
    """Does tasks in another process (`core.live.task.By`), which is begun when first asked, and anew when it has ended.

    Safe across threads.

    Parameters
    ----------
    command : sequence of str
        Of the process, which does as `core.live.explainer` does.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._numbers = count()

    def __call__(self, networks: Networks, cell: Cell, task: Task, check: Check) -> Iterator[Arrays]:
        """Yield what is found, as `By`.

        Raises
        ------
        Stopped
            As `check` does.
        UserError
            The network is missing or damaged; the process ended, or gave no sign of life for `core.turns.STUCK`
            seconds and was ended.
        """
        check()
        plain, arrays = task.parts()
        asked = {"header": asdict(networks.header(cell)), "address": networks.address(cell), "task": plain}
        process, number = self.start(), next(self._numbers)
        answers = process.listen(number)
        try:
            process.send({"number": number, "begin": asked}, arrays)
            while True:
                process.send({"number": number, "next": True})
                found = _answer(process, answers, check)
                if found is None:
                    return
                yield found
        finally:
            process.forget(number)

    def start(self) -> "_Process":
        """Return the process, begun where there is none; UserError where the system begins none."""
        with self._lock:
            if self._process is None or self._process.ended:
                try:
                    self._process = _Process(self._command)
                except OSError as error:
                    raise UserError(f"No process can be begun to explain images: {error.strerror}.") from None
            return self._process


class _Process:
    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=pipe,
            stdout=pipe,
            bufsize=0,
            cwd=ROOT,
            start_new_session=True,  # deaf to Ctrl-C, of which it would tell as well; it ends with its input
        )
        self._input, output = cast(RawIOBase, self._process.stdin), cast(RawIOBase, self._process.stdout)
        self._output = BufferedReader(output)
        self._told: SimpleQueue[bytes] = SimpleQueue()
        self._listening: dict[int, SimpleQueue[Frame]] = {}
        self.ended, self.why = False, ENDED
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True, name="explain-apart").start()

    def listen(self, number: int) -> SimpleQueue[Frame]:
        """Return where the messages of a task will be; None is the last one, where the process ends before it does."""
        answers = self._listening[number] = SimpleQueue()
        if self.ended:
            answers.put(None)
        return answers

    def send(self, plain: dict[str, Any], arrays: Arrays | None = None) -> None:
        """Tell the process something, without waiting: one that hangs does not read either."""
        self._told.put(frame(plain, arrays))

    def forget(self, number: int) -> None:
        """Want no more of a task."""
        del self._listening[number]
        self.send({"number": number, "close": True})

    def kill(self, why: str = ENDED) -> None:
        """End the process at once, and say why to all who wait; who asks next has another."""
        self.ended, self.why = True, why
        self._process.kill()

    def _write(self) -> None:
        with self._input, suppress(OSError):  # it has ended, which `_read` tells
            while content := self._told.get():
                while content:
                    content = content[self._input.write(content) or 0 :]

    def _read(self) -> None:
        try:
            while (found := read_frame(self._output)) is not None:
                listening = self._listening.get(found[0]["number"])
                if listening is not None:
                    listening.put(found)
        finally:  # whatever happens here, nobody waits for it
            self.ended = True
            self._process.kill()
            for listening in list(self._listening.values()):
                listening.put(None)
            self._told.put(b"")
            self._process.wait()
            self._output.close()


def _answer(process: _Process, answers: SimpleQueue[Frame], check: Check) -> Arrays | None:
    """Return what is found next, None where there is no more."""
    heard = time.monotonic()
    while True:
        try:
            found = answers.get(timeout=min(LOOK, turns.STUCK))
        except Empty:
            check(alive=False)
            if time.monotonic() - heard > turns.STUCK:
                process.kill(str(silent()))
            continue
        if found is None:
            raise UserError(process.why)
        heard = time.monotonic()
        check()
        plain, arrays = found
        match plain["says"]:
            case "found":
                return arrays
            case "end":
                return None
            case "stopped":
                raise Stopped
            case "refused":
                raise UserError(plain["why"])
            case "failed":
                raise RuntimeError(plain["why"])


@cache
def apart() -> Apart:
    """Return the one process of this one that explains images."""
    return Apart()
