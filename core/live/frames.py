"""Messages between two processes: a few plain values as JSON, and arrays as safetensors. Neither can run code."""

import json
import struct
from typing import Any, BinaryIO

import numpy as np
from safetensors.numpy import save

from core.live.cache import Arrays
from core.tensors import arrays_in

_LENGTHS = struct.Struct("<QQ")


def frame(plain: dict[str, Any], arrays: Arrays | None = None) -> bytes:
    """Return one message, as `read_frame` reads it."""
    head = json.dumps(plain).encode()
    body = save({name: np.ascontiguousarray(value) for name, value in arrays.items()}) if arrays else b""
    return _LENGTHS.pack(len(head), len(body)) + head + body


def read_frame(file: BinaryIO) -> tuple[dict[str, Any], Arrays] | None:
    """Return the next message, None where whoever writes has ended."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    promised = _LENGTHS.unpack(lengths)
    head, body = (file.read(length) for length in promised)
    if (len(head), len(body)) != promised:  # it was ended in the middle of a message
        return None
    plain: dict[str, Any] = json.loads(head)
    return plain, arrays_in(bytearray(body)) if body else {}
