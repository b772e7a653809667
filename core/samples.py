"""Bootstrap samples of many images: how often each is in a sample is kept in two bytes, and weighed block by block.

As one array of floats the samples of a million images would take 8 GB, and making it several times that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.estimates import RESAMPLES, Often, how_often, resamples

MANY = 30_000
"""Images above which samples are kept so."""
BLOCK = 2**25
"""Numbers weighed at once, 8 bytes each."""
DRAWN = 300
"""Samples of many images that are kept as positions too, for what is no mean."""


@dataclass(frozen=True)
class Samples:
    """Weights of images in samples, as `core.estimates.how_often` gives them.

    Attributes
    ----------
    times : ndarray, (B, N), uint16
        How often each image was drawn.
    share : ndarray, (N,)
        What that is multiplied by.
    """

    times: np.ndarray
    share: np.ndarray

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give the weights (b, N) float64 of all samples, a few at a time."""
        few = max(1, BLOCK // max(1, len(self.share)))
        for start in range(0, len(self.times), few):
            yield self.times[start : start + few] * self.share


def samples(labels: np.ndarray, count: int = RESAMPLES, seed: int = 0) -> tuple[np.ndarray, Often]:
    """Draw samples of images: positions (B, M), of many images the first `DRAWN` only, and weights.

    Parameters
    ----------
    labels : ndarray, (N,)
        Groups that samples are drawn within.
    count, seed : int
        As `core.estimates.resamples`, whose samples they are.
    """
    if len(labels) <= MANY:
        drawn = resamples(labels, count, seed)
        return drawn, how_often(labels, drawn)
    rng = np.random.default_rng(seed)
    times, share = np.empty((count, len(labels)), np.uint16), np.empty(len(labels))
    kept = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        size, of_class = max(1, len(rows) - 1), np.empty((min(DRAWN, count), max(1, len(rows) - 1)), np.int32)
        few = max(1, BLOCK // size)
        for start in range(0, count, few):
            drawn = rng.integers(len(rows), size=(min(few, count - start), size))
            for place, sample in enumerate(drawn, start):
                times[place, rows] = np.bincount(sample, minlength=len(rows))
                if place < DRAWN:
                    of_class[place] = rows[sample]
        share[rows] = len(rows) / size
        kept.append(of_class)
    return np.concatenate(kept, axis=1), Samples(times, share)
