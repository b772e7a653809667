"""Integrated gradients, refined where the path is rough until the error is small enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.attribution.explanation import (
    Explanation,
    Targets,
    begun,
    check,
    checked,
    completeness_gap,
    concatenate,
    float32,
)
from core.attribution.network import MEMORY, Prepared, Score
from core.attribution.saliency import of_gradient

StopOn: TypeAlias = Literal["map", "regions"]

FIRST = 8
"""Intervals of the first level."""
STEP: dict[StopOn, int] = {"map": 8, "regions": 4}
"""Least points that a level adds, after the second: few, not to overshoot; as many as keep a processor busy, where a
map is refined alone. A study stops on regions, and packs the points of many images."""
TOLERANCE = 0.1
BUDGET = 256
"""Most points of a path."""


def integrated_gradients(
    network: Prepared,
    images: Tensor,
    targets: Targets,
    *,
    baseline: Tensor | np.ndarray | None = None,
    score: Score = "logit",
    regions: Tensor | np.ndarray | None = None,
    stop_on: StopOn = "map",
    tolerance: float = TOLERANCE,
    budget: int = BUDGET,
) -> Explanation:
    """Explain a score by its gradient along the straight path from a baseline: the last level of `refine`.

    Many images are taken through in groups, so that the points of their paths fit into memory.
    """
    begin, regions = _check(images, targets, score, baseline, regions, stop_on, tolerance, budget)
    size = images[0, 0].numel() * images.element_size() if len(images) else 1
    step = max(1, MEMORY // 2 // (budget * size))
    found = []
    for first in range(0, max(1, len(images)), step):
        rows = slice(first, first + step)
        levels = refine(
            network,
            images[rows],
            targets[rows],
            baseline=begin[rows],
            score=score,
            regions=None if regions is None else regions[rows],
            stop_on=stop_on,
            tolerance=tolerance,
            budget=budget,
        )
        *_, last = levels
        found.append(last)
    return concatenate(found)


def refine(
    network: Prepared,
    images: Tensor,
    targets: Targets,
    *,
    baseline: Tensor | np.ndarray | None = None,
    score: Score = "logit",
    regions: Tensor | np.ndarray | None = None,
    stop_on: StopOn = "map",
    tolerance: float = TOLERANCE,
    budget: int = BUDGET,
) -> Iterator[Explanation]:
    """Explain a score by its gradient along the straight path from a baseline, level by level.

    m = Σ_c (x − x′) · ∫₀¹ ∂f_t(x′ + a(x − x′))/∂x da  (Sundararajan, Taly and Yan 2017, arXiv 1703.01365), the integral
    by the trapezoid rule. It begins with nine evenly spaced points; every further level keeps them all and halves the
    intervals with the largest error: width times the change of the gradient over it, which is the interval's error
    where the gradient changes as irregularly as it does along the paths of ReLU networks. The trapezoid is the best
    rule there, and twice the points halve the error.

    d = ‖m − m′‖ / ‖m‖, where m′ takes every second point only. In the first two levels, evenly spaced, that is the
    difference of two nested levels. The error of m is then about 0.58 d. It is a bar that holds in practice, not in
    every case. A probability may rise all at once somewhere along the path: of its maps after 9 or 17 points, 2 to 4 in
    100 were off by more than d, up to twice as much (densities of regions: 4 to 9, up to 2.4 times). Of 110 maps of it
    that had reached a tolerance of 0.1 none was.

    It holds a map for every point and image, so its memory grows with both: give it a few images at a time, or many to
    `integrated_gradients`, which takes them through in groups.

    Parameters
    ----------
    network : Prepared
    images : Tensor
        (N, C, H, W), normalised as the network expects, in its dtype; on any device.
    targets : Tensor or ndarray
        (N,) int: the class whose score is explained.
    baseline : Tensor or ndarray, optional
        x′, of a shape that broadcasts to that of the images; zeros (the data set's mean colour) when None.
    score : "logit", "log_softmax" or "probability"
        f.
    regions : Tensor or ndarray, optional
        (N, H, W) integers: 0 where there is no region, r + 1 on region r. Their densities, the means of |m|, have a d
        of their own, ½ √Σ h²‖Δ‖² / ‖densities‖ over intervals of width h on which they change by Δ: what the difference
        of two levels would be on average.
    stop_on : "map" or "regions"
        Whose d is to fall under the tolerance.
    tolerance : float
    budget : int
        Most points of a path, at least 9.

    Yields
    ------
    Explanation
        One a level, maps signed, in units of the score; the points of all images still open are packed into full
        passes through the network. The map of saliency, the gradient at the end of the path, comes with every level.

    Raises
    ------
    ValueError
        Images, targets, score, regions or numbers do not fit.
    """
    begin, regions = _check(images, targets, score, baseline, regions, stop_on, tolerance, budget)
    images, targets = checked(network, images, targets, score)
    job = _Job(network, images, targets, score, begin.to(images))
    columns = [None if regions is None else _columns(regions[i], images) for i in range(len(images))]
    paths = [_Path.empty(images) for _ in range(len(images))]
    wanted = [torch.arange(FIRST + 1, dtype=torch.float64) / FIRST for _ in paths]
    states = [_State.unknown(images) for _ in paths]
    while True:
        job.evaluate(paths, wanted)
        for i, path in enumerate(paths):
            if len(wanted[i]):
                states[i] = _judge(path, columns[i])
        bars = [s.difference if stop_on == "map" else s.region_difference for s in states]
        yield _explanation(paths, states, [bar <= tolerance for bar in bars], images)
        # One that is not a number stays so, whatever comes on top.
        every = zip(bars, paths, states, strict=True)
        wanted = [
            _next(path, state, stop_on, budget) if bar > tolerance else torch.empty(0) for bar, path, state in every
        ]
        if not any(map(len, wanted)):
            return


def _check(
    images: Tensor,
    targets: Targets,
    score: str,
    baseline: Tensor | np.ndarray | None,
    regions: Tensor | np.ndarray | None,
    stop_on: str,
    tolerance: float,
    budget: int,
) -> tuple[Tensor, np.ndarray | None]:
    """Return where the paths begin, and the regions as an array.

    Raise ValueError for what does not fit, before anything is cut into groups or computed.
    """
    check(images, targets, score)
    if not tolerance >= 0 or budget <= FIRST:
        raise ValueError(f"tolerance must be ≥ 0 and budget > {FIRST}, not {tolerance} and {budget}")
    if stop_on not in ("map", "regions"):
        raise ValueError(f"stop_on is 'map' or 'regions', not {stop_on!r}")
    if stop_on == "regions" and regions is None:
        raise ValueError("stop_on='regions' needs regions")
    areas = None if regions is None else torch.as_tensor(regions).cpu().numpy()
    if areas is not None and (areas.shape != (len(images), *images.shape[2:]) or areas.min(initial=0) < 0):
        raise ValueError(f"regions {areas.shape} do not fit images {tuple(images.shape)}, or are below 0")
    return begun(baseline, images), areas


@dataclass
class _Path:
    """What is known along the path of one image, in order from baseline to image."""

    at: Tensor
    """(K,) float64 in [0, 1], on the CPU."""
    maps: Tensor
    """(K, H, W): the gradient times the path, summed over channels."""
    scores: Tensor
    """(K,)"""
    saliency: Tensor
    """(H, W)"""

    @classmethod
    def empty(cls, images: Tensor) -> "_Path":
        none = images.new_empty(0, *images.shape[2:])
        return cls(torch.empty(0, dtype=torch.float64), none, images.new_empty(0), images.new_zeros(images.shape[2:]))

    def add(self, at: Tensor, maps: Tensor, scores: Tensor) -> None:
        positions, order = torch.cat([self.at, at]).sort()
        there = order.to(maps.device)
        self.at = positions
        self.maps = torch.cat([self.maps, maps])[there]
        self.scores = torch.cat([self.scores, scores])[there]


@dataclass
class _State:
    """The map of one image so far, and its two error bars."""

    map: Tensor
    difference: float
    region_difference: float
    change: Tensor
    """(K - 1,): by how much the map's integrand changes over every interval."""
    region_change: Tensor
    """(K - 1,): by how much that of the regions' densities does."""

    @classmethod
    def unknown(cls, images: Tensor) -> "_State":
        return cls(images.new_zeros(images.shape[2:]), np.inf, np.inf, torch.empty(0), torch.empty(0))


@dataclass(frozen=True)
class _Job:
    network: Prepared
    images: Tensor
    targets: Tensor
    score: Score
    begin: Tensor

    def evaluate(self, paths: list[_Path], wanted: list[Tensor]) -> None:
        """Add points to every path, packed into full passes through the network."""
        network, size = self.network, tuple(self.images.shape[1:])
        owner = torch.cat([torch.full((len(at),), i) for i, at in enumerate(wanted)] or [torch.empty(0)]).long()
        if not len(owner):
            return
        at = torch.cat(wanted)
        step = network.chunk(self.images[:1])
        found: list[Tensor] = []
        scores: list[Tensor] = []
        for first in range(0, len(owner), step):
            of, position = owner[first : first + step], at[first : first + step]
            # The two ends of each path of this pass, behind the first layer: once each, however many points follow.
            rows, which = of.unique(return_inverse=True)
            which, rows = which.to(network.device), rows.to(network.device)
            ends, starts = network.enter(self.images[rows]), network.enter(self.begin[rows])
            share = position.to(self.images).view(-1, 1, 1, 1)
            entered = torch.lerp(starts[which], ends[which], share)
            values, gradient = network.gradient(entered, self.targets[rows][which], self.score)
            gradient = network.leave(gradient, size)
            scores.append(values)
            found.append((gradient * (self.images[rows] - self.begin[rows])[which]).sum(dim=1))
            for k in torch.nonzero(position == 1)[:, 0].tolist():
                paths[int(of[k])].saliency = of_gradient(gradient[k : k + 1])[0]
        counts = [len(points) for points in wanted]
        parts = zip(torch.cat(found).split(counts), torch.cat(scores).split(counts), strict=True)
        for path_of, points, (maps, values) in zip(paths, wanted, parts, strict=True):
            if len(points):
                path_of.add(points, maps, values)


def trapezoid(at: Tensor) -> Tensor:
    """Return the weights (K,) of the trapezoid rule over points (K,) in order."""
    weights = torch.zeros_like(at)
    widths = at.diff()
    weights[:-1] += widths / 2
    weights[1:] += widths / 2
    return weights


def _judge(path: _Path, regions: Tensor | None) -> _State:
    fine, coarse = _integral(path, 1), _integral(path, 2)
    state = _State(fine, _relative(fine - coarse, fine), np.nan, _change(path.maps.flatten(1)), torch.empty(0))
    if regions is not None:
        # A dozen numbers are too few for the difference of two levels to tell their error: it would often be small by
        # chance. What it is on average follows from how the densities change over every interval.
        state.region_change = _change((path.maps * fine.sign()).flatten(1) @ regions)
        bars = path.at.diff() * state.region_change / 2
        state.region_difference = _relative(bars, fine.abs().flatten() @ regions)
    return state


def _change(along: Tensor) -> Tensor:
    return along.diff(dim=0).norm(dim=1).double().cpu()


def _columns(regions: np.ndarray, like: Tensor) -> Tensor:
    """Return regions (H, W) as columns of weights (H·W, R) of those in sight, so that a product gives means."""
    flat = torch.as_tensor(regions.astype(np.int64).ravel())
    columns = torch.nn.functional.one_hot(flat)[:, 1:]
    areas = columns.sum(dim=0)
    return (columns[:, areas > 0] / areas[areas > 0]).to(like)


def _integral(path: _Path, every: int) -> Tensor:
    at, maps = path.at[::every], path.maps[::every]
    return torch.tensordot(trapezoid(at).to(maps), maps, dims=1)


def _relative(difference: Tensor, whole: Tensor) -> float:
    size = float(whole.norm())
    return 0.0 if size == 0 else float(difference.norm()) / size  # NaN stays NaN, and never converges


def _next(path: _Path, state: _State, stop_on: StopOn, budget: int) -> Tensor:
    """Return the middles of the intervals to halve: those with the largest error."""
    widths = path.at.diff()
    step = STEP[stop_on]
    count = FIRST if len(widths) == FIRST else max(step, len(widths) * step // 32 // 2 * 2)
    if len(path.at) + count > budget:
        return torch.empty(0)
    change = state.change if stop_on == "map" else state.region_change
    worst = torch.sort(widths * change, descending=True, stable=True).indices[:count]
    return path.at[worst] + widths[worst] / 2


def _explanation(paths: list[_Path], states: list[_State], reached: list[bool], images: Tensor) -> Explanation:
    def stack(tensors: list[Tensor]) -> Tensor:
        return torch.stack(tensors) if tensors else images.new_zeros(0, *images.shape[2:])

    maps = stack([state.map for state in states])
    ends = [torch.stack([path.scores[k] for path in paths]) if paths else images.new_zeros(0) for k in (0, -1)]
    return Explanation(
        float32(maps),
        completeness_gap(maps.double().sum(dim=(1, 2)).cpu(), ends[1].cpu(), ends[0].cpu()),
        np.array([state.difference for state in states], np.float32),
        np.array([state.region_difference for state in states], np.float32),
        np.array([len(path.at) for path in paths], np.int32),
        np.array(reached, np.bool_),
        float32(stack([path.saliency for path in paths])),
    )
