"""Where the path of integrated gradients begins: an image without what is to be explained."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

import core.torchvision_shim  # noqa: F401
from core.inputs import normalise

# The shim must run before torchvision is imported.
from torchvision.transforms.functional import gaussian_blur  # isort: skip

Baseline: TypeAlias = Literal["mean", "black", "blurred"]
BASELINES: dict[Baseline, str] = {
    "mean": "an image of the data set's mean colour",
    "black": "a black image",
    "blurred": "the same image, blurred",
}
"""Each baseline, as it is called in a sentence."""

BLUR = 15
"""A blurred image's side over the standard deviation of its blur: 20 pixels of 299 in Sturmfels et al. 2020."""


def baseline(name: Baseline, images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return the baseline of normalised images.

    Sturmfels, Lundberg and Lee, "Visualizing the impact of feature attribution baselines", Distill 2020.

    Parameters
    ----------
    name : "mean", "black" or "blurred"
        What zeros after normalisation are; zeros before it; the images through a Gaussian of side / 15.
    images : Tensor
        (N, C, H, W), normalised by `mean` and `std`.
    mean, std : sequence of float
        Of each channel, in [0, 1].

    Returns
    -------
    Tensor
        (1, C, H, W), or (N, C, H, W) for a blurred one, which is the image itself where blurring changes nothing.

    Raises
    ------
    ValueError
        There is no such baseline.
    """
    if name == "blurred":
        sigma = min(images.shape[2:]) / BLUR
        # A blur of a normalised image is the normalised blur. Reflection needs a kernel smaller than the image.
        width = min(2 * round(3 * sigma) + 1, 2 * (min(images.shape[2:]) - 1) + 1)
        # In double precision, so that flat stays flat to the last bit: there would be a map of what rounding changes,
        # and it would look exact. One axis after the other is the same blur, sooner.
        along = gaussian_blur(images.double(), [width, 1], [sigma, sigma])
        return gaussian_blur(along, [1, width], [sigma, sigma]).to(images)
    if name == "black":
        return normalise(torch.zeros_like(images[:1]), mean, std)
    if name == "mean":
        return torch.zeros_like(images[:1])
    raise ValueError(f"a baseline is one of {', '.join(BASELINES)}, not {name!r}")
