"""A fault injector: the n-th call of a kind fails as the system would have it fail, in this process."""

import builtins
import errno
import io
import os
import resource
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy._core._exceptions import _ArrayMemoryError
from torch.utils._python_dispatch import TorchDispatchMode

FULL = ("ENOSPC", "EDQUOT")
SHUT = ("EROFS", "EACCES")
FAULTS = {
    "read": ("EACCES", "EMFILE", "EIO"),
    "open": (*FULL, *SHUT, "EMFILE", "EIO", "gone"),
    "write": (*FULL, "EIO", "short"),
    "fsync": (*FULL, "EIO"),
    "rename": (*FULL, *SHUT, "EIO", "gone"),
    "mkdir": (*FULL, *SHUT),
    "unlink": (*SHUT, "EIO"),
    "array": ("MemoryError",),
    "tensor": ("OutOfMemoryError", "RuntimeError"),
}
"""Kinds of calls, and how they fail: "read" and "open" open a file to read and to write it. "short" writes half of what
it is given, then nothing; "gone": somebody deletes the study; the last two are memory that a GPU and that this machine
does not have."""
LASTING = {*FULL, *SHUT}
"""What fails once and for all until somebody mends it: all later calls of the kind fail too."""
ARRAYS = ("empty", "zeros", "full", "concatenate", "stack", "ascontiguousarray", "repeat")
"""Functions of NumPy that are asked for memory."""


class Faults:
    """While entered, count what is asked of the system for files under a folder, and of memory; fail what is asked.

    Parameters
    ----------
    folder : Path
        What lies elsewhere is neither counted nor harmed.
    kind, how : str
        Of `FAULTS`; no kind counts alone.
    nth : int
        From 1.
    study : Path, optional
        Which folder it is that goes away ("gone").
    """

    def __init__(self, folder: Path, kind: str = "", how: str = "", nth: int = 0, study: Path | None = None) -> None:
        self.folder, self.kind, self.how, self.nth, self.study = folder, kind, how, nth, study
        self.seen: Counter[str] = Counter()
        self.fired = False
        self._stack = ExitStack()

    def __enter__(self) -> "Faults":
        opened = self._opening(io.open)
        replaced: list[tuple[Any, str, Any]] = [(io, "open", opened), (builtins, "open", opened)]
        replaced.append((os, "open", self._opening_own(os.open)))
        replaced.append((os, "fsync", self._fsync(os.fsync)))
        replaced += [(os, name, self._named("rename", getattr(os, name))) for name in ("replace", "rename")]
        replaced += [(os, name, self._named("unlink", getattr(os, name))) for name in ("unlink", "remove")]
        replaced.append((os, "mkdir", self._named("mkdir", os.mkdir)))
        replaced += [(np, name, self._array(getattr(np, name))) for name in ARRAYS]
        for where, name, function in replaced:
            self._stack.enter_context(patch.object(where, name, function))
        if self.kind in ("", "tensor"):
            self._stack.enter_context(_Tensors(self))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def meets(self, kind: str) -> bool:
        """Count a call, and return whether it is to fail."""
        self.seen[kind] += 1
        if kind != self.kind:
            return False
        hit = self.seen[kind] == self.nth
        if hit and not self.fired and self.how == "gone":
            self.fired = True
            shutil.rmtree(self.study or self.folder)
            return False
        self.fired |= hit
        return hit or (self.fired and self.how in LASTING)

    def error(self, *named: str) -> OSError:
        """Return the error as the system gives it, of a call by name or by descriptor."""
        number = getattr(errno, self.how)
        return OSError(number, os.strerror(number), *named)

    def _within(self, path: Any) -> bool:
        return isinstance(path, str | Path) and Path(path).is_relative_to(self.folder)

    def _named(self, kind: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **named: Any) -> Any:
            if self._within(path) and self.meets(kind):
                raise self.error(str(path))
            return whole(path, *rest, **named)

        return call

    def _fsync(self, whole: Callable[[int], None]) -> Callable[[int], None]:
        def fsync(file: int) -> None:
            if self._within(os.readlink(f"/proc/self/fd/{file}")) and self.meets("fsync"):
                raise self.error()
            whole(file)

        return fsync

    def _opening(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if not self._within(path):
                return whole(path, mode, *rest, **named)
            if self.meets("read" if mode.startswith("r") else "open"):
                raise self.error(str(path))
            return io.BufferedWriter(_Raw(self, path)) if mode == "wb" else whole(path, mode, *rest, **named)

        return call

    def _opening_own(self, whole: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *rest: Any, **named: Any) -> int:
            if self._within(path) and self.meets("open" if flags & (os.O_WRONLY | os.O_RDWR) else "read"):
                raise self.error(str(path))
            return whole(path, flags, *rest, **named)

        return call

    def _array(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if self.meets("array"):
                raise _ArrayMemoryError((1 << 40,), np.dtype(np.float32))
            return whole(*given, **named)

        return call


class _Raw(io.FileIO):
    """What the disk is given, below the buffer."""

    def __init__(self, faults: Faults, path: Any) -> None:
        super().__init__(path, "wb")
        self.faults, self.full = faults, False

    def write(self, data: Any) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.faults.meets("write"):
            if self.faults.how != "short":
                raise self.faults.error()
            self.full = True
            data = memoryview(data)[: len(data) // 2]
        return super().write(data)


class _Tensors(TorchDispatchMode):
    """Every operation of torch, which may want memory for its result."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        if self.faults.meets("tensor"):
            if self.faults.how == "OutOfMemoryError":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried "
                "to allocate 4398046511104 bytes. Error code 12 (Cannot allocate memory)"
            )
        return function(*given, **(named or {}))


@contextmanager
def few_files(free: int) -> Iterator[None]:
    """Leave this process so many file descriptors, whoever opens them: also what is not Python's own."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 1, before[1]))
        while True:
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] + free, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for each in taken:
            os.close(each)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, whoever writes it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))  # Python ignores the signal: writes fail
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Callable[[int], None]]:
    """Mount a disk of so many kilobytes, and give what changes its size; PermissionError where that is not allowed."""

    def sized(kilobytes: int, *how: str) -> None:
        size = f"size={kilobytes}k"
        command = ["mount", "-t", "tmpfs", "-o", ",".join([*how, size]), "tmpfs", str(place)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            raise PermissionError("no disk can be mounted here") from None

    place.mkdir(parents=True, exist_ok=True)
    sized(kilobytes)
    try:
        yield lambda more: sized(more, "remount")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
