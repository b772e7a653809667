"""Integrated gradients as Captum computes them: the reference that ours are held against."""

import numpy as np
import torch
from torch import Tensor

from core.attribution.explanation import Explanation, Targets, begun, checked, completeness_gap, float32
from core.attribution.network import Prepared, Score, score_of

POINTS = 50
"""Captum's own number of Gauss–Legendre points."""


def captum_integrated_gradients(
    network: Prepared,
    images: Tensor,
    targets: Targets,
    *,
    baseline: Tensor | np.ndarray | None = None,
    score: Score = "logit",
    points: int = POINTS,
) -> Explanation:
    """Explain a score by Captum's IntegratedGradients: `points` of Gauss–Legendre for every map, whatever its error.

    Kokhlikyan et al. 2020, arXiv 2009.07896. Its internal batch is what fits into one pass, as its own default, all
    points of all images at once, needs 55 GB for 8 images of a ResNet101. The difference d is unknown.

    Parameters and errors are those of `integrated_gradients`.
    """
    from captum.attr import IntegratedGradients  # 0.3–0.9 s, and not needed otherwise

    images, targets = checked(network, images, targets, score)
    begin = begun(baseline, images).to(images)

    def explained(inputs: Tensor, classes: Tensor) -> Tensor:
        return score_of(network(inputs), classes, score)

    method = IntegratedGradients(explained)
    maps = images.new_zeros(len(images), *images.shape[2:])
    ends = images.new_zeros(2, len(images))
    step = network.chunk(images[:1]) if len(images) else 1
    for first in range(0, len(images), step):
        rows = slice(first, first + step)
        given = images[rows], begin[rows]
        attribution = method.attribute(
            *given, additional_forward_args=(targets[rows],), n_steps=points, internal_batch_size=step
        )
        maps[rows] = attribution.detach().sum(dim=1)
        with torch.no_grad():
            for end, x in zip(ends, given, strict=True):
                end[rows] = explained(x, targets[rows])
    count, unknown = len(images), np.full(len(images), np.nan, np.float32)
    return Explanation(
        float32(maps),
        completeness_gap(maps.double().sum(dim=(1, 2)).cpu(), *ends.cpu()),
        unknown,
        unknown,
        np.full(count, points + 2, np.int32),
        np.zeros(count, np.bool_),
    )
