"""Batch normalisation by the statistics of a batch that lies in slices on several processes."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from core.batch_norm import BatchNorm2d

DIMS = (0, 2, 3)
"""All but the channels."""


def over_whole_batch(model: nn.Module) -> None:
    """Replace every BatchNorm of a network, in place, by one that knows the other processes' slices.

    torch's own `SyncBatchNorm` works on a GPU only.
    """
    for module in list(model.modules()):
        for name, own in module.named_children():
            if isinstance(own, nn.BatchNorm2d) and own.affine and own.track_running_stats and own.momentum is not None:
                whole = WholeBatchNorm2d(own.num_features, own.eps, own.momentum)
                whole.load_state_dict(own.state_dict())
                setattr(module, name, whole.to(own.weight.device))


class WholeBatchNorm2d(BatchNorm2d):
    """In training, what `nn.BatchNorm2d` would give of the whole batch (Ioffe & Szegedy 2015, arXiv 1502.03167).

    Gradients of x are those of the sum of all processes' losses; of weight and bias, this slice's part of them.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise this process's slice (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        given = (self.weight, self.bias, self.running_mean, self.running_var, self.momentum, self.eps)
        found: Tensor = _twice(x, *given) if self.twice else _Whole.apply(x, *given)  # type: ignore[arg-type]
        return found


class _Whole(torch.autograd.Function):
    """y = γx̂ + β with x̂ = (x − mean)/√(var + ε).

    dγ = Σ dy·x̂, dβ = Σ dy, dx = γ/√(var + ε)·(dy − dβ/R − x̂·dγ/R), where mean, var, the sums that dx is made of and R,
    the pixels of a channel, are the whole batch's.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, momentum: float, eps: float
    ) -> Tensor:
        own_var, own_mean = torch.var_mean(x.float(), DIMS, correction=0)
        own = torch.cat([own_mean, own_var, own_mean.new_full((1,), x.numel() // x.shape[1])])
        each = own.new_empty(dist.get_world_size(), len(own))
        dist.all_gather(list(each.unbind()), own)
        means, variances, counts = each.split([len(mean), len(mean), 1], 1)
        pixels = counts.sum()
        whole_mean = (counts * means).sum(0) / pixels
        # Chan et al. 1979: exact also where the mean is large beside the deviation.
        whole_var = (counts * (variances + (means - whole_mean).square())).sum(0) / pixels
        mean.lerp_(whole_mean, momentum)
        var.lerp_(whole_var * pixels / (pixels - 1), momentum)
        ctx.save_for_backward(x, weight, whole_mean, whole_var, pixels)
        ctx.eps = eps
        y: Tensor = torch.native_batch_norm(x, weight, bias, whole_mean, whole_var, False, 0.0, eps)[0]
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, var, pixels = ctx.saved_tensors
        last = x.is_contiguous(memory_format=torch.channels_last)
        dy = gradients[0].contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
        _, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            dy, x, weight, mean, var, mean, var, False, ctx.eps, [False, True, True]
        )
        whole = torch.stack([dweight, dbias])
        dist.all_reduce(whole)
        scale = (var + ctx.eps).rsqrt()
        # dx = a·dy + b·(x − mean) + c
        a, b, c = weight * scale, -weight * scale * scale * whole[0] / pixels, -weight * scale * whole[1] / pixels
        dx = torch.native_batch_norm(x, b, c, mean, torch.ones_like(var), False, 0.0, 0.0)[0]
        return torch.addcmul(dx, dy, a.to(dy.dtype)[:, None, None]), dweight, dbias, None, None, None, None


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose losses are summed too: so is what comes back. To be differentiated at will."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        whole = own.clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _sum(gradients[0])


def _sum(own: Tensor) -> Tensor:
    found: Tensor = _Sum.apply(own)
    return found


def _twice(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, momentum: float, eps: float) -> Tensor:
    """Return the same of operations that can be differentiated as often as one likes, which takes more memory."""
    pixels = torch.tensor(float(x.numel() // x.shape[1]), device=x.device)
    dist.all_reduce(pixels)
    given = x.float()
    whole_mean = _sum(given.sum(DIMS)) / pixels
    centred = given - whole_mean[:, None, None]
    whole_var = _sum(centred.square().sum(DIMS)) / pixels
    with torch.no_grad():
        mean.lerp_(whole_mean, momentum)
        var.lerp_(whole_var * pixels / (pixels - 1), momentum)
    scale = weight * (whole_var + eps).rsqrt()
    return (centred * scale[:, None, None] + bias[:, None, None]).to(x.dtype)
