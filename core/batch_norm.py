"""Batch normalisation as fast for few channels as for many."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LANES = 32
"""bf16 numbers that a 512-bit vector holds."""


class BatchNorm2d(nn.BatchNorm2d):
    """torch's `nn.BatchNorm2d`, but quick in training where channels are last and fewer than a vector holds.

    Ioffe & Szegedy 2015 (arXiv 1502.03167). torch goes along the channels, so that of 7 none fills a vector and each
    is computed alone: half of a slim network's training. Here neighbouring pixels are taken for channels until a
    vector is full; each of them has its own mean and variance, and both follow from theirs. The same numbers up to
    rounding (`tests/core/test_batch_norm.py`), in a fifth of the time at 7 channels (`python -m core bench distill`).
    """

    twice = False
    """Whether gradients are to be differentiated in turn, which torch's own can be and the quick one cannot."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W); as torch's, but once differentiable where it is quick."""
        slim = x.shape[1] < LANES and x.is_contiguous(memory_format=torch.channels_last) and x.device.type == "cpu"
        quick = not self.twice and self.training and slim and x.dtype == torch.bfloat16 and x.numel() > x.shape[1]
        if not quick or self.num_batches_tracked is None or self.momentum is None or not self.affine:
            return super().forward(x)
        self.num_batches_tracked.add_(1)
        found: Tensor = _Slim.apply(
            x, self.weight, self.bias, self.running_mean, self.running_var, self.momentum, self.eps
        )
        return found


class _Slim(torch.autograd.Function):
    """y = γx̂ + β with x̂ = (x − mean)/√(var + ε).

    dγ = Σ dy·x̂, dβ = Σ dy, dx = γ/√(var + ε)·(dy − dβ/R − x̂·dγ/R) over the R = N·H·W pixels of a channel.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, momentum: float, eps: float
    ) -> Tensor:
        wide, together = _wide(x)
        rows, pixels = len(wide), len(wide) * together
        means, variances = torch.zeros(2, wide.shape[1]).unbind()
        torch.batch_norm_update_stats(wide, means, variances, 1.0)  # in fp32; the variance with rows - 1
        means, variances = means.view(together, -1), variances.view(together, -1) * ((rows - 1) / rows)
        own_mean = means.mean(0)
        own_var = variances.mean(0) + (means - own_mean).square().mean(0)
        mean.lerp_(own_mean, momentum)
        var.lerp_(own_var * (pixels / (pixels - 1)), momentum)
        ctx.save_for_backward(x, weight, own_mean, own_var)
        ctx.eps = eps
        y = _scaled(wide, weight, bias, own_mean, own_var, eps)
        # .data: a view made here may not be changed in place, as the ReLU that follows does.
        return _narrow(y, x).data

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, var = ctx.saved_tensors
        wide, together = _wide(x)
        dy, _ = _wide(gradients[0].contiguous(memory_format=torch.channels_last))
        repeated = [each.repeat(together) for each in (weight, mean, var)]
        _, dweights, dbiases = torch.ops.aten.native_batch_norm_backward(
            dy, wide, repeated[0], *repeated[1:], *repeated[1:], False, ctx.eps, [False, True, True]
        )
        dweight, dbias = dweights.view(together, -1).sum(0), dbiases.view(together, -1).sum(0)
        pixels = len(wide) * together
        scale = (var + ctx.eps).rsqrt()
        # dx = a·dy + b·(x - mean) + c
        a, b, c = weight * scale, -weight * scale * scale * dweight / pixels, -weight * scale * dbias / pixels
        dx = _scaled(wide, b, c, mean, torch.ones_like(var), 0.0)
        dx = torch.addcmul(dx, dy, a.repeat(together).to(dy.dtype))
        return _narrow(dx, x), dweight, dbias, None, None, None, None


def _wide(x: Tensor) -> tuple[Tensor, int]:
    """View (N, C, H, W), channels last, as (R/t, t·C), t neighbouring pixels side by side, and return t."""
    rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    together = 1
    while together * x.shape[1] % LANES and len(rows) % (2 * together) == 0 and len(rows) > 2 * together:
        together *= 2
    return rows.view(len(rows) // together, -1), together


def _narrow(wide: Tensor, like: Tensor) -> Tensor:
    batch, channels, height, width = like.shape
    return wide.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _scaled(wide: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
    """Return γ(x − mean)/√(var + ε) + β of every channel."""
    columns = [each.repeat(wide.shape[1] // len(weight)) for each in (weight, bias, mean, var)]
    scaled: Tensor = torch.ops.aten.native_batch_norm(wide, *columns, False, 0.0, eps)[0]
    return scaled
