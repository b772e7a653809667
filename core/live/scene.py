"""An image as networks get it, cut into parts."""

import hashlib
from dataclasses import dataclass

import numpy as np

from core.data.regions import grid, superpixels
from core.live.networks import Networks
from core.study import Study

SEGMENTS = 16


@dataclass(frozen=True)
class Scene:
    """An image as networks get it, cut into parts."""

    image: np.ndarray
    """(S, S, 3) uint8 RGB."""
    part_map: np.ndarray
    """(S, S) uint8: p + 1 on part p."""
    parts: tuple[str, ...]
    label: int | None = None
    """Its class, where that is known."""

    @property
    def digest(self) -> str:
        """What names the image, whatever its parts."""
        return hashlib.sha256(str(self.image.shape).encode() + self.image.tobytes()).hexdigest()


def scene_of(networks: Networks, photo: np.ndarray, squares: int = 0) -> Scene:
    """Return what networks see of a photo, cut into parts.

    Parameters
    ----------
    networks : Networks
        A study, or others.
    photo : ndarray
        (H, W, 3) uint8.
    squares : int
        Of a grid, a side: A1 is the top left one, B1 the next to its right. By default superpixels.
    """
    image = networks.view(photo)
    if squares:
        names = tuple(f"{chr(ord('A') + column)}{row + 1}" for row in range(squares) for column in range(squares))
        return Scene(image, grid(image.shape[:2], squares), names)
    part_map = superpixels(image, SEGMENTS)
    return Scene(image, part_map, tuple(f"region {p}" for p in range(1, int(part_map.max()) + 1)))


def scene_of_image(study: Study, image: int) -> Scene:
    """Return an image of the study by its id, with its own parts.

    Raises
    ------
    UserError
        The images are not on this machine.
    """
    images, part_maps = study.shown.load([image])
    return Scene(images[0], part_maps[0], study.shown.parts, int(study.labels([image])[0]))
