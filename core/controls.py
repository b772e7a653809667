"""What a measure would be without a reason: by chance, by the size of parts alone, and beside a teacher trained again.

Why they are needed, with numbers: MEASURES.md. Two controls are networks, and go through the same measures as any
other: the untrained network (`core.cells.untrained_cells`), and the same one undistilled (`core.cells.undistilled`).
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from core.estimates import Estimate, mean_over_seeds, ratio_over_seeds
from core.measures import focus_from_mass, map_similarity, rank_alignment

SHUFFLE_SEED = 0
"""Of the derangements of every study."""
REPEATS = 20
"""Derangements that a shuffled control is the mean of."""
MIXING = 20
"""Rounds of exchanges a derangement is drawn by: each image meets a random other one in each."""


def shuffled_alignment(
    teacher: np.ndarray, student: np.ndarray, labels: np.ndarray, seed: int, repeats: int = REPEATS, min_parts: int = 5
) -> np.ndarray:
    """Align the student on each image with the teacher on an image of another class.

    What is left is what both share on any image, such as a bias to the centre. Each repeat pairs the images by a seeded
    derangement in which as few as possible meet their own class (none, unless one class holds more than half of all);
    those that do are left out of that repeat.

    Parameters
    ----------
    teacher, student : ndarray
        (N, P) importance, NaN where the part is not visible; or (N, C) logits, with `min_parts` = C.
    labels : ndarray
        (N,) the class of each image.
    seed : int
        Of the derangements.
    repeats : int
        How many of them.
    min_parts : int
        As `rank_alignment`.

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
    teacher = np.asarray(teacher)
    return _shuffled(teacher, labels, seed, repeats, lambda other: rank_alignment(teacher[other], student, min_parts))


def shuffled_focus(
    teacher: np.ndarray,
    mass: np.ndarray,
    total: np.ndarray,
    labels: np.ndarray,
    k: int,
    seed: int,
    repeats: int = REPEATS,
) -> np.ndarray:
    """Focus on the parts that matter most to the teacher on an image of another class, over parts visible in both.

    Parameters
    ----------
    teacher : ndarray
        (N, P) the teacher's importance.
    mass, total : ndarray
        (N, P) and (N,) of the student, as `focus_from_mass`.
    labels, seed, repeats
        As `shuffled_alignment`.
    k : int
        How many parts.

    Returns
    -------
    ndarray
        (N,) mean over the repeats; NaN where no repeat gives one.

    Raises
    ------
    ValueError
        Shapes differ, or as `focus_from_mass`.
    """
    teacher = np.asarray(teacher)
    return _shuffled(teacher, labels, seed, repeats, lambda other: focus_from_mass(mass, total, teacher[other], k))


def shuffled_similarity(teacher: np.ndarray, maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare the student's map of each image with the teacher's of an image of another class.

    Parameters
    ----------
    teacher : ndarray
        (M, H, W) relevance of all the teacher's maps.
    maps : ndarray
        (N, H, W) relevance of some of the student's.
    others : ndarray
        (R, N) rows of `teacher`, from `partners`; -1 where a repeat has none for an image.

    Returns
    -------
    ndarray
        (N,) mean over the repeats of `map_similarity`; NaN where no repeat gives one.
    """
    return _mean_known(np.stack([np.where(row < 0, np.nan, map_similarity(teacher[row], maps)) for row in others]))


def partners(labels: np.ndarray, seed: int, repeats: int = REPEATS) -> np.ndarray:
    """Draw for each image, as often as `repeats` says, an image of another class: (N,) labels -> (R, N), -1 for none.

    Each repeat is a derangement in which as few images as possible meet their own class: none, unless one class holds
    more than half of all.
    """
    labels = np.asarray(labels)
    group = tuple(np.unique(labels, return_inverse=True)[1].tolist())
    return np.stack([np.where(labels[other] != labels, other, -1) for other in _pairings(group, seed, repeats)])


def area_alignment(teacher: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Align the teacher with the bare size of the parts: (N, P) importance, (N, P) pixels -> (N,) as `rank_alignment`.

    Raises
    ------
    ValueError
        Shapes differ.
    """
    return rank_alignment(teacher, area)


def area_focus(teacher: np.ndarray, area: np.ndarray, total: np.ndarray, k: int) -> np.ndarray:
    """Return the focus of a map that is the same everywhere: the teacher's k parts' share of the area.

    Parameters
    ----------
    teacher, area : ndarray
        (N, P) the teacher's importance, and the parts' pixels.
    total : ndarray
        (N,) pixels of the image, or of its visible parts.
    k : int
        How many parts.

    Returns
    -------
    ndarray
        (N,), NaN as `focus_from_mass`.
    """
    return focus_from_mass(area, total, teacher, k)


def wins(distilled: np.ndarray, undistilled: np.ndarray) -> np.ndarray:
    """Say of every image whether the distilled student's map is nearer the teacher's than the undistilled one's.

    Ojha et al., NeurIPS 2023 (arXiv 2205.16004). The mean is the win rate, ½ by chance.

    Parameters
    ----------
    distilled, undistilled : ndarray
        (N,) similarity of each student's map to the teacher's.

    Returns
    -------
    ndarray
        (N,) 1, or 0, or ½ for a tie; NaN where either is undefined.
    """
    difference = np.asarray(distilled, np.float64) - np.asarray(undistilled, np.float64)
    return (np.sign(difference) + 1) / 2


def normalised_alignment(
    student: np.ndarray, chance: np.ndarray, retrained: np.ndarray, retrained_chance: np.ndarray, level: float = 0.95
) -> Estimate | None:
    """Place an alignment between chance (0) and a teacher trained again (1), which a student may exceed.

    (student − chance) / (retrained − retrained's chance), of means over seeds.

    Parameters
    ----------
    student, chance, retrained, retrained_chance : ndarray
        (S,) one value a seed, of the same seeds; NaN where there is none.
    level : float
        Coverage that is asked for.

    Returns
    -------
    Estimate or None
        With Fieller's interval; None where the interval of the denominator holds 0, or there are not two seeds.
    """
    over, under = (np.asarray(a, np.float64) - b for a, b in ((student, chance), (retrained, retrained_chance)))
    known = ~(np.isnan(over) | np.isnan(under))
    whole = mean_over_seeds(under[known], level)
    if not (whole.low > 0 or whole.high < 0):
        return None
    return ratio_over_seeds(over[known], under[known], level)._replace(skipped=int((~known).sum()))


def _shuffled(
    teacher: np.ndarray, labels: np.ndarray, seed: int, repeats: int, score: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the mean of a score of (N,) partners over derangements, each image's own class left out."""
    labels = np.asarray(labels)
    if labels.shape != np.shape(teacher)[:1]:
        raise ValueError(f"there are {labels.shape} labels for importance of {np.shape(teacher)}")
    return _mean_known(np.stack([np.where(row < 0, np.nan, score(row)) for row in partners(labels, seed, repeats)]))


def _mean_known(values: np.ndarray) -> np.ndarray:
    """Average (R, N) over R, NaN left out; NaN where there is nothing else."""
    known = ~np.isnan(values)
    count = known.sum(0)
    mean: np.ndarray = np.where(known, values, 0.0).sum(0) / np.where(count > 0, count, np.nan)
    return mean


@lru_cache(maxsize=4)
def _pairings(group: tuple[int, ...], seed: int, repeats: int) -> tuple[np.ndarray, ...]:
    """Draw derangements; the measures of a network, and of the next, share them."""
    rng = np.random.default_rng(seed)
    return tuple(_other_class(np.array(group, dtype=int), rng) for _ in range(repeats))


def _other_class(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a permutation that sends as few images as possible to their own class."""
    if not len(labels):
        return np.arange(0)
    # Classes lie on a circle; a turn by the largest class takes every image out of its own.
    _, group = np.unique(labels, return_inverse=True)
    circle = np.argsort(group, kind="stable")
    other = np.empty(len(labels), dtype=np.intp)
    other[circle] = np.roll(circle, -np.bincount(group).max())
    # That pairs whole classes, and so would differ from draw to draw by which classes met. Random pairs of images
    # exchange partners, wherever that makes no more of them meet their own class, until nothing of it is left.
    for _ in range(MIXING):
        a, b = rng.permutation(len(labels))[: len(labels) // 2 * 2].reshape(2, -1)
        own = (group[other[a]] == group[a]).astype(int) + (group[other[b]] == group[b])
        then = (group[other[b]] == group[a]).astype(int) + (group[other[a]] == group[b])
        a, b = a[then <= own], b[then <= own]
        other[a], other[b] = other[b], other[a]
    return other
