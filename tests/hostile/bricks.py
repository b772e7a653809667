"""What hostile photos are put together from."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return an image as Pillow writes it."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Return a picture of coarse random squares: 60 × 40 unless said otherwise."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST).convert(mode)


def zeros(count: int) -> bytes:
    """Return the zlib stream of so many zero bytes, put together without ever having them all."""
    block = 1 << 20
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = squeeze.compress(bytes(block)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    last = squeeze.compress(bytes(count % block)) + squeeze.flush()
    return b"\x78\xda" + one * (count // block) + last + struct.pack(">I", (count % 65521) << 16 | 1)


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


END = chunk(b"IEND")


def header(width: int, height: int, bits: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    """Return the first chunk of a PNG; colour 0 is grey, 2 RGB, 3 a palette, 4 grey and 6 RGB with transparency."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))


def blank_png(
    width: int, height: int, bits: int = 8, colour: int = 2, interlaced: int = 0, extra: bytes = b""
) -> bytes:
    """Return a black PNG, packed as tightly as there is; `extra` chunks come before its pixels."""
    row = (width * bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] + 7) // 8 + 1
    rows = height * row + (16 * height if interlaced else 0)
    palette = chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
    return PNG + header(width, height, bits, colour, interlaced) + palette + extra + chunk(b"IDAT", zeros(rows)) + END


def png(*extra: bytes) -> bytes:
    """Return the picture as a PNG with further chunks before its pixels."""
    whole = encoded(picture(), "PNG")
    return whole[:33] + b"".join(extra) + whole[33:]


def marker(code: int, content: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def jpeg(*extra: bytes, **options: object) -> bytes:
    """Return the picture as a JPEG with further segments in front."""
    whole = encoded(picture(), "JPEG", **{"quality": 95, **options})
    return whole[:2] + b"".join(extra) + whole[2:]


def exif(orientation: object, kind: int = 3, count: int = 1) -> bytes:
    """Return EXIF data that says how a photo is to be turned, or says it wrongly."""
    value = struct.pack("<HH", orientation, 0) if isinstance(orientation, int) else orientation
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHI", 0x0112, kind, count) + value + bytes(4)


def webp(*chunks: tuple[bytes, bytes], flags: int = 0) -> bytes:
    """Return the picture as an extended WebP with further chunks."""
    image = encoded(picture(), "WEBP", lossless=True)[12:]
    canvas = struct.pack("<I", flags) + (59).to_bytes(3, "little") + (39).to_bytes(3, "little")
    body = b"".join(
        name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in [(b"VP8X", canvas), *chunks]
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body) + len(image)) + b"WEBP" + body + image


def tiff(*tags: tuple[int, int, int, int], data: bytes = b"", after: int = 0, count: int | None = None) -> bytes:
    """Return a TIFF of one directory of (tag, type, count, value), followed by `data`, whose place is `place(tags)`."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return (
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", len(tags) if count is None else count)
        + entries
        + struct.pack("<I", after)
        + data
    )


def blank_tiff(width: int, height: int, data: bytes, packing: int, samples: int = 3, bits: int = 8) -> bytes:
    """Return a TIFF of one strip."""
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, packing),
        (262, 3, 1, 2 if samples > 1 else 1),
        (273, 4, 1, 0),
        (277, 3, 1, samples),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
    ]
    place = 14 + 12 * len(tags)
    if samples > 1:  # one number of bits for each does not fit into the directory
        tags[2] = (258, 3, samples, place)
        data = struct.pack("<H", bits) * samples + data
    tags[5] = (273, 4, 1, place + (2 * samples if samples > 1 else 0))
    return tiff(*tags, data=data)


def gif(
    width: int, height: int, frames: int = 1, data: bytes = b"\x02\x02\x44\x01\0", own: tuple[int, int] = (1, 1)
) -> bytes:
    """Return a GIF with a screen of one size and frames of another."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, *own, 0) + data
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b";"


def bmp(width: int, height: int, bits: int = 24, packing: int = 0, data: bytes = bytes(64)) -> bytes:
    """Return a BMP that declares what is given."""
    palette = bytes(1024) if bits == 8 else b""
    size = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(palette) + len(data), 0, 0, 54 + len(palette)) + size + palette + data


def noise(count: int) -> bytes:
    """Return random bytes, the same every time."""
    return np.random.default_rng(5).bytes(count)


def frames(kind: str, count: int = 3) -> bytes:
    """Return an animation."""
    first, *others = [picture().rotate(90 * turn) for turn in range(count)]
    return encoded(first, kind, save_all=True, append_images=others, duration=20)


def cmyk_without_adobe() -> bytes:
    """Return a CMYK JPEG that says nothing of being one."""
    whole = encoded(picture(mode="CMYK"), "JPEG", quality=95)
    start = whole.index(b"\xff\xee")
    return whole[:start] + whole[start + 2 + int.from_bytes(whole[start + 2 : start + 4], "big") :]


def zipped(files: dict[str, bytes]) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def cut(kind: str, share: float) -> bytes:
    """Return the first part of a file, of a picture that cannot be packed."""
    data = encoded(Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)), kind)
    return data[: int(share * len(data))]


def spoilt(kind: str) -> bytes:
    """Return a file with a tenth of it overwritten, in the middle."""
    data = encoded(picture(200, 200), kind)
    tenth = len(data) // 10
    return data[: len(data) // 2] + noise(tenth) + data[len(data) // 2 + tenth :]


def jpeg_of(width: int, height: int) -> bytes:
    """Return a JPEG that declares another size than it has."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def plain_webp(side: int) -> bytes:
    """Return a WebP of one colour: nothing is kept for a pixel, so that it is 34 bytes whatever its size."""
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9  # past the length and a byte that is always the same: two times 14 bits, and 4 more
    bits = int.from_bytes(data[at : at + 4], "little") >> 28 << 28 | (side - 1) << 14 | (side - 1)
    data[at : at + 4] = bits.to_bytes(4, "little")
    return bytes(data)


def many_passes() -> bytes:
    """Return a JPEG of 12 megapixels whose last pass over the picture comes again and again."""
    one = encoded(Image.new("RGB", (4000, 3000), (90, 90, 90)), "JPEG", progressive=True)
    return one[:-2] + one[one.rindex(b"\xff\xda") : -2] * 5000 + one[-2:]


def many_tags(count: int) -> bytes:
    """Return EXIF data of many tags, each with a text from the same place."""
    tags = b"".join(struct.pack("<HHII", tag, 2, 1_000, 8) for tag in range(count))
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", count) + tags + bytes(4)


def tiff_loop() -> bytes:
    """Return a TIFF whose next page is itself."""
    data = bytearray(blank_tiff(9, 9, bytes(243), 1))
    at = 10 + 12 * 9
    data[at : at + 4] = struct.pack("<I", 8)
    return bytes(data)
