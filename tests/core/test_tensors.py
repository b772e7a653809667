import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as their_arrays
from safetensors.numpy import save
from safetensors.torch import load as their_tensors
from safetensors.torch import save as save_tensors

from core.tensors import NUMBERS, arrays_in, entries, read_whole
from core.weights import KINDS, tensors_in

ROOT = Path(__file__).parents[2]
SHAPES = [(), (0,), (3,), (2, 0, 4), (2, 3, 4)]


def test_arrays_are_those_that_the_library_reads() -> None:
    rng = np.random.default_rng(0)
    given = {
        f"{name} {shape}": rng.integers(0, 2, shape).astype(kind) for name, kind in NUMBERS.items() for shape in SHAPES
    }
    content = save(given, {"said": "so"})
    found, theirs = arrays_in(bytearray(content)), their_arrays(content)
    assert found.keys() == theirs.keys() == given.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, theirs[name], strict=True)
        assert array.flags.writeable
    assert entries(content)[1] == {"said": "so"}


def test_tensors_are_those_that_the_library_reads() -> None:
    given = {f"{name} {shape}": torch.ones(shape).to(kind) for name, kind in KINDS.items() for shape in SHAPES}
    content = save_tensors(given, {"said": "so"})
    (found, said), theirs = tensors_in(bytearray(content)), their_tensors(content)
    assert said == {"said": "so"}
    assert found.keys() == theirs.keys() == given.keys()
    for name, tensor in found.items():
        assert (tensor.dtype, tensor.shape) == (theirs[name].dtype, theirs[name].shape)
        assert tensor.reshape(-1).view(torch.uint8).tolist() == theirs[name].reshape(-1).view(torch.uint8).tolist()


def written(header: Any, tail: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tail


def one(**other: Any) -> bytes:
    return written({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **other}})


WRONG = {
    "nothing": b"",
    "cut in its length": b"\0\0",
    "a header beyond its end": (1 << 40).to_bytes(8, "little") + b"{}",
    "no JSON": written(b"{"),
    "no text": written(b"\xff\xfe"),
    "deep": written(b"[" * 100_000),
    "a list": written([]),
    "a number as a tensor": written({"a": 1}),
    "metadata that is no text": written({"__metadata__": {"a": 1}}, b""),
    "one that ends too early": one(data_offsets=[0, 4]),
    "one that starts too late": one(data_offsets=[4, 8]),
    "one that ends beyond": one(data_offsets=[0, 12]),
    "one that ends before it starts": one(data_offsets=[8, 0]),
    "places that are none": one(data_offsets=["0", "8"]),
    "three places": one(data_offsets=[0, 4, 8]),
    "another size": one(shape=[3]),
    "a negative size": one(shape=[-2]),
    "half a size": one(shape=[2.0]),
    "no list of sizes": one(shape="2"),
    "sizes beyond counting": one(shape=[0, 1 << 62, 1 << 62], data_offsets=[0, 0]),
    "no type": one(dtype="F31"),
    "a type that is no text": one(dtype=4),
    "a gap": written(
        {n: {"dtype": "F32", "shape": [1], "data_offsets": [i, i + 4]} for n, i in (("a", 0), ("b", 8))}, bytes(12)
    ),
    "one above the other": written({n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}, bytes(4)),
    "more than it says": one() + b"more",
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("read", [arrays_in, tensors_in])
def test_bytes_that_are_not_whole_are_refused_where_the_library_refuses_them(what: str, read: Callable) -> None:
    with pytest.raises(ValueError, match=r"its |it |decode|Expecting"):
        read(bytearray(WRONG[what]))
    with pytest.raises(SafetensorError):
        their_arrays(WRONG[what])


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1234567")
    assert read_whole(path) == b"1234567"
    path.write_bytes(b"")
    assert read_whole(path) == b""
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "b")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
@pytest.mark.parametrize("megabytes", [1, 40, 100])
def test_memory_that_ends_while_arrays_are_read_is_no_damage(megabytes: int, tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    path.write_bytes(save({f"{i}": np.ones(5_000_000, np.float32) for i in range(8)}))
    code = f"""
from pathlib import Path
from core.bounded import bounded
from core.store import read_arrays
try:
    with bounded({megabytes}_000_000):  # the library would panic at the last of them
        read_arrays(Path({str(path)!r}))
except MemoryError:
    print("told")
"""
    # In a process of its own: what others have freed in this one is there for the asking, whatever the bound.
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "told\n"
