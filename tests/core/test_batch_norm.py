import copy

import pytest
import torch
from torch import Tensor, nn

from core.batch_norm import BatchNorm2d


def both(channels: int, size: tuple[int, int, int] = (8, 16, 16)) -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    """Ours, torch's own in double precision with the same numbers, a batch (bf16, channels last) and a gradient."""
    torch.manual_seed(channels)
    ours = BatchNorm2d(channels)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    theirs = nn.BatchNorm2d(channels)
    theirs.load_state_dict(ours.state_dict())
    batch, height, width = size
    x, g = (3 * torch.randn(2, batch, channels, height, width) + 2).to(torch.bfloat16).unbind()
    last = torch.channels_last
    return ours, theirs.double(), x.contiguous(memory_format=last), g.contiguous(memory_format=last)


@pytest.mark.parametrize(("channels", "size"), [(7, (8, 16, 16)), (14, (8, 16, 16)), (28, (2, 5, 3)), (3, (1, 7, 9))])
def test_the_same_as_torchs_own_in_double_precision_up_to_bf16(channels: int, size: tuple[int, int, int]) -> None:
    ours, theirs, x, g = both(channels, size)
    for _ in range(2):  # running numbers move twice
        mine, other = x.clone().requires_grad_(), x.double().requires_grad_()
        ours.zero_grad()
        theirs.zero_grad()
        y, want = ours(mine), theirs(other)
        y.backward(g)
        want.backward(g.double())
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert mine.grad is not None
    assert other.grad is not None
    for name, got, expected in (("y", y, want), ("dx", mine.grad, other.grad)):
        error = (got.double() - expected).abs().max() / expected.abs().max()
        assert error < 2**-7, f"{name} is off by {error}"  # bf16 has 8 bits
    for got, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(got.grad.double(), expected.grad, rtol=1e-3, atol=1e-2)  # type: ignore[union-attr]
    for name, expected in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name].double(), expected.double(), rtol=1e-5, atol=1e-5)


def test_a_channel_far_from_zero_keeps_its_variance() -> None:
    ours, theirs, x, _ = both(7)
    x = (x.float() * 0.1 + 100).to(torch.bfloat16)
    ours(x), theirs(x.double())
    torch.testing.assert_close(ours.running_var.double(), theirs.running_var, rtol=1e-4, atol=1e-6)  # type: ignore[operator]


def test_what_follows_may_change_it_in_place() -> None:
    ours, _, x, g = both(7)
    x.requires_grad_()
    once = ours(x)
    once = torch.autograd.grad(torch.relu(once), x, g)[0]
    again = torch.autograd.grad(torch.relu_(ours(x)), x, g)[0]
    assert torch.equal(once, again)


def test_the_quick_way_refuses_to_be_differentiated_twice_and_torchs_own_is_taken_where_that_is_asked_for() -> None:
    ours, _, x, _ = both(7)
    x.requires_grad_()

    def gradient() -> Tensor:
        return torch.autograd.grad(ours(x).float().square().sum(), x, create_graph=True)[0]

    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient().float().square().sum().backward()
    ours.twice = True  # type: ignore[assignment]
    gradient().float().square().sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("change", ["evaluation", "fp32", "rows", "many", "twice"])
def test_everything_else_is_torchs_own_bit_for_bit(change: str) -> None:
    ours, _, x, _ = both(40 if change == "many" else 7)
    theirs = nn.BatchNorm2d(x.shape[1])
    theirs.load_state_dict(ours.state_dict())
    ours.twice = change == "twice"  # type: ignore[assignment]
    ours.train(change != "evaluation")
    theirs.train(change != "evaluation")
    x = x.float() if change == "fp32" else x.contiguous() if change == "rows" else x
    assert torch.equal(ours(x), theirs(x))
    assert all(torch.equal(a, b) for a, b in zip(ours.buffers(), theirs.buffers(), strict=True))


def test_the_same_bits_every_time() -> None:
    ours, _, x, _ = both(7)
    assert torch.equal(copy.deepcopy(ours)(x), ours(x))
