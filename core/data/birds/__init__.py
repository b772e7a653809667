"""The built-in birds: drawn from a seed and an index, with exact masks of CUB's fifteen parts. No files."""

import hashlib
import json
from functools import partial

import numpy as np
import pandas as pd

from core.config import Data
from core.data.birds.anatomy import PARTS
from core.data.birds.draw import draw
from core.data.birds.species import Species, species
from core.data.dataset import SPLITS, Dataset
from core.errors import UserError

__all__ = ["PARTS", "VERSION", "Species", "birds", "draw", "generator", "picture", "species"]

VERSION = 1
"""Of the drawings. Raise it whenever a pixel changes: what was computed from the old ones is then stale."""

_WORDS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)


def birds(config: Data) -> Dataset:
    """Return the drawn birds a study asks for.

    Parameters
    ----------
    config : Data
        `image_size`, `seed`, `classes`, `difficulty` and the three numbers of images count; nothing else does.

    Returns
    -------
    Dataset
        Labels go round the classes in order, so that every stretch of a split is balanced. An image depends on the
        seed, its split and its index there, never on how many there are.

    Raises
    ------
    UserError
        The seed is too large for the generator.
    """
    if config.seed >= 2**64:
        raise UserError(f"data.seed must be below 2**64 (found {config.seed}).")
    numbers = (config.train_images, config.validation_images, config.test_images)
    index = np.concatenate([np.arange(n) for n in numbers])
    table = pd.DataFrame(
        {
            "id": np.arange(len(index), dtype=np.int64),
            "label": (index % config.classes).astype(np.int64),
            "split": np.repeat(SPLITS, numbers),
            "source": index.astype(str),
        }
    )
    settings = {
        "reader": ["birds", VERSION],
        **config.model_dump(include={"image_size", "seed", "classes", "difficulty"}),
        "images": numbers,
    }
    return Dataset(
        classes=tuple(species(k).name for k in range(config.classes)),
        parts=PARTS,
        knows=f"{_spelled(config.classes)} drawn birds",
        table=table,
        read=partial(_read, numbers, config.image_size, config.seed, config.classes, config.difficulty),
        digest=hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
    )


def generator(seed: int, stream: int, index: int) -> np.random.Generator:
    """Return the source of every choice in one picture: counter-based, so that no picture needs another."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, stream, index]))


def picture(
    size: int, seed: int, classes: int, difficulty: float, stream: int, index: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one image of a split and its part map.

    Parameters
    ----------
    size : int
        Side in pixels.
    seed : int
        The data set's seed, below 2**64.
    classes : int
        Species in turn.
    difficulty : float
        0…1.
    stream : int
        The split's position in `SPLITS`.
    index : int
        Which image of the split.

    Returns
    -------
    image : ndarray (size, size, 3) uint8
    parts : ndarray (size, size) uint8
        0 for no part, p + 1 for `PARTS[p]`.
    """
    return draw(species(index % classes), size, difficulty, generator(seed, stream, index))


def _read(
    numbers: tuple[int, int, int], size: int, seed: int, classes: int, difficulty: float, image: int
) -> tuple[np.ndarray, np.ndarray]:
    index = image
    for stream, number in enumerate(numbers):
        if 0 <= index < number:
            return picture(size, seed, classes, difficulty, stream, index)
        index -= number
    raise IndexError(f"there is no image {image}")


def _spelled(number: int) -> str:
    return _WORDS[number - 2] if number <= 20 else str(number)
