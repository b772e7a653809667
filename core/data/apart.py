"""A photo from anywhere, opened in a process of its own, which is given so much time and memory and no more.

What a file declares does not bound what it takes to open: a JPEG may go over its picture a thousand times, or begin
with a million comments. Nobody knows all such ways, so the system bounds what comes of them.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np

from core.bounded import bounded
from core.data.photos import MAX_BYTES, DamagedError, open_photo
from core.errors import UserError

SECONDS, PATIENCE = 2.0, 60.0
"""Seconds that a photo may take of a processor, and of a clock on a machine that has other things to do."""
MEMORY = 300_000_000
"""Bytes that a photo may take, itself included."""
ROOT = Path(__file__).resolve().parents[2]
_REFUSED = 3


def open_apart(data: bytes, name: str, longest: int) -> np.ndarray:
    """Open a photo as `core.data.photos.open_photo` does; nothing of it reaches the disk.

    Parameters
    ----------
    data : bytes
        The encoded image.
    name : str
        What errors call it.
    longest : int
        Pixels of the longer side, at most.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) uint8 RGB.

    Raises
    ------
    UserError
        As `open_photo`; or it takes more than `SECONDS` or `MEMORY`.
    """
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # none is needed, and each takes memory
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "core.data.apart", name, str(longest)],
            input=data[: MAX_BYTES + 1],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # Pillow's remarks
            cwd=ROOT,
            env={**os.environ, **threads},
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{name} takes too long to open; save it anew, or smaller.") from None
    if done.returncode == _REFUSED:
        raise UserError(done.stdout.decode())
    if done.returncode:
        raise UserError(f"{name} takes too long or too much memory to open; save it anew, or smaller.")
    shape, _, pixels = done.stdout.partition(b"\n")
    height, width = map(int, shape.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3).copy()


def main() -> None:
    """Open what comes on the standard input, within bounds; write its size and its pixels, or why there are none."""
    name, longest = sys.argv[1], int(sys.argv[2])
    _bound()
    try:
        with bounded(MEMORY):
            photo = open_photo(sys.stdin.buffer.read(), name=name, longest=longest)
    except DamagedError:
        _refuse(f"{name} cannot be read to its end: it is damaged, or takes more memory than a photo may.")
    except UserError as error:
        _refuse(str(error))
    sys.stdout.buffer.write(b"%d %d\n" % photo.shape[:2] + photo.tobytes())


def _refuse(why: str) -> NoReturn:
    sys.stdout.buffer.write(why.encode())
    sys.exit(_REFUSED)


def _bound() -> None:
    if sys.platform == "win32":  # it has none of these; the patience of who started this ends it
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file is written to, nor the memory of a crash
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its signal ends the process, whatever it is in


if __name__ == "__main__":
    main()
