"""What every method gives, and what every method checks."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.attribution.network import SCORES, Prepared
from core.errors import memory_is_full

Targets: TypeAlias = Tensor | np.ndarray


@dataclass(frozen=True)
class Explanation:
    """Maps of a batch of images, and what is known of how good they are."""

    maps: np.ndarray
    """(N, H, W) float32: signed for a signed method, else ≥ 0."""
    gap: np.ndarray
    """(N,) float32: relative completeness gap; NaN where the method has none or it is undefined."""
    difference: np.ndarray
    """(N,) float32: d, the level difference of the map, which bounds its error in practice; 0 where it is exact."""
    region_difference: np.ndarray
    """(N,) float32: the same of the regions' densities; NaN without regions."""
    evaluations: np.ndarray
    """(N,) int32: gradients spent on each image."""
    converged: np.ndarray
    """(N,) bool: whether the difference that was to fall under the tolerance did."""
    saliency: np.ndarray | None = None
    """(N, H, W) float32 ≥ 0: maps of saliency, where they came along."""


def concatenate(parts: Sequence[Explanation]) -> Explanation:
    """Join the explanations of several batches of images."""
    values: dict[str, list[Any]] = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Explanation)}
    joined: dict[str, Any] = {name: None if v[0] is None else np.concatenate(v) for name, v in values.items()}
    return Explanation(**joined)


def check(images: Tensor, targets: Targets, score: str) -> None:
    """Raise ValueError for images, targets or a score that are none."""
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise ValueError(f"images must be (N, C, H, W), not {tuple(images.shape)}")
    try:
        chosen = torch.as_tensor(targets)
    except (TypeError, ValueError, RuntimeError) as error:  # as for None
        if memory_is_full(error):
            raise
        chosen = torch.zeros(())
    if chosen.shape != images.shape[:1] or chosen.is_floating_point() or (chosen < 0).any():
        raise ValueError(f"targets must be {len(images)} class numbers ≥ 0, not {targets!r}")
    if score not in SCORES:
        raise ValueError(f"a score is one of {', '.join(SCORES)}, not {score!r}")


def checked(network: Prepared, images: Tensor, targets: Targets, score: str) -> tuple[Tensor, Tensor]:
    """Return copies of images and targets where the network is, the images in its dtype; ValueError as `check`."""
    check(images, targets, score)
    chosen = torch.as_tensor(targets).to(network.device, torch.int64, copy=True)
    if (chosen >= network.classes).any():
        raise ValueError(f"targets must be below {network.classes}, the number of classes, not {targets!r}")
    return images.detach().to(network.device, network.dtype, copy=True), chosen


def begun(baseline: Tensor | np.ndarray | None, images: Tensor) -> Tensor:
    """Return where the paths of images begin, of their shape but as it was given; ValueError where it does not fit."""
    begin = torch.zeros_like(images[:1]) if baseline is None else torch.as_tensor(baseline).detach()
    try:
        return begin.expand(images.shape)
    except RuntimeError as error:
        if memory_is_full(error):
            raise
        raise ValueError(f"a baseline {tuple(begin.shape)} does not fit images {tuple(images.shape)}") from None


def completeness_gap(total: Tensor, end: Tensor, begin: Tensor) -> np.ndarray:
    """Return |Σ m − (f(x) − f(x′))| / |f(x) − f(x′)| of N maps, from Σ m (N,) float64 and the two scores (N,).

    NaN where f(x) equals f(x′), unless Σ m is 0 as well, which makes it 0.
    """
    # What two forward passes of the same image may differ by is no difference.
    rounding = 32 * torch.finfo(end.dtype).eps * torch.maximum(end.abs(), begin.abs()).double()
    difference = end.double() - begin.double()
    same = difference.abs() <= rounding
    gap = (total - difference).abs() / torch.where(same, torch.nan, difference.abs())
    gap[same & (total.abs() <= rounding)] = 0
    return float32(gap)


def float32(values: Tensor) -> np.ndarray:
    """Return a tensor as a float32 array."""
    return values.float().cpu().numpy()
