"""Part maps where nobody drew masks: regions around annotated points, grids and superpixels."""

import numpy as np

MAX_PARTS = 255


def point_regions(
    points: np.ndarray, visible: np.ndarray, box: np.ndarray, radius: float, shape: tuple[int, int]
) -> np.ndarray:
    """Give every pixel of an object to its nearest visible point, if that is near enough.

    Parameters
    ----------
    points : numpy.ndarray
        (P, 2) x and y in pixels; pixel i has its centre at i + 0.5. May lie outside the image.
    visible : numpy.ndarray
        (P,) bool; an invisible point has no region and takes nothing from the others.
    box : numpy.ndarray
        (4,) left, top, width, height of the object, in pixels. May reach beyond the image.
    radius : float
        How far a region reaches, as a share of the box's longer side.
    shape : tuple of int
        (H, W) of the map.

    Returns
    -------
    numpy.ndarray
        (H, W) uint8: 0 no part, p + 1 the part of point p. Disjoint; of two equally near points, the first.
    """
    left, top, width, height = (float(v) for v in box)
    x = np.arange(shape[1]) + 0.5
    y = np.arange(shape[0]) + 0.5
    part_map = np.zeros(shape, np.uint8)
    nearest = np.full(shape, (radius * max(width, height)) ** 2)
    inside = ((y >= top) & (y < top + height))[:, None] & ((x >= left) & (x < left + width))[None, :]
    # Backwards, and taking what is equally near, the first of two points wins and the rim of a disc belongs to it.
    for part in reversed(np.flatnonzero(visible)):
        distance = (y[:, None] - points[part, 1]) ** 2 + (x[None, :] - points[part, 0]) ** 2
        taken = inside & (distance <= nearest)
        part_map[taken] = part + 1
        nearest[taken] = distance[taken]
    return part_map


def grid(shape: tuple[int, int], squares: int) -> np.ndarray:
    """Cut an image into a grid of equal rectangles, whatever it shows.

    Parameters
    ----------
    shape : tuple of int
        (H, W) of the image.
    squares : int
        Rectangles a side, 1 … 15; sides differ by a pixel where the image's do not divide.

    Returns
    -------
    numpy.ndarray
        (H, W) uint8, 1 … squares², row by row.
    """
    if not 1 <= squares**2 <= MAX_PARTS:
        raise ValueError(f"squares must be 1 … {int(MAX_PARTS**0.5)}, not {squares}")
    rows, columns = (np.arange(length) * squares // length for length in shape)
    return (rows[:, None] * squares + columns[None, :] + 1).astype(np.uint8)


def superpixels(image: np.ndarray, segments: int) -> np.ndarray:
    """Cut an image into connected regions of similar colour (SLIC, Achanta et al. 2012; scikit-image).

    Parameters
    ----------
    image : numpy.ndarray
        (H, W, 3) uint8 RGB.
    segments : int
        The most regions wanted, 1 … 255; SLIC usually finds a few less.

    Returns
    -------
    numpy.ndarray
        (H, W) uint8, every label of 1 … n in use, n ≤ segments. The same for the same image.
    """
    if not 1 <= segments <= MAX_PARTS:
        raise ValueError(f"segments must be 1 … {MAX_PARTS}, not {segments}")
    from skimage.segmentation import slic  # takes half a second, and only folders of photos need it

    # Rounder and smaller pieces than by default (10, 0.5), which leave a third fewer regions than asked for.
    labels = slic(image, segments, compactness=20, min_size_factor=0.25, start_label=0, channel_axis=-1)
    found = len(np.unique(labels))
    for _ in range(found - segments):  # SLIC takes the number as a hint
        labels = _without_smallest(labels)
    _, labels = np.unique(labels, return_inverse=True)
    return (labels.reshape(image.shape[:2]) + 1).astype(np.uint8)


def _without_smallest(labels: np.ndarray) -> np.ndarray:
    """Give the smallest region to the neighbour it shares the longest border with."""
    present, sizes = np.unique(labels, return_counts=True)
    smallest = labels == present[sizes.argmin()]
    touching = np.concatenate(
        [
            labels[1:][smallest[:-1] & ~smallest[1:]],
            labels[:-1][smallest[1:] & ~smallest[:-1]],
            labels[:, 1:][smallest[:, :-1] & ~smallest[:, 1:]],
            labels[:, :-1][smallest[:, 1:] & ~smallest[:, :-1]],
        ]
    )
    return np.where(smallest, np.bincount(touching).argmax(), labels)
