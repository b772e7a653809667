"""Means with intervals: over seeds where there are several, over images where there is one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from core.measures import rank_alignment

RESAMPLES = 1000
SAME = 1e-12
"""Means of seeds that differ by less differ by rounding."""
Often = np.ndarray | Iterable[np.ndarray]
"""Weights of images in samples: from `how_often`, or of many images in blocks (`core.samples`)."""


class Estimate(NamedTuple):
    """A mean, its interval, the number of values that it rests on, and of those left out for being undefined."""

    value: float
    low: float
    high: float
    n: int
    skipped: int


def strata(labels: np.ndarray) -> np.ndarray:
    """Return the groups that samples are drawn within, (N,) -> (N,): the classes, those of one image as one group.

    Drawn by itself, a single image never varies: of a thousand classes with an image each there would be no interval.
    Together they vary as if they were of one class, which makes an interval too long rather than too short.
    """
    values, group, count = np.unique(labels, return_inverse=True, return_counts=True)
    return np.where((count == 1)[group], len(values), group)


def resamples(labels: np.ndarray, count: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Draw bootstrap samples of images, stratified by class.

    Of a class with n images n − 1 are drawn: drawing n would make the interval of a stratified mean too short by
    √((n − 1)/n), which with ten images a class is 5 % (Rao and Wu 1988).

    Parameters
    ----------
    labels : ndarray, (N,)
    count : int
        B, the number of samples.
    seed : int

    Returns
    -------
    ndarray, (B, M), intp
        Positions drawn with replacement.
    """
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = [rows[rng.integers(len(rows), size=(count, max(1, len(rows) - 1)))] for rows in classes]
    return np.concatenate(drawn, axis=1) if drawn else np.empty((count, 0), np.intp)


def how_often(labels: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Weigh each image in each sample of `resamples`: (N,) and (B, M) -> (B, N) float64.

    How often it was drawn, times what gives its class the share of the sample that it has of the data.
    """
    count, size = len(drawn), len(labels)
    flat = (drawn + size * np.arange(count)[:, None]).ravel()
    times = np.bincount(flat, minlength=count * size).reshape(count, size)
    _, group, of_class = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(times * (of_class / np.maximum(1, of_class - 1))[group])


def means_over_images(values: np.ndarray, often: Often, level: float = 0.95) -> list[Estimate]:
    """Estimate means over images with percentile bootstrap intervals (Efron 1979); NaN left out and counted.

    Parameters
    ----------
    values : ndarray, (K, N)
        K measures of the same images.
    often : ndarray, (B, N)
        Weights of the images in each sample, from `how_often`.
    level : float
        Coverage that is asked for.

    Returns
    -------
    list of Estimate
        K of them.
    """
    samples = bootstrap_means(values, often)
    means, known = known_mean(values, 1), (~np.isnan(values)).sum(1)
    spans = [interval(each, level) for each in samples]
    return [
        Estimate(float(mean), low, high, int(n), values.shape[1] - int(n))
        for mean, (low, high), n in zip(means, spans, known, strict=True)
    ]


def mean_over_images(values: np.ndarray, often: Often, level: float = 0.95) -> Estimate:
    """Estimate one mean as `means_over_images` does: (N,) values."""
    return means_over_images(values[None], often, level)[0]


def bootstrap_means(values: np.ndarray, often: Often) -> np.ndarray:
    """Return the mean of the known values of every sample: (K, N) and (B, N) -> (K, B).

    By matrix products: sixty networks times sixty measures are two of them, and not as many gathers.
    """
    if not isinstance(often, np.ndarray):
        return np.concatenate([bootstrap_means(values, block) for block in often], axis=1)
    known = ~np.isnan(values)
    count = known.astype(np.float64) @ often.T
    return np.asarray((np.where(known, values, 0.0) @ often.T) / np.where(count > 0, count, np.nan))


def known_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Return the mean of the known values; NaN, without a warning, where there is none."""
    count = (~np.isnan(values)).sum(axis)
    return np.asarray(np.nansum(values, axis) / np.where(count > 0, count, np.nan))


def interval(samples: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the central interval of a statistic's samples; NaN where none is known."""
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return np.nan, np.nan
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_over_seeds(values: np.ndarray, level: float = 0.95) -> Estimate:
    """Estimate a mean over seeds with Student's t interval: (S,) one value a seed; NaN left out and counted.

    With fewer than two known values there is no interval; nor where all are the same, as accuracies of few images may
    be by chance: then nothing is known of how far another seed would move them.
    """
    known = values[~np.isnan(values)]
    skipped = len(values) - len(known)
    if len(known) < 2 or np.ptp(known) < SAME:
        return Estimate(float(known.mean()) if len(known) else np.nan, np.nan, np.nan, len(known), skipped)
    centre, half = known.mean(), _t(len(known), level) * known.std(ddof=1) / np.sqrt(len(known))
    return Estimate(float(centre), float(centre - half), float(centre + half), len(known), skipped)


def over(
    seeds: list[np.ndarray], often: Often, level: float = 0.95, kept: int | None = None, alone: bool = True
) -> Estimate:
    """Estimate a mean over seeds where there are several, over images where there is one.

    Parameters
    ----------
    seeds : list of ndarray, (N,)
        Values of each seed's images, NaN where undefined.
    often : ndarray, (B, N)
        From `how_often`.
    level : float
        Coverage that is asked for.
    kept : int, optional
        Images of all seeds together that a subset leaves; all by default.
    alone : bool
        Whether one seed is all that the study has. Of a study of several, one that stands alone has no interval.
    """
    if len(seeds) == 1 and alone:
        found = mean_over_images(seeds[0], often, level)
    else:
        found = mean_over_seeds(np.array([known_mean(values) for values in seeds]), level)
    return found._replace(skipped=undefined(seeds, kept))


def undefined(values: Sequence[np.ndarray], kept: int | None = None) -> int:
    """Count undefined values, those aside that a subset leaves out: `kept` of all are in it, all by default."""
    unknown = sum(int(np.isnan(each).sum()) for each in values)
    total = sum(len(each) for each in values)
    return unknown - (total - (total if kept is None else kept))


def claimed(
    differences: dict[str, list[np.ndarray]], often: Often, kept: dict[str, int], alone: bool
) -> Iterator[tuple[str, Estimate]]:
    """Estimate differences for each architecture by itself, Bonferroni over them, and "" for their mean.

    Parameters
    ----------
    differences : dict
        Architecture -> values of each seed's images, (N,) each.
    often, alone
        As `over`.
    kept : dict
        Architecture -> images of all seeds together that a subset leaves.
    """
    if not differences:
        return
    own = {name: over(d, often, 1 - 0.05 / len(differences), kept[name], alone) for name, d in differences.items()}
    yield from own.items()
    skipped = sum(estimate.skipped for estimate in own.values())
    yield "", together(list(differences.values()), often, alone)._replace(skipped=skipped)


def together(architectures: list[list[np.ndarray]], often: Often, alone: bool) -> Estimate:
    """Estimate the mean over architectures, each with the values of its seeds' images, (N,) each, of the same seeds.

    Every architecture counts alike, however few of its images a subset leaves.
    """
    by_seed = [np.stack(per) for per in zip(*architectures, strict=True)]
    if len(by_seed) == 1 and alone:
        samples = bootstrap_means(by_seed[0], often).mean(0)
        value, count = float(known_mean(by_seed[0], 1).mean()), int((~np.isnan(by_seed[0])).any(0).sum())
        return Estimate(value, *interval(samples), count, 0)
    return mean_over_seeds(np.array([known_mean(values, 1).mean() for values in by_seed]))


def ratio_over_seeds(over: np.ndarray, under: np.ndarray, level: float = 0.95) -> Estimate:
    """Estimate a ratio of two means over the same seeds with Fieller's interval (Fieller 1954).

    The interval holds every θ for which Student's t does not tell over − θ·under from 0.

    Parameters
    ----------
    over, under : ndarray, (S,)
        Without NaN. Unless the mean of `under` is told from 0 at this level, there is no bounded interval: NaN.
    level : float
        Coverage that is asked for.
    """
    count = len(over)
    a, b = over.mean(), under.mean()
    (saa, sab), (_, sbb) = np.cov(over, under) * (_t(count, level) ** 2 / count)
    square = b * b - sbb
    if square <= 0:
        return Estimate(float(a / b), np.nan, np.nan, count, 0)
    middle = (a * b - sab) / square
    half = np.sqrt(max(0.0, middle**2 - (a * a - saa) / square))
    return Estimate(float(a / b), float(middle - half), float(middle + half), count, 0)


def _t(count: int, level: float) -> float:
    from scipy import special  # half a second that a page without several seeds need not wait for

    return float(special.stdtrit(count - 1, (1 + level) / 2))


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Spearman's ρ of each row pair, (B, N), (B, N) -> (B,); NaN values left out, fewer than 3 give NaN."""
    return rank_alignment(a, b, min_parts=3)


def partial_spearman(a: np.ndarray, b: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return ρ of a and b with `fixed` held fixed, a row each: (ρ_ab − ρ_af·ρ_bf) / √((1 − ρ_af²)(1 − ρ_bf²)).

    NaN where `fixed` alone already decides a or b. Where `fixed` is constant there is nothing to hold: plain ρ.
    """
    known = ~(np.isnan(a) | np.isnan(b) | np.isnan(fixed))
    a, b, fixed = (np.where(known, x, np.nan) for x in (a, b, fixed))
    ab, af, bf = spearman(a, b), np.nan_to_num(spearman(a, fixed)), np.nan_to_num(spearman(b, fixed))
    rest = (1 - af**2) * (1 - bf**2)
    return np.asarray((ab - af * bf) / np.sqrt(np.where(rest > 1e-12, rest, np.nan)))
