"""How right a map is: a reference of many points, and errors against it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.attribution import Prepared
from core.measures import rank_alignment
from core.parts import importance

INTERVALS = 1024
"""Of the reference's trapezoid."""


def reference(
    network: Prepared,
    image: Tensor,
    target: Tensor,
    intervals: int = INTERVALS,
    advance: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """Return integrated gradients of a logit by a trapezoid of so many intervals, from a zero baseline.

    Gradients are summed behind the first layer and taken through it once: one is held, however many points there are.

    Parameters
    ----------
    network : Prepared
    image : Tensor
        (1, C, H, W), normalised.
    target : Tensor
        (1,) int64.
    intervals : int
    advance : callable
        Called after every pass with the share that it was of the whole.

    Returns
    -------
    ndarray
        (H, W) float64, summed over channels.
    """
    at = torch.arange(intervals + 1, dtype=torch.float64) / intervals
    weights = torch.full_like(at, 1 / intervals)
    weights[[0, -1]] /= 2
    end, start = network.enter(image), network.enter(torch.zeros_like(image))
    total = torch.zeros(end.shape[1:], dtype=torch.float64, device=end.device)
    step = network.chunk(image)
    for first in range(0, len(at), step):
        part, weight = (values[first : first + step].to(end) for values in (at, weights))
        points = torch.lerp(start, end, part.view(-1, 1, 1, 1))
        _, gradient = network.gradient(points, target.expand(len(part)), "logit")
        total += torch.einsum("n,nchw->chw", weight, gradient)
        advance(len(part) / len(at))
    gradient = network.leave(total[None].to(end.dtype), tuple(image.shape[1:]))
    return (gradient.double() * image.double()).sum(dim=1)[0].cpu().numpy()


def relative_error(found: np.ndarray, true: np.ndarray) -> float:
    """Return ‖found − true‖ / ‖true‖; 0 where both are 0, infinity where only the truth is."""
    difference, size = (float(np.linalg.norm(v)) for v in (np.subtract(found, true, dtype=np.float64), true))
    if size == 0:
        return 0.0 if difference == 0 else float("inf")
    return difference / size


def shares(values: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the share of an image's |m| (H, W) on every region (H, W), NaN where it is out of sight."""
    size = np.abs(values, dtype=np.float64)
    return importance(size, regions, int(regions.max()))[0][0] / max(size.sum(), np.finfo(float).tiny)


def densities(values: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the mean |m| (H, W) of every region (H, W), NaN where it is out of sight: what the engine's d is of."""
    mass, area = importance(np.abs(values, dtype=np.float64), regions, int(regions.max()))
    return (mass / area)[0]


@dataclass(frozen=True)
class Errors:
    """What a map is off by."""

    map: float
    """Relative L2, over pixels."""
    parts: float
    """Relative L2 of the shares of the regions."""
    density: float
    """Relative L2 of the regions' densities, which the engine's second error bar is about."""
    rank: float
    """Spearman's ρ of the shares; NaN with fewer than five regions."""


UNKNOWN = Errors(*[float("nan")] * 4)


@dataclass(frozen=True)
class Truth:
    """A reference map and the regions of its image."""

    map: np.ndarray
    regions: np.ndarray

    def errors(self, found: np.ndarray) -> Errors:
        """Return the errors of a map (H, W)."""
        mine, true = shares(found, self.regions), shares(self.map, self.regions)
        dense, right = densities(found, self.regions), densities(self.map, self.regions)
        seen = ~np.isnan(true)
        return Errors(
            relative_error(found, self.map),
            relative_error(mine[seen], true[seen]),
            relative_error(dense[seen], right[seen]),
            float(rank_alignment(true[None], mine[None])[0]),
        )


@dataclass(frozen=True)
class Hold:
    """How an error bar d held."""

    count: int
    held: float
    """Share of the cases where the error was no larger than d; NaN without any."""
    worst: float
    """The largest error / d; infinity where d was 0 and the error was not."""


def hold(errors: Sequence[float], bars: Sequence[float]) -> Hold:
    """Count how often an error bar held; a case without an error bar (NaN) is none."""
    error, bar = np.asarray(errors, float), np.asarray(bars, float)
    known = ~(np.isnan(error) | np.isnan(bar))
    error, bar = error[known], bar[known]
    if not len(error):
        return Hold(0, float("nan"), float("nan"))
    ratio = np.divide(error, bar, out=np.where(error > 0, np.inf, 0.0), where=bar > 0)
    return Hold(len(error), float(np.mean(error <= bar)), float(ratio.max()))
