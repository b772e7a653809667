"""Files made to take long, or much: each ends in one sentence, and takes nothing along."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import apart
from core.data.apart import open_apart
from core.data.photos import open_photo
from core.errors import UserError
from tests.hostile.bricks import encoded, picture, plain_webp

TOO_MUCH = r"^This file takes too (long|much memory|long or too much memory) to open"


def many_comments() -> bytes:
    """Return a JPEG with six million comments of no length, each read in turn."""
    return b"\xff\xd8" + b"\xff\xfe\x00\x02" * 6_000_000 + encoded(Image.new("RGB", (9, 9)), "JPEG")[2:]


def test_a_photo_is_what_it_is_when_opened_here() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    data = encoded(Image.fromarray(pixels), "PNG")
    found = open_apart(data, "This file", 50)
    assert np.array_equal(found, open_photo(data, longest=50))
    found[0] = 0  # it may be written to


def test_what_is_no_photo_is_the_same_sentence() -> None:
    for data in (b"", b"no image"):
        with pytest.raises(UserError) as here:
            open_photo(data, name="Ünïcode")
        with pytest.raises(UserError) as there:
            open_apart(data, "Ünïcode", 50)
        assert str(here.value) == str(there.value)


def test_what_may_be_for_want_of_memory_is_not_called_damaged_alone() -> None:
    """A decoder that gets no memory may say no more than that it failed: WebP's does."""
    for data in (plain_webp(7000), encoded(picture(), "PNG")[:200]):
        with pytest.raises(UserError, match="it is damaged, or takes more memory than a photo may"):
            open_apart(data, "This file", 50)


def test_the_process_that_opens_a_photo_can_write_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    code = f"from core.data import apart; apart._bound(); open({str(path)!r}, 'wb', 0).write(b'photo')"
    done = subprocess.run([sys.executable, "-c", code], cwd=apart.ROOT, capture_output=True, text=True)
    assert "File too large" in done.stderr
    assert path.read_bytes() == b""


def test_what_takes_too_much_is_one_sentence() -> None:
    data = many_comments()
    assert len(data) < 25_000_000
    with pytest.raises(UserError, match=TOO_MUCH):
        open_apart(data, "This file", 2000)


def test_a_machine_that_stands_still_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 0.0)
    with pytest.raises(UserError, match=TOO_MUCH):
        open_apart(encoded(Image.new("RGB", (9, 9)), "PNG"), "This file", 50)
