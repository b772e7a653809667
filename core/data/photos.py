"""Photos from anywhere, opened safely, and the one geometry by which pixels, points and masks are cropped.

Coordinates are continuous: x to the right, y down, pixel i covers [i, i + 1), so its centre is at i + 0.5.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from core.errors import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_BYTES = 25_000_000
MAX_PIXELS = 50_000_000
MARGIN = 0.1
BICUBIC, NEAREST = Image.Resampling.BICUBIC, Image.Resampling.NEAREST


class DamagedError(UserError):
    """The file is an image, but not a whole one; or its decoder failed for want of memory, and did not say so."""


def open_photo(
    source: Path | bytes | BinaryIO, *, name: str = "", upright: bool = True, longest: int | None = None
) -> np.ndarray:
    """Decode one image file, whatever its colours: the first frame, transparency composited on white.

    Bytes and pixels are counted before anything is decoded, and only `FORMATS` are tried.

    Parameters
    ----------
    source : Path, bytes or binary file
        The encoded image. A file object is read from its start.
    name : str
        What errors call the image; by default its path.
    upright : bool
        Turn the image as its EXIF orientation says. False where annotations refer to the pixels as stored.
    longest : int, optional
        Shrink the longer side to this many pixels before anything else is done with it, to bound memory.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) uint8 RGB.

    Raises
    ------
    UserError
        No such file, empty, too large, of another kind, or damaged: one sentence that names the file.
    """
    name = name or (str(source) if isinstance(source, Path) else "the image")
    data = _bytes(source, name)
    if not data:
        raise UserError(f"{name} is empty.")
    if len(data) > MAX_BYTES:
        raise UserError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB, the most that is opened.")
    too_many = UserError(f"{name} is larger than {MAX_PIXELS // 1_000_000} megapixels, the most that is opened.")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise too_many
            if longest is not None:
                # Pillow cannot average 16-bit pixels. Without a gap, a JPEG is decoded no larger than it must be.
                way = NEAREST if image.mode.startswith("I") else BICUBIC
                image.thumbnail((longest, longest), way, reducing_gap=1)
            return _rgb(image, name, upright)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many from None
    except MemoryError:
        raise UserError(f"{name} takes too much memory to open; save it anew, or smaller.") from None
    except Image.UnidentifiedImageError:
        raise UserError(f"{name} is not an image that can be opened (JPEG, PNG, WebP, BMP, GIF or TIFF).") from None
    except Exception:  # Pillow's decoders raise almost anything on damaged bytes
        raise DamagedError(f"{name} is damaged: it starts as an image but cannot be read to its end.") from None


def _bytes(source: Path | bytes | BinaryIO, name: str) -> bytes:
    if isinstance(source, bytes):
        return source
    if not isinstance(source, Path):
        if source.seekable():
            source.seek(0)
        return source.read(MAX_BYTES + 1)
    try:
        with source.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"There is no file {name}.") from None
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}.") from None


def _rgb(image: Image.Image, name: str, upright: bool) -> np.ndarray:
    image.load()
    # Older Pillows open a 16-bit PNG as "I".
    wide = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    if image.mode in ("I", "F") and not wide:
        raise UserError(f"{name} holds 32-bit values, which have no agreed brightness; save it with 8 or 16 bits.")
    if upright:
        image = _turned(image)
    if wide:
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.array(image.convert("RGB"))


def _turned(image: Image.Image) -> Image.Image:
    """Turn an image as its EXIF says; where that is damaged, the image is as it is stored."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # as of the decoders
        return image


@dataclass(frozen=True)
class Window:
    """A square of an image, in whole pixels; it may reach beyond the image."""

    left: int
    top: int
    side: int


def centred(shape: tuple[int, ...]) -> Window:
    """Return the largest square in the middle of an image of this shape (H, W, …)."""
    height, width = shape[:2]
    side = min(height, width)
    return Window((width - side) // 2, (height - side) // 2, side)


def around(box: np.ndarray, shape: tuple[int, ...]) -> Window:
    """Return the square around an object: its longer side plus `MARGIN` on both ends.

    The margin gives way where the image has no room for it, and the square moves inside the image rather than reach
    beyond. Only a box longer than the image's shorter side leaves something to pad.

    Parameters
    ----------
    box : numpy.ndarray
        (4,) left, top, width, height in pixels, inside the image.
    shape : tuple of int
        (H, W, …) of the image.
    """
    x, y, width, height = (float(v) for v in box)
    longer = int(np.ceil(max(width, height)))
    side = max(longer, min(round(longer * (1 + 2 * MARGIN)), *shape[:2]))
    return Window(_placed(x + width / 2, side, shape[1]), _placed(y + height / 2, side, shape[0]), side)


def _placed(centre: float, side: int, extent: int) -> int:
    if side > extent:
        return -((side - extent) // 2)
    return min(max(round(centre - side / 2), 0), extent - side)


def crop_image(image: np.ndarray, window: Window, size: int) -> np.ndarray:
    """Cut a window out of an image and resize it, antialiased; what lies beyond is the image's mean colour.

    A mirrored or repeated edge would show parts of the object outside their masks; a plain colour shows nothing.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W, 3) uint8.
    window : Window
        What to cut out.
    size : int
        Pixels a side of the result.

    Returns
    -------
    numpy.ndarray
        (size, size, 3) uint8.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = window.left, window.top, window.left + window.side, window.top + window.side
    cut = image[max(top, 0) : bottom, max(left, 0) : right]
    if cut.shape[:2] != (window.side, window.side):
        mean = image.mean(axis=(0, 1)).round().astype(np.uint8)
        square = np.tile(mean, (window.side, window.side, 1))
        square[max(-top, 0) : height - top, max(-left, 0) : width - left] = cut
        cut = square
    return np.array(Image.fromarray(cut).resize((size, size), Image.Resampling.BILINEAR))


def crop_labels(labels: np.ndarray, window: Window, size: int) -> np.ndarray:
    """Cut the same window out of a label map: the nearest pixel's label, 0 beyond the image.

    Parameters
    ----------
    labels : numpy.ndarray
        (H, W) of any integer type.
    window : Window
        What to cut out.
    size : int
        Pixels a side of the result.

    Returns
    -------
    numpy.ndarray
        (size, size) of the same type.
    """
    height, width = labels.shape
    steps = np.floor((np.arange(size) + 0.5) * window.side / size).astype(int)
    rows, columns = steps + window.top, steps + window.left
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    return np.where(inside, labels[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)[None, :]], 0).astype(
        labels.dtype
    )


def crop_points(points: np.ndarray, window: Window, size: int) -> np.ndarray:
    """Move points (…, 2) of x, y from the image to the crop of `crop_image`, in its pixels."""
    return (np.asarray(points, dtype=float) - (window.left, window.top)) * (size / window.side)


def square(image: np.ndarray, size: int) -> np.ndarray:
    """Return the middle square of an image (H, W, 3) as (size, size, 3): no padding, no stretching."""
    return crop_image(image, centred(image.shape), size)
