"""What is measured of a student beside its teacher: one number an image, NaN where a measure is undefined.

`importance` arrays are (N, P): a number for every part of every image, NaN where the part is not visible. Nothing is
ever dropped here: whoever averages leaves the NaN out and says how many there were.
"""

from typing import Literal, TypeAlias

import numpy as np

from core.measures.declared import MEASURES as MEASURES
from core.measures.declared import Measure as Measure
from core.parts import part_area, part_mass
from core.parts import part_density as part_density

Outside: TypeAlias = Literal["image", "parts"]


def top_parts(importance: np.ndarray, k: int = 5) -> np.ndarray:
    """Find the k most important visible parts T_k, the first in part order among equals.

    Parameters
    ----------
    importance : ndarray
        (N, P), NaN where the part is not visible.
    k : int
        How many.

    Returns
    -------
    ndarray
        (N, P) bool; a row is False throughout where T_k is undefined: k or fewer parts are visible, or none has any
        importance (the map was flat).

    Raises
    ------
    ValueError
        k is not positive, or importance is not (N, P).
    """
    importance = np.asarray(importance, dtype=np.float64)
    if importance.ndim != 2 or k < 1:
        raise ValueError(f"top parts need importance (N, P) and k ≥ 1, not {importance.shape} and {k}")
    first = np.argsort(-importance, axis=1, kind="stable")[:, :k]
    top = np.zeros(importance.shape, dtype=bool)
    np.put_along_axis(top, first, True, axis=1)
    visible = ~np.isnan(importance)
    defined = (visible.sum(axis=1) > k) & (visible & (importance != 0)).any(axis=1)
    return top & defined[:, None]


def focus(
    maps: np.ndarray, parts: np.ndarray, teacher_importance: np.ndarray, k: int = 5, outside: Outside = "image"
) -> np.ndarray:
    """Return the share of a student's relevance on the k parts most important to the teacher.

    F = Σ_{∪T_k} m / Σ m, the lower sum over the image, or over its visible parts only. T_k as `top_parts`.

    Parameters
    ----------
    maps : ndarray
        (N, H, W) relevance ≥ 0 of the student.
    parts : ndarray
        (N, P, H, W) bool, no pixel in two parts of one image.
    teacher_importance : ndarray
        (N, P): the teacher's density (or mass), NaN where the part is not visible.
    k : int
        How many parts.
    outside : "image" or "parts"
        What the rest is: with "image" F also rises when the student merely looks more at the object.

    Returns
    -------
    ndarray
        (N,) in [0, 1]; NaN where either map is flat (no relevance in the sum), or k or fewer parts are visible.

    Raises
    ------
    ValueError
        As `part_mass` and `top_parts`, or `outside` is another word.
    """
    mass = part_mass(maps, parts)
    total = np.asarray(np.sum(maps, axis=(1, 2), dtype=np.float64))
    return focus_from_mass(mass, _whole(total, mass, outside), teacher_importance, k)


def focus_from_mass(
    student_mass: np.ndarray, total: np.ndarray, teacher_importance: np.ndarray, k: int = 5
) -> np.ndarray:
    """Return `focus` from what is kept of a map: its mass on every part (N, P), and in all (N,).

    `total` is the relevance of the whole image, or for outside="parts" `np.nansum(student_mass, axis=1)`. Given areas
    in place of relevance it is the focus of a map that is the same everywhere, which `enrichment` divides by.

    Raises
    ------
    ValueError
        As `top_parts`, or more relevance lies on the parts than in all.
    """
    mass = np.asarray(student_mass, dtype=np.float64)
    total = np.asarray(total, dtype=np.float64)
    top = top_parts(np.where(np.isnan(mass), np.nan, teacher_importance), k)
    defined = top.any(axis=1) & (total > 0)
    share = np.where(top, mass, 0.0).sum(axis=1) / np.where(defined, total, np.nan)
    if (share > 1 + 1e-4).any():
        raise ValueError("more relevance lies on the parts than in all: mass and total are not of the same maps")
    return np.asarray(np.minimum(share, 1.0))


def focus_ratio(focus: np.ndarray) -> np.ndarray:
    """Return the poster's F / (1 − F), (N,) -> (N,); NaN where F is, or is 1."""
    return focus / np.where(focus < 1, 1 - focus, np.nan)


def enrichment(
    maps: np.ndarray, parts: np.ndarray, teacher_importance: np.ndarray, k: int = 5, outside: Outside = "image"
) -> np.ndarray:
    """Return focus beside what area alone would give: F ÷ (area of ∪T_k ÷ area of the same denominator).

    Parameters, undefined cases and errors are those of `focus`. Returns (N,) ≥ 0; 1 for a map that is the same
    everywhere. From kept numbers it is `focus_from_mass(mass, total, t, k) / focus_from_mass(area, pixels, t, k)`.
    """
    area = part_area(parts)
    pixels = np.full(len(parts), float(np.prod(parts.shape[2:])))
    by_area = focus_from_mass(area, _whole(pixels, area, outside), teacher_importance, k)
    return focus(maps, parts, teacher_importance, k, outside) / by_area


def rank_alignment(teacher: np.ndarray, student: np.ndarray, min_parts: int = 5) -> np.ndarray:
    """Return Spearman's ρ of teacher's and student's importance over the parts of each image visible in both.

    Parameters
    ----------
    teacher, student : ndarray
        (N, P), NaN where the part is not visible. Equal values share their average rank.
    min_parts : int
        With fewer visible parts ρ is undefined.

    Returns
    -------
    ndarray
        (N,) in [−1, 1]; NaN with too few parts, or where either is constant.

    Raises
    ------
    ValueError
        The arrays are not (N, P) both.
    """
    teacher = np.asarray(teacher, dtype=np.float64)
    student = np.asarray(student, dtype=np.float64)
    if teacher.ndim != 2 or teacher.shape != student.shape:
        raise ValueError(f"both must be of one shape with two axes, not {teacher.shape} and {student.shape}")
    both = ~(np.isnan(teacher) | np.isnan(student))
    count = both.sum(axis=1)
    a = _centred_ranks(teacher, both)
    b = _centred_ranks(student, both)
    spread = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    defined = (count >= min_parts) & (spread > 0)
    rho: np.ndarray = (a * b).sum(axis=1) / np.where(defined, spread, np.nan)
    return np.clip(rho, -1, 1)


def logit_alignment(teacher_logits: np.ndarray, student_logits: np.ndarray) -> np.ndarray:
    """Return Spearman's ρ of the two logit vectors over all classes, (N, C), (N, C) -> (N,) in [−1, 1].

    NaN where either vector is constant or holds a NaN. With two classes ρ can only be ±1.

    Raises
    ------
    ValueError
        The arrays are not (N, C) both.
    """
    return rank_alignment(teacher_logits, student_logits, min_parts=max(2, np.shape(teacher_logits)[-1]))


def accuracy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Say of every image whether the top class is the label: (N, C), (N,) -> (N,) of 1.0, 0.0, NaN for NaN logits."""
    right = np.argmax(logits, axis=1) == np.asarray(labels)
    return np.where(np.isnan(logits).any(axis=1), np.nan, right.astype(np.float64))


def top1_agreement(teacher_logits: np.ndarray, student_logits: np.ndarray) -> np.ndarray:
    """Say of every image whether both choose one class: (N, C), (N, C) -> (N,) of 1.0, 0.0, NaN for NaN logits."""
    unclear = np.where(np.isnan(teacher_logits).any(axis=1), np.nan, 0.0)
    return accuracy(student_logits, np.argmax(teacher_logits, axis=1)) + unclear


def top5_agreement(teacher_logits: np.ndarray, student_logits: np.ndarray) -> np.ndarray:
    """Return the share of the teacher's five likeliest classes among the student's five: (N, C), (N, C) -> (N,).

    NaN for NaN logits, and with five classes or fewer, where it says nothing.
    """
    teacher, student = np.asarray(teacher_logits), np.asarray(student_logits)
    if teacher.shape[1] <= 5:
        return np.full(len(teacher), np.nan)
    both = [top_parts(np.where(np.isnan(each), -np.inf, each), 5) for each in (teacher, student)]
    unclear = np.isnan(teacher).any(axis=1) | np.isnan(student).any(axis=1)
    return np.where(unclear, np.nan, (both[0] & both[1]).sum(axis=1) / 5)


def kl(teacher_logits: np.ndarray, student_logits: np.ndarray) -> np.ndarray:
    """Return KL(teacher ‖ student) = Σ p_t·(log p_t − log p_s) at T = 1: (N, C), (N, C) -> (N,) nats; NaN for NaN."""
    teacher, student = (_log_softmax(np.asarray(each, np.float64)) for each in (teacher_logits, student_logits))
    return np.asarray((np.exp(teacher) * (teacher - student)).sum(axis=1)).clip(0)


def map_similarity(teacher: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Return the cosine of two relevance maps of each image: (N, H, W) ≥ 0 both -> (N,) in [0, 1]; NaN if one is flat.

    Flat: no relevance anywhere.
    """
    a, b = (np.reshape(each, (len(each), -1)).astype(np.float64) for each in (teacher, student))
    lengths = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.clip((a * b).sum(axis=1) / np.where(lengths > 0, lengths, np.nan), 0, 1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _whole(image: np.ndarray, on_parts: np.ndarray, outside: Outside) -> np.ndarray:
    if outside not in ("image", "parts"):
        raise ValueError(f"outside is 'image' or 'parts', not {outside!r}")
    return image if outside == "image" else np.nansum(on_parts, axis=1)


def _centred_ranks(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Average ranks of each row's kept values minus their mean; 0 elsewhere."""
    # NaN sorts last, so what is left out never shifts the rank of what is kept.
    values = np.where(keep, values, np.nan)
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    place = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    new = np.ones(values.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    last = np.ones(values.shape, dtype=bool)
    last[:, :-1] = new[:, 1:]
    low = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    high = np.minimum.accumulate(np.where(last, place, values.shape[1])[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (low + high) / 2, axis=1)
    mean = (keep.sum(axis=1, keepdims=True) - 1) / 2
    return np.where(keep, ranks - mean, 0.0)
