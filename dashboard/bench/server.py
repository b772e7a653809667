"""A dashboard of one's own to measure: a fresh server on a free port, ended with the measurement."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
HOME = "dashboard/Home.py"
PATIENCE = 60
"""Seconds that a server has to become healthy, and then to end."""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    address: str
    """http://localhost:port"""
    pid: int
    """It may be killed: the end of the block then has nothing left to do."""

    def memory(self) -> int:
        """Return the bytes that its process and those it has begun hold in memory, 0 once it has ended."""
        return sum(_held(pid) for pid in self._processes())

    def peak(self) -> int:
        """Return the most bytes that its process, and those of its own that are there, have each held so far.

        Raises
        ------
        UserError
            This is no Linux, which alone keeps that number; or the server has ended.
        """
        try:
            return sum(_most(pid) for pid in self._processes())
        except (OSError, IndexError) as error:
            raise UserError("The most memory that a server has held is only known on Linux, while it runs.") from error

    def _processes(self) -> list[int]:
        own = [self.pid]
        with suppress(psutil.NoSuchProcess):
            own += [child.pid for child in psutil.Process(self.pid).children(recursive=True)]
        return own


def _held(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _most(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(cache: Path = ROOT / "cache", script: str = HOME, port: int = 0, **environment: str) -> Iterator[Server]:
    """Serve the dashboard from when it is healthy until the block ends.

    Parameters
    ----------
    cache : Path
        The folder that holds `studies/`; by default the one that ships.
    script : str
        What is served, from the root of the repository.
    port : int
        0 for a free one.
    environment : str
        What the server finds in its environment beside what is there.

    Raises
    ------
    UserError
        The server does not start; its last words are in the message.
    """
    port = port or free_port()
    options = {"server.port": port, "server.headless": "true", "server.fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env={**os.environ, "WHERE_MODELS_LOOK_CACHE": str(cache), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://localhost:{port}"
            if not _becomes_healthy(address, process):
                log.seek(0)
                raise UserError(f"The server does not start: {log.read().decode(errors='replace')[-500:].strip()}")
            yield Server(address, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _becomes_healthy(address: str, process: "subprocess.Popen[bytes]") -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)  # noqa: S310
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
        else:
            return True
    return False
