"""Saliency: the size of the gradient."""

import numpy as np
import torch
from torch import Tensor

from core.attribution.explanation import Explanation, Targets, checked, float32
from core.attribution.network import Prepared, Score


def saliency(network: Prepared, images: Tensor, targets: Targets, score: Score = "logit") -> Explanation:
    """Explain a score by the size of its gradient.

    m = max over channels of |∂f_t(x)/∂x|  (Simonyan, Vedaldi and Zisserman 2014, arXiv 1312.6034, section 3.1).

    Parameters
    ----------
    network : Prepared
    images : Tensor
        (N, C, H, W), normalised as the network expects, in its dtype; on any device.
    targets : Tensor or ndarray
        (N,) int: the class whose score is explained.
    score : "logit", "log_softmax" or "probability"

    Returns
    -------
    Explanation
        maps ≥ 0, in units of the score per unit of normalised input; exact, so without a gap or a difference.

    Raises
    ------
    ValueError
        Images, targets or score do not fit.
    """
    images, targets = checked(network, images, targets, score)
    count = len(images)
    maps = images.new_zeros(count, *images.shape[2:])
    step = network.chunk(images[:1]) if count else 1
    for first in range(0, count, step):
        rows = slice(first, first + step)
        _, gradient = network.gradient(network.enter(images[rows]), targets[rows], score)
        maps[rows] = of_gradient(network.leave(gradient, tuple(images.shape[1:])))
    nothing = np.zeros(count, np.float32)
    return Explanation(
        float32(maps), nothing + np.nan, nothing, nothing, np.ones(count, np.int32), np.ones(count, np.bool_)
    )


def of_gradient(gradient: Tensor) -> Tensor:
    """Return maps (N, H, W) of gradients (N, C, H, W)."""
    return torch.amax(gradient.abs(), dim=1)
