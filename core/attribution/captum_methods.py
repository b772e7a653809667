"""Further methods, as Captum computes them: none leaves a hook behind, or draws from the process's random numbers.

Left out on purpose: guided backpropagation, whose maps hardly change when the weights are drawn anew (Adebayo et al.
2018, arXiv 1810.03292; Nie, Zhang and Patel 2018, arXiv 1805.07039), so that they are no evidence of what a network has
learned; and integrated gradients averaged over noise, which no longer add up to a difference of scores, and have no
error bar.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.attribution.explanation import Explanation, Targets, checked, float32
from core.attribution.network import Prepared, Score, score_of
from core.attribution.saliency import of_gradient
from core.errors import UserError

SAMPLES = 24
"""Noisy copies of an image: Smilkov et al. see little gain beyond a few dozen."""
NOISE = 0.15
"""Standard deviation of the noise over the image's range: the middle of the 10–20 % that Smilkov et al. advise."""


def smoothgrad(
    network: Prepared,
    images: Tensor,
    targets: Targets,
    score: Score = "logit",
    samples: int = SAMPLES,
    seed: int = 0,
) -> Explanation:
    """Explain a score by its mean gradient around an image, through Captum's NoiseTunnel and Saliency.

    m = max over channels of |mean of ∂f_t(x + ε)/∂x|, ε normal (Smilkov et al. 2017, arXiv 1706.03825). The mean is of
    the gradients, not of their sizes: that is the gradient of the network smoothed, and what noise adds cancels.

    An image's noise depends on `seed` alone: not on its neighbours, on what else draws random numbers, or on how many
    samples go through at once. Parameters and errors are those of `saliency`.
    """
    from captum.attr import NoiseTunnel, Saliency  # 0.3–0.9 s, and not needed otherwise

    images, targets = checked(network, images, targets, score)
    tunnel = NoiseTunnel(Saliency(_scores(network, score)))
    maps = images.new_zeros(len(images), *images.shape[2:])
    for i in range(len(images)):
        image = images[i : i + 1]
        with _Noise(seed):
            gradient = tunnel.attribute(
                image,
                nt_type="smoothgrad",
                nt_samples=samples,
                nt_samples_batch_size=network.chunk(image),
                stdevs=NOISE * float(image.max() - image.min()),
                additional_forward_args=(targets[i : i + 1],),
                abs=False,
            )
        maps[i] = of_gradient(gradient.detach())[0]
    return _explanation(maps, evaluations=samples, exact=False)


def input_x_gradient(network: Prepared, images: Tensor, targets: Targets, score: Score = "logit") -> Explanation:
    """Explain a score by the normalised image times the gradient, through Captum's InputXGradient.

    m = Σ_c x · ∂f_t(x)/∂x (Shrikumar et al. 2016, arXiv 1605.01713): integrated gradients from the data set's mean
    colour, of one point only. Parameters and errors are those of `saliency`.
    """
    from captum.attr import InputXGradient

    images, targets = checked(network, images, targets, score)
    method = InputXGradient(_scores(network, score))
    maps = images.new_zeros(len(images), *images.shape[2:])
    for rows in _passes(network, images):
        # Captum warns of an input that asks for no gradient.
        given = images[rows].clone().requires_grad_()
        product = method.attribute(given, additional_forward_args=(targets[rows],))
        maps[rows] = product.detach().sum(dim=1)
    return _explanation(maps, evaluations=1, exact=True)


def grad_cam(network: Prepared, images: Tensor, targets: Targets, score: Score = "logit") -> Explanation:
    """Explain a score by the features of the last grid that a network makes, through Captum's LayerGradCam.

    m = max(0, Σ_k w_k A_k) with w_k the mean over the grid of ∂f_t(x)/∂A_k (Selvaraju et al. 2017, arXiv 1610.02391),
    enlarged to the image bilinearly. Parameters and errors are those of `saliency`.

    Raises
    ------
    UserError
        The network does not end in a grid of features.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    images, targets = checked(network, images, targets, score)
    maps = images.new_zeros(len(images), *images.shape[2:])
    if not len(images):
        return _explanation(maps, evaluations=1, exact=True)
    own = network.with_own_hooks()
    method = LayerGradCam(_scores(own, score), last_grid(own, images[:1]))
    for rows in _passes(network, images):
        coarse = method.attribute(images[rows], additional_forward_args=(targets[rows],), relu_attributions=True)
        maps[rows] = LayerAttribution.interpolate(coarse.detach(), tuple(images.shape[2:]), "bilinear")[:, 0]
    return _explanation(maps, evaluations=1, exact=True)


def last_grid(model: nn.Module, image: Tensor) -> nn.Module:
    """Return the last layer of a network whose output is a grid (N, C, h, w), larger than one cell.

    Raises
    ------
    UserError
        There is none, or what follows is a sequence (N, tokens, C), as in a transformer: its grid is only the first cut
        of the image into patches.
    """
    shapes: list[tuple[nn.Module, torch.Size]] = []

    def watch(module: nn.Module, given: Any, out: Any) -> None:
        if isinstance(out, Tensor):
            shapes.append((module, out.shape))

    handles = [module.register_forward_hook(watch) for module in model.modules()]
    try:
        with torch.no_grad():
            model(image.clone())
    finally:
        for handle in handles:
            handle.remove()
    last = None
    for module, shape in shapes:
        if len(shape) == 4 and shape[2] * shape[3] > 1:
            last = module
        elif len(shape) == 3:
            last = None
    if last is None:
        raise UserError(
            "Grad-CAM needs a network that ends in a grid of features, as convolutions make one, and this network "
            "has none: choose another method."
        )
    return last


class _Noise(TorchFunctionMode):
    """Draws `torch.normal` from a seed, in this thread only, sample by sample: the same in passes of any size."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not torch.normal:
            return func(*args, **(kwargs or {}))
        mean, deviation = args
        drawn = [torch.randn(each.shape, generator=self.random, dtype=torch.float64) for each in deviation]
        return mean + deviation * torch.stack(drawn).to(deviation)


def _scores(model: Any, score: Score) -> Any:
    def scores(inputs: Tensor, classes: Tensor) -> Tensor:
        # A copy, as a network may change its input in place.
        return score_of(model(inputs.clone()), classes, score)

    return scores


def _passes(network: Prepared, images: Tensor) -> list[slice]:
    step = network.chunk(images[:1]) if len(images) else 1
    return [slice(first, first + step) for first in range(0, len(images), step)]


def _explanation(maps: Tensor, evaluations: int, exact: bool) -> Explanation:
    count = len(maps)
    unknown = np.full(count, np.nan, np.float32)
    error = np.zeros(count, np.float32) if exact else unknown
    return Explanation(
        float32(maps), unknown, error, error, np.full(count, evaluations, np.int32), np.full(count, exact, np.bool_)
    )
