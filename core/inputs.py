"""Images as a network takes them."""

from collections.abc import Sequence

import numpy as np
import torch


def as_input(
    images: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Return uint8 images (N, S, S, 3) as a network's input: (N, 3, S, S) float32, normalised."""
    pixels = torch.tensor(images).to(device).permute(0, 3, 1, 2).float().div_(255)
    return normalise(pixels, mean, std).contiguous()


def normalise(pixels: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Return pixels (N, 3, H, W) in [0, 1] less the mean, over the standard deviation, a channel each."""
    centre, spread = (torch.tensor(v, device=pixels.device, dtype=pixels.dtype).view(1, 3, 1, 1) for v in (mean, std))
    return (pixels - centre) / spread
