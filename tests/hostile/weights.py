"""Files that somebody may bring in as a network's weights, and that must end in one sentence."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Mapping

import torch

from tests.hostile.bricks import encoded, noise, picture


def written(what: object, **options: object) -> bytes:
    """Return what torch writes."""
    buffer = io.BytesIO()
    torch.save(what, buffer, **options)
    return buffer.getvalue()


def archive(code: bytes, packing: int = zipfile.ZIP_STORED, **files: bytes) -> bytes:
    """Return an archive as torch writes them, around a pickle of one's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as file:
        for name, content in {"data.pkl": code, "version": b"3\n", "byteorder": b"little", **files}.items():
            file.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def safetensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a .safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(kind: str, shape: list[int], end: int) -> dict[str, object]:
    """Return how a header of safetensors declares a tensor from the first byte on."""
    return {"dtype": kind, "shape": shape, "data_offsets": [0, end]}


def called(function: str, *given: int) -> bytes:
    """Return a pickle that calls a function with whole numbers."""
    numbers = b"".join(b"\x8a\x08" + number.to_bytes(8, "little") for number in given)
    return b"\x80\x02c" + function.encode() + b"\n(" + numbers + b"tR."


def nested_key(levels: int) -> bytes:
    """Return a pickle of a dict whose key holds itself twice, and so on: to hash it takes 2 to the `levels` steps."""
    pairs = b"".join(b"h%ch%c\x86q%c" % (at, at, at + 1) for at in range(levels))
    return b"\x80\x02]q\xc8(K\x01\x85q\0" + pairs + b"e}h%cK\x01s." % levels


class Runs:
    """Unpickled, it would end the tests."""

    def __reduce__(self) -> tuple:
        return exec, ("import os; os._exit(88)",)


def torchs(good: Mapping[str, torch.Tensor]) -> dict[str, bytes]:
    """Return files that end in .pth, made from a network that fits, by what is wrong with them."""
    name = "fc.weight"
    right = good[name]

    def instead(value: object) -> bytes:
        return written({**good, name: value})

    legacy = written(dict(good), _use_new_zipfile_serialization=False)
    at = legacy.rindex(struct.pack("<q", right.numel()))
    whole = written(dict(good))
    with zipfile.ZipFile(io.BytesIO(written({"x": torch.zeros(7)}))) as small:
        code = small.read("archive/data.pkl")
    sized = code.replace(b"K\x07tq", b"\x8a\x05" + (2**33).to_bytes(5, "little") + b"tq", 1)
    return {
        "nothing": b"",
        "photo": encoded(picture(), "JPEG"),
        "noise": noise(10_000),
        "text": b"weights, honestly",
        "archive of something else": archive(b"", photo=b"x"),
        "pickle that runs": pickle.dumps(Runs()),
        "archive that runs": archive(pickle.dumps(Runs(), 2)),
        "whole network": written(torch.nn.Linear(2, 2)),
        "list": written([1, 2]),
        "number": written(3),
        "names that are none": written({1: right}),
        "values that are none": written({name: 3}),
        "cut": whole[:-3000],
        "cut in half": whole[: len(whole) // 2],
        "packed 1,000 times": archive(bytes(5_000_000), zipfile.ZIP_DEFLATED),
        "100,000 nested lists": archive(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
        "key that takes long to hash": archive(nested_key(18)),
        "2 GB from 100 bytes": archive(called("__builtin__\nbytearray", 2**31)),
        "2 GB of floats": archive(called("torch\nFloatTensor", 2**29)),
        "text of 4 GB": archive(b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"."),
        "number of 2 GB": archive(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"."),
        "storage larger than its file": archive(sized, **{"data/0": bytes(28)}),
        "old form with a petabyte": legacy[:at] + struct.pack("<q", 2**50) + legacy[at + 8 :],
        "old form with less than nothing": legacy[:at] + struct.pack("<q", -1) + legacy[at + 8 :],
        "petabytes of one number": instead(torch.zeros(()).expand(2**30, 2**20)),
        "no numbers at all": instead(right.to("meta")),
        "sparse": instead(right.to_sparse()),
        "quantised": instead(torch.quantize_per_tensor(right, 0.1, 0, torch.qint8)),
        "nested": instead(torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])),
        "complex": instead(right.to(torch.complex64)),
        "whole numbers": instead(right.long()),
        "yes and no": instead(right > 0),
        "another shape": instead(right[:, :-1]),
        "1,000 dimensions": instead(torch.zeros([1] * 1000)),
        "infinite": instead(right / 0),
        "undefined": instead(right * torch.nan),
        "infinite in half precision": instead(torch.full_like(right, 1e6)),
        "beyond single precision": instead(torch.full_like(right, 1e300, dtype=torch.float64)),
        "name of 100,000 letters that moves the cursor": written({**good, "\x1b[2J\n<script>" + "x" * 100_000: right}),
    }


def safetensorses() -> dict[str, bytes]:
    """Return files that end in .safetensors, by what is wrong with them."""
    return {
        "nothing": b"",
        "noise": noise(10_000),
        "photo": encoded(picture(), "PNG"),
        "header of eight exabytes": safetensors(b"{}", length=2**63),
        "header of 99 MB that is not there": safetensors(b"{}", length=99_000_000),
        "empty header": safetensors(b""),
        "no tensor": safetensors({}),
        "header that is a list": safetensors([1]),
        "100,000 nested lists": safetensors(b'{"x":' + b"[" * 100_000),
        "petabytes": safetensors({"x": tensor("F32", [2**50], 2**52)}),
        "product beyond 64 bits": safetensors({"x": tensor("F32", [2**32, 2**32], 0)}),
        "nothing times much": safetensors({"x": tensor("F32", [0, 2**62], 0)}),
        "less than nothing": safetensors({"x": tensor("F32", [-1], 4)}, bytes(4)),
        "two tensors in one place": safetensors({"x": tensor("U8", [8], 8), "y": tensor("U8", [8], 8)}, bytes(8)),
        "unknown numbers": safetensors({"x": tensor("F1", [8], 8)}, bytes(8)),
        "numbers beyond the end": safetensors({"x": tensor("U8", [8], 8)}, bytes(4)),
        "numbers that nobody names": safetensors({"x": tensor("U8", [4], 4)}, bytes(8)),
        "10,000 names": safetensors({f"k{number}": tensor("F32", [0], 0) for number in range(10_000)}),
    }
