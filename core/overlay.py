"""A map laid over its photo, and the one scale that maps shown together share.

The viewer of the dashboard (`dashboard/viewer/viewer.js`) composes by the same rule, in the browser.
"""

import io
from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

FADE = 0.6
"""How much of the photo's colour gives way to grey under a full overlay, so that heat is the only colour."""

SMOOTH = 1 / 32
"""Of a map's side: how far it is smoothed before lines are drawn around its peaks, or noise would have its own."""

OPACITY, LINE = 0.75, 28
"""Of maps side by side: how much the heat covers, and the pixels that a name stands in."""


def colours() -> np.ndarray:
    """Return the colour map, (256, 3) uint8 RGB: inferno, whose brightness alone gives the order."""
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    return cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)[:, 0]


def shared_scale(maps: Iterable[np.ndarray]) -> float:
    """Return the relevance that is drawn brightest in all of these maps: their joint 99.5th percentile.

    Parameters
    ----------
    maps : iterable of ndarray
        Relevance of any shapes, signed or not; the size counts.

    Returns
    -------
    float
        > 0; or 0 where no map has any signal: all are zero everywhere, or there are none.
    """
    values = [np.abs(np.asarray(m, dtype=np.float64)).ravel() for m in maps]
    values = [v[np.isfinite(v)] for v in values]
    if not any(v.size for v in values):
        return 0.0
    joint = np.concatenate(values)
    scale = float(np.percentile(joint, 99.5))
    return scale if scale > 0 else float(joint.max())


def levels(relevance: np.ndarray, vmax: float) -> np.ndarray:
    """Return a map's size as uint8 levels of the colour map: 255 at `vmax` and above; all 0 where `vmax` is 0."""
    size = np.nan_to_num(np.abs(np.asarray(relevance, dtype=np.float64)), nan=0.0)
    if vmax <= 0:
        return np.zeros(size.shape, np.uint8)
    return np.rint(np.clip(size / vmax, 0, 1) * 255).astype(np.uint8)


def contours(relevance: np.ndarray, share: float) -> list[np.ndarray]:
    """Return the lines around the share of the picture that a map looks at hardest.

    Parameters
    ----------
    relevance : ndarray
        (h, w), signed or not; its size, smoothed by a Gaussian of `SMOOTH` of its width, is what counts.
    share : float
        Of the picture's area, between 0 and 1.

    Returns
    -------
    list of ndarray
        Closed lines, (n, 2) each: x and y as shares of the width and the height. None where the map is flat.
    """
    size = np.nan_to_num(np.abs(np.asarray(relevance, dtype=np.float64)), nan=0.0, posinf=0.0)
    smooth = cv2.GaussianBlur(size, (0, 0), SMOOTH * size.shape[1])
    edge = np.quantile(smooth, 1 - share)
    if smooth.max() - edge <= 1e-9 * smooth.max():
        return []
    # Around the picture lies nothing, so that a line ends at its border and is closed there.
    lines = find_contours(np.pad(smooth, 1), edge)
    extent = np.array(size.shape[::-1], dtype=np.float64)
    return [np.clip((line[:, ::-1] - 0.5) / extent, 0, 1) for line in lines]


def overlay(photo: np.ndarray, relevance: np.ndarray, opacity: float, vmax: float) -> np.ndarray:
    """Lay a map over its photo: the more relevance, the brighter and the less transparent.

    Parameters
    ----------
    photo : ndarray
        (H, W, 3) uint8 RGB.
    relevance : ndarray
        (h, w), enlarged smoothly to the photo's size; a signed map is drawn by its size.
    opacity : float
        0 is the photo alone, 1 the full overlay.
    vmax : float
        The relevance drawn brightest, from `shared_scale`; 0 where there is no signal.

    Returns
    -------
    ndarray
        (H, W, 3) uint8 RGB.

    Raises
    ------
    ValueError
        The photo or the map has another shape, or the opacity is not between 0 and 1.
    """
    photo, relevance = np.asarray(photo), np.asarray(relevance)
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or relevance.ndim != 2:
        raise ValueError(f"a photo is (H, W, 3) uint8 and a map (h, w), not {photo.shape} and {relevance.shape}")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is between 0 and 1, not {opacity}")
    level = levels(relevance, vmax)
    # Values are enlarged, never colours: between two colours of the map lies one that means something else.
    large = cv2.resize(level, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[:, :, None].astype(np.float64)
    base = photo + opacity * FADE * (grey - photo)
    cover = opacity * _cover(large)[:, :, None]
    return np.rint(base + cover * (colours()[large] - base)).astype(np.uint8)


def side_by_side(photo: np.ndarray, maps: Mapping[str, np.ndarray], columns: int = 4) -> bytes:
    """Return a PNG of many maps over one photo, named, all on one scale.

    Parameters
    ----------
    photo : ndarray
        (H, W, 3) uint8 RGB.
    maps : mapping
        What stands above a map, to the map (h, w); drawn in this order.
    columns : int
        Overlays in a row.
    """
    height, width = photo.shape[:2]
    scale, font = shared_scale(maps.values()), ImageFont.load_default(16)
    rows, columns = -(-len(maps) // columns), min(columns, len(maps))
    page = Image.new("RGB", (columns * width, rows * (height + LINE)), "white")
    draw = ImageDraw.Draw(page)
    for i, (name, relevance) in enumerate(maps.items()):
        left, top = i % columns * width, i // columns * (height + LINE)
        page.paste(Image.fromarray(overlay(photo, relevance, OPACITY, scale)), (left, top + LINE))
        draw.text((left + 6, top + 5), name, fill="black", font=font)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _cover(level: np.ndarray) -> np.ndarray:
    """Return how much of the photo a level of the map covers, 0 … 1: all of it from two thirds of the scale on."""
    return np.minimum(1, 1.5 * level / 255)
