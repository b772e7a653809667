"""Masks as COCO's files write them: polygons and run lengths, each decoded to the pixels that it covers.

Written here rather than taken from pycocotools, which trusts the run lengths that it is given (it is C, and writes
where they say), or from OpenCV, whose `fillPoly` also draws the outline: a square of 2 × 2 pixels comes out as 3 × 3.
"""

from collections.abc import Sequence

import numpy as np

Shape = tuple[int, int]
"""Height and width."""
_FARTHEST = 1e6
"""Pixels beyond which a coordinate is damage, and would not be exact either."""
_LONGEST = 60
"""Bits of a run length; more is damage, and would be slow to add up."""


class MaskError(ValueError):
    """A mask that cannot be decoded; the message completes "the mask … ", in plain words."""


def corners(numbers: Sequence[float], shape: Shape) -> np.ndarray:
    """Return a polygon's corners, (K, 2) float32, from COCO's flat list of x and y in turn.

    Raises
    ------
    MaskError
        Fewer than three corners, an odd number of coordinates, one that is no number, or all of it outside the image.
    """
    try:
        points = np.asarray(numbers, np.float64).reshape(-1, 2)
    except (ValueError, TypeError, OverflowError):
        raise MaskError("is a polygon of an odd number of coordinates, or of something else than numbers") from None
    if len(points) < 3 or not np.isfinite(points).all():
        raise MaskError("is a polygon without three corners")
    low, high = points.min(axis=0), points.max(axis=0)
    height, width = shape
    if (high < 0).any() or (low > (width, height)).any() or max(-low.min(), high.max()) > _FARTHEST:
        raise MaskError(f"lies outside the image ({width}×{height} pixels)")
    return points.astype(np.float32)


def polygon_mask(points: np.ndarray, shape: Shape) -> np.ndarray:
    """Return the pixels whose centres lie inside a polygon, by the even-odd rule: (K, 2) x and y -> (H, W) bool.

    Pixel i covers [i, i + 1), its centre is at i + 0.5. Corners may lie beyond the image.
    """
    points = np.asarray(points, np.float64)
    size = shape[1], shape[0]
    left, top = np.clip(np.floor(points.min(axis=0)), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0)), 0, size).astype(int)
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = _inside(points - (left, top), (bottom - top, right - left))
    return mask


def _inside(points: np.ndarray, shape: Shape) -> np.ndarray:
    """Cross each row of pixel centres with all edges: a pixel is inside after an odd number of crossings."""
    height, width = shape
    (x, y), (to_x, to_y) = points.T, np.roll(points, -1, axis=0).T
    centres = np.arange(height)[:, None] + 0.5
    rows, edges = np.nonzero((y <= centres) != (to_y <= centres))
    slope = (to_x[edges] - x[edges]) / (to_y[edges] - y[edges])
    crossing = x[edges] + (rows + 0.5 - y[edges]) * slope
    first = np.clip(np.ceil(crossing - 0.5), 0, width).astype(int)  # the first centre to the right of it
    toggles = np.bincount(rows * (width + 1) + first, minlength=height * (width + 1)).reshape(height, width + 1)
    return np.cumsum(toggles[:, :width], axis=1, dtype=np.uint8) % 2 == 1


def rle_mask(counts: str | Sequence[int], shape: Shape) -> np.ndarray:
    """Return the pixels of COCO's run-length encoding: runs of 0 and 1 in turn, down the columns.

    Parameters
    ----------
    counts : str or sequence of int
        Compressed as COCO's tools write it, or the run lengths themselves.
    shape : tuple of int
        (H, W) of the mask.

    Returns
    -------
    numpy.ndarray
        (H, W) bool.

    Raises
    ------
    MaskError
        Run lengths that cannot be read, are negative or do not add up to H·W.
    """
    runs = _run_lengths(counts) if isinstance(counts, str) else list(counts)
    # A bool is an int to Python, not to JSON.
    if not all(type(run) is int and run >= 0 for run in runs):
        raise MaskError("has run lengths that are not whole numbers from 0")
    height, width = shape
    if sum(runs) != height * width:
        raise MaskError(f"covers {sum(runs)} pixels, not the {width}×{height} of the image")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def _run_lengths(text: str) -> list[int]:
    """Read COCO's compressed counts: numbers of five bits a character, from the third on as differences."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > _LONGEST:
            raise MaskError("has run lengths that cannot be read")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise MaskError("has run lengths that break off")
    return runs
