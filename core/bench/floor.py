"""The convolution floor: what a network's convolutions alone take, forward and back to their input."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.attribution import Prepared
from core.attribution.integrated_gradients import STEP
from core.bench.contenders import timed

REPEATS = 5


@dataclass(frozen=True)
class Floor:
    """Seconds of the convolutions alone, a point of the path."""

    batch: int
    seconds: float


def convolution_floor(network: Prepared, image: Tensor) -> Floor:
    """Time every convolution that a point of the path goes through by itself, at its shape, one after another.

    Those behind the first layer forward and back to their input; a first layer that was taken apart only back, as the
    path enters behind it. The batch is what a level of the engine sends through at once.

    Parameters
    ----------
    network : Prepared
    image : Tensor
        (1, C, H, W).
    """
    batch = min(STEP["map"], network.chunk(image))
    known: dict[tuple[object, ...], float] = {}
    total = 0.0
    for conv, shape in convolutions(network, image):
        key = (shape, conv.weight.shape, conv.stride, conv.padding, conv.dilation, conv.groups)
        if key not in known:
            known[key] = _both_ways(conv, (batch, *shape))
        total += known[key]
    if network.stem is not None:
        gradient = torch.randn(batch, *network.enter(image).shape[1:]).to(image)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        size = tuple(image.shape[1:])
        total += _seconds(lambda: network.leave(gradient, size))
    return Floor(batch, total / batch)


def convolutions(network: Prepared, image: Tensor) -> list[tuple[nn.Conv2d, tuple[int, ...]]]:
    """Return every convolution behind the first layer, in order, with the shape (C, H, W) it is used at."""
    found: list[tuple[nn.Conv2d, tuple[int, ...]]] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.Conv2d)  # noqa: S101
        found.append((module, tuple(given[0].shape[1:])))

    # A first layer that was taken apart may still be listed in the body.
    behind = [m for m in network.body.modules() if isinstance(m, nn.Conv2d) and m is not network.stem]
    hooks = [module.register_forward_pre_hook(note) for module in behind]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _both_ways(conv: nn.Conv2d, shape: tuple[int, ...]) -> float:
    x = torch.randn(shape).to(conv.weight).contiguous(memory_format=torch.channels_last).requires_grad_()
    back = torch.randn_like(conv(x))

    def run() -> None:
        torch.autograd.grad(conv(x), x, back)

    return _seconds(run)


def _seconds(work: Callable[[], object]) -> float:
    work()
    return statistics.median(timed(work)[0] for _ in range(REPEATS))
