"""Opens one file after the other as `core.data.apart` does, each in a process of its own, and tells what it took.

`Opener` is for the tests. The process that it starts loads what is needed once, and is forked for every file: a
millisecond in place of the third of a second that a fresh interpreter takes.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType

import core.data.apart as apart

WROTE = 77
"""How a process ends that was about to open a file for writing."""


@dataclass(frozen=True)
class Opened:
    """What became of a file: `code` 0 is an image of this `shape`, 3 a sentence, negative the signal that ended it."""

    code: int
    said: str
    shape: tuple[int, ...]
    memory: int
    """Bytes above what the process held before it was given the file."""
    seconds: float
    """Of a processor."""


class Opener:
    """The process, as a context."""

    def __enter__(self) -> "Opener":
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.hostile.opening"],
            cwd=apart.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def open(self, data: bytes) -> Opened:
        """Have a file opened, as much of it as `open_apart` hands on."""
        data = data[: apart.MAX_BYTES + 1]
        self.process.stdin.write(len(data).to_bytes(8, "little") + data)
        self.process.stdin.flush()
        found = json.loads(self.process.stdout.readline())
        return Opened(found["code"], found["said"], tuple(found["shape"]), found["memory"], found["seconds"])


def main() -> None:
    """Answer one file after the other until there are no more."""
    from PIL import Image

    Image.init()  # every format, which it would do for each file that it does not know
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # else a refused write would pass for a damaged file
    sys.addaudithook(_no_writing)
    if not (child := os.fork()):
        os._exit(0)
    idle = os.wait4(child, 0)[2].ru_maxrss
    while head := os.read(0, 8):
        answer, write = os.pipe()
        if not (child := os.fork()):
            os.dup2(write, 1)
            _open_one(int.from_bytes(head, "little"))
        os.close(write)
        with open(answer, "rb") as file:
            said = file.read()
        _, status, took = os.wait4(child, 0)
        code = os.waitstatus_to_exitcode(status)
        shape, _, _ = said.partition(b"\n")
        found = {
            "code": code,
            "said": said.decode() if code == 3 else "",
            "shape": [int(each) for each in shape.split()] if code == 0 else [],
            "memory": (took.ru_maxrss - idle) * 1024,
            "seconds": took.ru_utime + took.ru_stime,
        }
        print(json.dumps(found), flush=True)


def _open_one(size: int) -> None:
    """Do what `core.data.apart` does when started as a program; never returns."""
    code = 1
    try:
        with open(0, "rb", closefd=False) as given:
            sys.stdin = SimpleNamespace(buffer=SimpleNamespace(read=lambda: given.read(size)))
            sys.argv = ["apart", "This file", "2000"]
            apart.main()
        code = 0
    except SystemExit as asked:
        code = asked.code
    finally:
        sys.stdout.buffer.flush()
        os._exit(code)


def _no_writing(event: str, given: tuple) -> None:
    if event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os._exit(WROTE)


if __name__ == "__main__":
    main()
