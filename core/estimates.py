"""Means with intervals: over seeds where there are several, over images where there is one."""

from typing import NamedTuple

import numpy as np

from core.measures import rank_alignment

RESAMPLES = 1000


class Estimate(NamedTuple):
    """A mean, its interval, the number of values that it rests on, and of those left out for being undefined."""

    value: float
    low: float
    high: float
    n: int
    skipped: int


def resamples(labels: np.ndarray, count: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Draw bootstrap samples of images, stratified by class.

    Parameters
    ----------
    labels : ndarray, (N,)
    count : int
        B, the number of samples.
    seed : int

    Returns
    -------
    ndarray, (B, N), intp
        Positions drawn with replacement; every sample holds each class as often as the data.
    """
    rng = np.random.default_rng(seed)
    drawn = np.empty((count, len(labels)), dtype=np.intp)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        drawn[:, rows] = rows[rng.integers(len(rows), size=(count, len(rows)))]
    return drawn


def mean_over_images(values: np.ndarray, drawn: np.ndarray, level: float = 0.95) -> Estimate:
    """Estimate a mean over images with its percentile bootstrap interval (Efron 1979); NaN left out and counted.

    Parameters
    ----------
    values : ndarray, (N,)
    drawn : ndarray, (B, N)
        From `resamples`.
    level : float
        Coverage that is asked for.
    """
    known = ~np.isnan(values)
    if not known.any():
        return Estimate(np.nan, np.nan, np.nan, 0, len(values))
    low, high = interval(bootstrap_means(values, drawn), level)
    return Estimate(float(values[known].mean()), low, high, int(known.sum()), int((~known).sum()))


def bootstrap_means(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the mean of the known values of every sample: (N,) and (B, N) -> (B,)."""
    known = ~np.isnan(values)
    count = known[drawn].sum(1)
    return np.where(known, values, 0.0)[drawn].sum(1) / np.where(count > 0, count, np.nan)


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
    """Estimate a mean over seeds with Student's t interval: (S,) one value a seed, S ≥ 2; NaN left out and counted."""
    from scipy import stats  # half a second that a page without several seeds need not wait for

    known = values[~np.isnan(values)]
    skipped = len(values) - len(known)
    if len(known) < 2:
        return Estimate(float(known.mean()) if len(known) else np.nan, np.nan, np.nan, len(known), skipped)
    centre, half = known.mean(), stats.sem(known) * stats.t.ppf((1 + level) / 2, len(known) - 1)
    return Estimate(float(centre), float(centre - half), float(centre + half), len(known), skipped)


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
