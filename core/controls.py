"""What an alignment would be without a reason: beside another image of the teacher, and by the size of parts alone."""

import numpy as np

from core.measures import rank_alignment


def shuffled_alignment(
    teacher: np.ndarray, student: np.ndarray, labels: np.ndarray, seed: int, repeats: int = 20
) -> np.ndarray:
    """Align the student on each image with the teacher on an image of another class.

    What is left is what both share on any image, such as a bias to the centre. Each repeat pairs the images by a seeded
    derangement in which as few as possible meet their own class (none, unless one class holds more than half of all);
    those that do are left out of that repeat.

    Parameters
    ----------
    teacher, student : ndarray
        (N, P) importance, NaN where the part is not visible.
    labels : ndarray
        (N,) the class of each image.
    seed : int
        Of the derangements.
    repeats : int
        How many of them.

    Returns
    -------
    ndarray
        (N,) mean over the repeats of `rank_alignment` over the parts visible in both images; NaN where no repeat
        gives one.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    labels = np.asarray(labels)
    if labels.shape != np.shape(teacher)[:1]:
        raise ValueError(f"there are {labels.shape} labels for importance of {np.shape(teacher)}")
    rng = np.random.default_rng(seed)
    total = np.zeros(len(labels))
    count = np.zeros(len(labels))
    for _ in range(repeats):
        other = _other_class(labels, rng)
        rho = rank_alignment(np.asarray(teacher)[other], student)
        usable = ~np.isnan(rho) & (labels[other] != labels)
        total += np.where(usable, rho, 0.0)
        count += usable
    return total / np.where(count > 0, count, np.nan)


def area_alignment(teacher: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Align the teacher with the bare size of the parts: (N, P) importance, (N, P) pixels -> (N,) as `rank_alignment`.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    return rank_alignment(teacher, area)


def _other_class(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a permutation that sends as few images as possible to their own class."""
    if not len(labels):
        return np.arange(0)
    # Classes lie on a circle in random order; a turn by the largest class or more takes every image out of its own.
    _, group = np.unique(labels, return_inverse=True)
    classes = group.max() + 1
    circle = np.lexsort((rng.random(len(labels)), rng.permutation(classes)[group]))
    largest = np.bincount(group).max()
    low, high = sorted((largest, len(labels) - largest))
    other = np.empty(len(labels), dtype=np.intp)
    other[circle] = np.roll(circle, -rng.integers(low, high + 1))
    return other
