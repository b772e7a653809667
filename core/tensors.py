"""What is in a safetensors file, read without its library: where memory ends, that panics, or takes it for damage.

The format is eight bytes of a length, so many bytes of JSON that name each tensor's type, shape and place, and then the
tensors, one after the other (https://github.com/huggingface/safetensors#format).
"""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
"""Types of numbers by their names in the format."""
MOST = 100_000_000
"""Bytes of a header, as the library has it."""
DIMENSIONS = 64
"""Of an array at most, as NumPy has it."""


@dataclass(frozen=True)
class Entry:
    """A tensor as the header has it: its type's name, its shape, and where in the file it starts and ends."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_whole(path: Path) -> bytearray:
    """Return a file's bytes, which may be changed; OSError or MemoryError where the system does not give them."""
    with path.open("rb") as file:
        content = bytearray(os.fstat(file.fileno()).st_size)
        del content[file.readinto(content) :]
    return content


def entries(content: bytes | bytearray) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return the tensors of safetensors bytes by name, and what else the file says of itself.

    Raises
    ------
    ValueError
        It is not whole: tensors must follow each other without a gap, and end where the file does.
    """
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > min(MOST, len(content) - 8):
        raise ValueError("its header is cut")
    try:
        header = json.loads(content[8 : 8 + size].decode())
    except RecursionError:
        raise ValueError("its header is no header") from None
    meta = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(meta, dict) or not all(isinstance(value, str) for value in meta.values()):
        raise ValueError("its header is no header")
    found = {name: _entry(about, 8 + size) for name, about in header.items()}
    end = 8 + size
    for entry in sorted(found.values(), key=lambda entry: (entry.start, entry.end)):
        if entry.start != end:
            raise ValueError("its tensors do not follow each other")
        end = entry.end
    if end != len(content):
        raise ValueError("its tensors do not end where it does")
    return found, meta


def _entry(about: Any, base: int) -> Entry:
    try:
        kind, shape, (start, end) = about["dtype"], about["shape"], about["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise ValueError("its header is no header") from None
    few = isinstance(shape, list) and len(shape) <= DIMENSIONS
    if not (few and isinstance(kind, str) and all(type(each) is int and each >= 0 for each in (*shape, start, end))):
        raise ValueError("its header is no header")
    if end < start or math.prod(max(1, each) for each in shape) >= 1 << 63:
        raise ValueError("its header says what cannot be")
    return Entry(kind, tuple(shape), base + start, base + end)


def arrays_in(content: bytearray) -> dict[str, np.ndarray]:
    """Return the arrays of safetensors bytes, where they lie; ValueError as `entries`, or where one is of no type."""
    return {name: _array(content, entry) for name, entry in entries(content)[0].items()}


def _array(content: bytearray, entry: Entry) -> np.ndarray:
    count = math.prod(entry.shape)
    kind = np.dtype(NUMBERS[entry.kind]) if entry.kind in NUMBERS else None
    if kind is None or count * kind.itemsize != entry.end - entry.start:
        raise ValueError("its tensors are of another size or type")
    if not count:
        return np.empty(entry.shape, kind)
    return np.frombuffer(content, kind, count, entry.start).reshape(entry.shape)
