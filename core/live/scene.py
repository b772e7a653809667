"""An image as the networks of a study get it, cut into parts."""

import hashlib
from dataclasses import dataclass

import numpy as np

from core.data.photos import square
from core.data.regions import superpixels
from core.study import Study

SEGMENTS = 16


@dataclass(frozen=True)
class Scene:
    """An image as the networks of a study get it, cut into parts."""

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


def scene_of(study: Study, photo: np.ndarray) -> Scene:
    """Return the middle square of a photo (H, W, 3) uint8 at the study's size, and its superpixels."""
    image = square(photo, study.config.data.image_size)
    part_map = superpixels(image, SEGMENTS)
    return Scene(image, part_map, tuple(f"region {p}" for p in range(1, int(part_map.max()) + 1)))


def scene_of_image(study: Study, image: int) -> Scene:
    """Return an image of the study by its id, with its own parts.

    Raises
    ------
    UserError
        The images are not on this machine.
    """
    images, part_maps = study.dataset.load([image])
    return Scene(images[0], part_maps[0], study.dataset.parts, int(study.labels([image])[0]))
