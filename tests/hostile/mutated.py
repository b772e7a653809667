"""Valid photos with something changed, for a search of what breaks their reader."""

from hypothesis import strategies as some

from tests.hostile.bricks import encoded, exif, frames, jpeg, marker, picture, png, webp
from tests.hostile.photos import KINDS

VALID = [
    *(encoded(picture(), kind) for kind in KINDS),
    encoded(picture(), "JPEG", progressive=True),
    encoded(picture(mode="CMYK"), "JPEG"),
    encoded(picture(mode="P"), "PNG", transparency=3),
    *(encoded(picture(), "TIFF", compression=way) for way in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg")),
    *(frames(kind) for kind in ("GIF", "WEBP", "PNG")),
    jpeg(marker(0xE1, exif(6))),
    png(),
    webp((b"EXIF", exif(8)[6:]), flags=8),
]
EXTREMES = [
    value.to_bytes(4, order) for value in (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1) for order in ("big", "little")
]
PIECES = some.sampled_from(EXTREMES) | some.binary(min_size=1, max_size=8)


@some.composite
def files(draw: some.DrawFn) -> bytes:
    """Return bytes that began as a valid file: overwritten, cut, repeated or joined with another in a few places."""
    data = draw(some.sampled_from(VALID))
    for _ in range(draw(some.integers(1, 4))):
        # Most of what a decoder believes is near the start.
        at = draw(some.integers(0, 99) | some.integers(0, len(data)))
        match draw(some.sampled_from(["overwrite", "insert", "remove", "repeat", "join"])):
            case "overwrite":
                piece = draw(PIECES)
                data = data[:at] + piece + data[at + len(piece) :]
            case "insert":
                data = data[:at] + draw(PIECES) + data[at:]
            case "remove":
                data = data[:at] + data[at + draw(some.integers(1, 60)) :]
            case "repeat":
                data = data[:at] + data[at : at + 200] * draw(some.integers(2, 50)) + data[at:]
            case "join":
                data = data[:at] + draw(some.sampled_from(VALID))[at:]
    return data
