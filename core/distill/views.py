"""Random views of images, named by (seed, epoch, image): the same whatever the order, the group or the process."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

_VIEWS = 1
"""Keeps these numbers apart from those that draw the built-in birds, which may have the same seed."""
_ORDER = 2**63
"""The counter of an epoch's order: past every image's own."""

MAX_ROTATION = np.pi / 12
MAX_SCALE = 0.15
MAX_SHIFT = 0.16
"""In units of half the image."""
MAX_COLOUR = 0.3
"""Relative change of brightness, contrast and saturation."""


def _generator(seed: int, epoch: int, counter: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, _VIEWS, epoch, counter]))


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the positions 0…count-1 in the order in which this epoch visits them."""
    return _generator(seed, epoch, _ORDER).permutation(count)


def draws(seed: int, epoch: int, ids: np.ndarray) -> np.ndarray:
    """Return the uniform numbers in [-1, 1) that make each image's view: (N, 8) float32."""
    return np.stack([_generator(seed, epoch, int(i)).uniform(-1, 1, 8) for i in ids]).astype(np.float32)


def views(images: torch.Tensor, numbers: torch.Tensor, strength: float) -> torch.Tensor:
    """Return augmented views: mirrored, turned, scaled, shifted, and with other light and colour.

    Parameters
    ----------
    images : torch.Tensor, (N, 3, S, S), float
        In [0, 1].
    numbers : torch.Tensor, (N, 8), float
        From `draws`, on the same device.
    strength : float
        0 gives the images back; 1 is the full range of the constants of this module.
    """
    if strength == 0:
        return images
    flip = torch.where(numbers[:, 0] < 0, -1.0, 1.0)
    angle = numbers[:, 1] * (strength * MAX_ROTATION)
    scale = torch.exp(numbers[:, 2] * (strength * MAX_SCALE))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = numbers[:, 3:5] * (strength * MAX_SHIFT)
    theta = torch.stack(
        [torch.stack([cos * flip, -sin, shift[:, 0]], 1), torch.stack([sin * flip, cos, shift[:, 1]], 1)], 1
    )
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    bright, contrast, saturation = (1 + strength * MAX_COLOUR * numbers[:, 5:8]).T[:, :, None, None, None]
    mean = moved.mean((1, 2, 3), keepdim=True)
    moved = (moved - mean) * contrast + mean * bright
    grey = moved.mean(1, keepdim=True)
    return ((moved - grey) * saturation + grey).clamp_(0, 1)
