"""Files made to take long, or much: each ends in one sentence, and takes nothing along."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from core.data import apart
from core.data.apart import open_apart
from core.data.photos import open_photo
from core.errors import UserError

TOO_MUCH = r"^This file takes too (long|much memory|long or too much memory) to open"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def many_scans() -> bytes:
    """Return a JPEG of 12 megapixels whose last pass over the picture comes again and again."""
    one = encoded(Image.new("RGB", (4000, 3000), (90, 90, 90)), "JPEG", progressive=True)
    last = one[one.rindex(b"\xff\xda") : -2]
    return one[:-2] + last * 5000 + one[-2:]


def many_comments() -> bytes:
    """Return a JPEG with six million comments of no length, each read in turn."""
    return b"\xff\xd8" + b"\xff\xfe\x00\x02" * 6_000_000 + encoded(Image.new("RGB", (9, 9)), "JPEG")[2:]


def many_pixels(side: int = 7000) -> bytes:
    """Return a small PNG of 49 megapixels with transparency, which take 4 bytes each, twice."""
    squeeze, row = zlib.compressobj(1), bytes(1 + 4 * side)
    rows = b"".join([*(squeeze.compress(row) for _ in range(side)), squeeze.flush()])
    chunks = {b"IHDR": struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0), b"IDAT": rows, b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )


def test_a_photo_is_what_it_is_when_opened_here() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    data = encoded(Image.fromarray(pixels), "PNG")
    found = open_apart(data, "This file", 50)
    assert np.array_equal(found, open_photo(data, longest=50))
    found[0] = 0  # it may be written to


def test_what_is_no_photo_is_the_same_sentence() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8))
    for data in (b"", b"no image", encoded(noise, "PNG")[:2000]):
        with pytest.raises(UserError) as here:
            open_photo(data, name="Ünïcode")
        with pytest.raises(UserError) as there:
            open_apart(data, "Ünïcode", 50)
        assert str(here.value) == str(there.value)


@pytest.mark.parametrize("made", [many_scans, many_comments, many_pixels])
def test_what_takes_too_much_is_one_sentence(made) -> None:
    data = made()
    assert len(data) < 25_000_000
    with pytest.raises(UserError, match=TOO_MUCH):
        open_apart(data, "This file", 2000)


def test_a_machine_that_stands_still_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 0.0)
    with pytest.raises(UserError, match=TOO_MUCH):
        open_apart(encoded(Image.new("RGB", (9, 9)), "PNG"), "This file", 50)
