import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from core.attribution import Prepared, Score, integrated_gradients, network, saliency
from core.models import build
from tests.core.attribution.nets import convnet, error, gradient, photos, randomise, reference
from tests.faults import Faults

FAMILIES = {
    "resnet18": (32, True),
    "squeezenet1_0": (40, True),
    "densenet121": (32, True),
    "mobilenet_v3_small": (32, True),
    "efficientnet_b0": (32, True),
    "convnext_tiny": (32, True),
    "swin_t": (32, True),
    "googlenet": (32, True),
    "inception_v3": (75, True),
    "vit": (32, False),
}
"""Each with a size of image that is quick, and whether its first layer can be taken apart."""


def family(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name == "vit":
        small = VisionTransformer(32, 16, num_layers=2, num_heads=2, hidden_dim=24, mlp_dim=32, num_classes=5)
        nn.init.normal_(small.heads.head.weight)
        return small.double().eval()
    return randomise(build(name, 5).double())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_of_networks_keeps_its_logits_and_gradients(name: str) -> None:
    size, apart = FAMILIES[name]
    model, images, targets = family(name), photos(2, size, size), torch.tensor([0, 3])
    prepared = Prepared(model, images)
    assert (prepared.stem is not None) == apart
    with torch.no_grad():
        torch.testing.assert_close(prepared(images), model(images), rtol=1e-9, atol=1e-9)
    values, behind = prepared.gradient(prepared.enter(images), targets, "logit")
    torch.testing.assert_close(values, model(images)[[0, 1], targets].detach(), rtol=1e-9, atol=1e-9)
    expected = gradient(model, images, targets)
    assert float(expected.abs().max()) > 0
    got = prepared.leave(behind, tuple(images.shape[1:]))
    torch.testing.assert_close(got, expected, rtol=1e-7, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize("score", ["log_softmax", "probability"])
def test_other_scores_have_their_own_values_and_gradients(score: Score) -> None:
    model, images, targets = convnet(), photos(3), torch.tensor([0, 3, 1])
    prepared = Prepared(model, images)
    values, behind = prepared.gradient(prepared.enter(images), targets, score)
    logits = model(images).detach()
    logs = logits[[0, 1, 2], targets] - logits.exp().sum(dim=1).log()
    torch.testing.assert_close(values, logs.exp() if score == "probability" else logs)
    torch.testing.assert_close(prepared.leave(behind, (3, 13, 10)), gradient(model, images, targets, score))


def test_no_batch_norm_is_left_in_a_resnet() -> None:
    prepared = Prepared(randomise(build("resnet18", 5)), photos(1, 32, 32))
    called: list[type] = []
    for module in prepared.body.modules():
        module.register_forward_hook(lambda module, given, out: called.append(type(module)))
    with torch.no_grad():
        prepared(photos(1, 32, 32, torch.float32))
    assert called.count(nn.Conv2d) == 19, "the twentieth is the stem"
    assert nn.BatchNorm2d not in called
    assert not any(p.requires_grad for p in prepared.body.parameters())


def test_folding_changes_no_map() -> None:
    model, images, targets = convnet(), photos(2), torch.tensor([0, 3])
    plain = Prepared(model, images)
    plain.stem, plain.body = None, model
    a, b = (integrated_gradients(p, images, targets, tolerance=0, budget=64) for p in (Prepared(model, images), plain))
    np.testing.assert_allclose(a.maps, b.maps, rtol=1e-5, atol=1e-7)


class First(nn.Module):
    """A first layer, and what a network may do with it."""

    def __init__(self, first: nn.Module, enter: Callable[[nn.Module, Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.first, self.then, self.enter = first, nn.Conv2d(6, 4, 2), enter

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x) if self.enter is None else self.enter(self.first, x)
        return self.then(x.tanh()).mean(dim=(2, 3))


def join(first: nn.Module, x: Tensor) -> Tensor:
    return first(x) + x.mean(dim=1, keepdim=True)


def shift(first: nn.Module, x: Tensor) -> Tensor:
    return first(torch.cat([x[:, :1] * 0.5, x[:, 1:]], dim=1))


def twice(first: nn.Module, x: Tensor) -> Tensor:
    return first(x).sin() + first(x)


def changed_in_place(first: nn.Module, x: Tensor) -> Tensor:
    return torch.nn.functional.relu(first(x), inplace=True)


def method_in_place(first: nn.Module, x: Tensor) -> Tensor:
    return first(x).relu_()


def shared_behind(first: nn.Module, x: Tensor) -> Tensor:
    x = first(x)
    return x.sin() + x


class Standardised(nn.Conv2d):
    """Its weights are not those that it is applied with."""

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return self._conv_forward(x, w / w.std(dim=(1, 2, 3), keepdim=True), self.bias)


class Scaled(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return 3 * super().forward(x)


class Bent(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


def hooked() -> nn.Module:
    first = nn.Conv2d(3, 6, 3)
    first.register_forward_hook(lambda module, given, out: out.clamp(-0.2, 0.2))
    return first


def replaced() -> nn.Module:
    first = nn.Conv2d(3, 6, 3).double()
    plain = first.forward
    first.forward = lambda x: plain(x).clamp(-0.2, 0.2)  # type: ignore[method-assign]
    return first


def by_keyword(first: nn.Module, x: Tensor) -> Tensor:
    out: Tensor = first(input=x)
    return out


FIRSTS: dict[str, tuple[First, bool]] = {
    "plain": (First(nn.Conv2d(3, 6, 3)), True),
    "strided, dilated, grouped": (First(nn.Conv2d(3, 6, 3, 2, (2, 1), dilation=2, groups=3, bias=False)), True),
    "two branches behind it": (First(nn.Conv2d(3, 6, 3), shared_behind), True),
    "changed in place behind it": (First(nn.Conv2d(3, 6, 3), changed_in_place), True),
    "changed by a method behind it": (First(nn.Conv2d(3, 6, 3), method_in_place), True),
    "padding='same'": (First(nn.Conv2d(3, 6, 3, padding="same")), False),
    "reflection": (First(nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect")), False),
    "input shared by two branches": (First(nn.Conv2d(3, 6, 3, padding=1), join), False),
    "input changed before it": (First(nn.Conv2d(3, 6, 3), shift), False),
    "called twice": (First(nn.Conv2d(3, 6, 3), twice), False),
    "not a convolution": (First(nn.Sequential(nn.Tanh(), nn.Conv2d(3, 6, 3))), False),
    "called by keyword": (First(nn.Conv2d(3, 6, 3), by_keyword), True),
    "weights standardised": (First(Standardised(3, 6, 3)), False),
    "weights standardised, then a norm": (First(nn.Sequential(Standardised(3, 6, 3), nn.GroupNorm(2, 6))), False),
    "scaled": (First(Scaled(3, 6, 3)), False),
    "bent": (First(Bent(3, 6, 3)), False),
    "a hook that clamps": (First(hooked()), False),
    "a forward of its own": (First(replaced()), False),
    "new weight norm": (First(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 6, 3))), False),
    "a change in place": (First(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 6, 3))), False),
}


@pytest.mark.parametrize("name", FIRSTS)
def test_the_first_layer_is_taken_apart_where_that_is_exact(name: str) -> None:
    model, apart = FIRSTS[name]
    model = copy.deepcopy(model).double().eval()
    images, begin, targets = photos(2), photos(4)[2:], torch.tensor([0, 3])
    given, as_it_was = images.clone(), copy.deepcopy(model)
    prepared = Prepared(model, images)
    assert (prepared.stem is not None) == apart
    got = integrated_gradients(prepared, images, targets, baseline=begin, tolerance=0, budget=128)
    assert (error(got.maps, reference(as_it_was, images, targets, begin, points=128)) < 0.02).all()
    torch.testing.assert_close(images, given, rtol=0, atol=0)


def test_inception_that_transforms_its_input_keeps_its_first_layer() -> None:
    from torchvision.models import inception_v3

    model = inception_v3(num_classes=3, aux_logits=False, transform_input=True, init_weights=False).eval()
    assert Prepared(model, photos(1, 75, 75)).stem is None


def normed(wrap: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """A network that has a BatchNorm behind every convolution, and these wrapped."""
    model = convnet()
    for k in (0, 4):
        model[k] = wrap(model[k])
    return model.eval()


class Keeping(nn.Module):
    """It keeps what it has last seen, with its history."""

    def __init__(self) -> None:
        super().__init__()
        self.model = convnet()
        self(photos(1))

    def forward(self, x: Tensor) -> Tensor:
        self.features = self.model[:4](x)
        out: Tensor = self.model[4:](self.features)
        return out


UNUSUAL: dict[str, Callable[[], nn.Module]] = {
    "weight norm": lambda: normed(nn.utils.parametrizations.weight_norm),
    "spectral norm": lambda: normed(nn.utils.parametrizations.spectral_norm),
    "old weight norm": lambda: normed(nn.utils.weight_norm),
    "old spectral norm": lambda: normed(nn.utils.spectral_norm),
    "an activation as an attribute": lambda: Keeping().eval(),
    "script": lambda: torch.jit.script(convnet()),
    "trace": lambda: torch.jit.trace(convnet(), photos(1)),
    "a hook on a norm": lambda: with_hook(convnet()),
}


def with_hook(model: nn.Module) -> nn.Module:
    model[1].register_forward_hook(lambda module, given, out: out.clamp(max=0.5))
    return model


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_network_is_explained_as_it_is(name: str) -> None:
    model, images, targets = UNUSUAL[name](), photos(2), torch.tensor([0, 3])
    flags = [p.requires_grad for p in model.parameters()]
    got = integrated_gradients(Prepared(model, images), images, targets, tolerance=0, budget=128)
    assert (error(got.maps, reference(model, images, targets, points=128)) < 0.02).all()
    assert flags == [p.requires_grad for p in model.parameters()]
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda out: (out, out), "not tuple"),
        (lambda out: {"logits": out}, "not dict"),
        (lambda out: out[:, :, None], r"not \(1, 4, 1\)"),
        (lambda out: out.detach(), "no gradient"),
    ],
)
def test_what_gives_no_logits_is_refused(give: Callable[[Tensor], Any], message: str) -> None:
    class Giving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = convnet()

        def forward(self, x: Tensor) -> Any:
            return give(self.model(x))

    with pytest.raises(ValueError, match=message):
        Prepared(Giving().eval(), photos(1))


class Branching(nn.Module):
    """A network whose course depends on its input."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if float(x.detach().mean()) < 1 else 3 * self.model(-x)


def test_a_network_whose_course_depends_on_its_input() -> None:
    model, images, targets = Branching(convnet()), photos(2) + 2, torch.tensor([0, 3])
    before = copy.deepcopy(model.state_dict())
    prepared = Prepared(model.eval(), images)
    assert not any(p.requires_grad for p in prepared.body.parameters())
    torch.testing.assert_close(prepared(images), model(images))
    got = saliency(prepared, images, targets)
    np.testing.assert_allclose(got.maps, gradient(model, images, targets).abs().amax(dim=1), rtol=1e-6)
    integrated_gradients(prepared, images, targets, budget=9)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_one_layer_with_two_norms_is_not_folded_twice() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.conv(self.a(self.conv(x)))).mean(dim=(2, 3))

    model = randomise(Shared().double())
    torch.testing.assert_close(Prepared(model, photos(1))(photos(2)), model(photos(2)))


@pytest.mark.parametrize("name", ["convnet", "resnet18", "densenet121"])
def test_the_model_is_never_changed(name: str) -> None:
    model = convnet().float() if name == "convnet" else randomise(build(name, 5))
    next(model.parameters()).requires_grad_(False)

    def state() -> list:
        values = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        flags = [getattr(module, "inplace", None) for module in model.modules()]
        return [[(k, v.clone(), v.stride(), v.requires_grad, v.grad) for k, v in values.items()], flags]

    (before, flags), images = state(), photos(2, 32, 32, torch.float32)
    integrated_gradients(Prepared(model, images), images, torch.tensor([0, 3]), budget=9)
    after, flags_after = state()
    assert flags == flags_after
    for (_, a, *rest), (_, b, *rest_after) in zip(before, after, strict=True):
        assert torch.equal(a, b)
        assert rest == rest_after
    assert True in flags, "there is a layer that works in place"


def test_a_pass_is_as_large_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    image = photos(1, 32, 32)
    assert Prepared(convnet(), photos(1)).chunk(image) == network.MOST
    # The first layer lies outside; then two outputs of 8 channels at 32 pixels, and less.
    least, most = 2 * 8 * 32 * 32 * 8, 5 * 8 * 32 * 32 * 8
    chunks = []
    for memory in (8 * most, 4 * most, 100):
        monkeypatch.setattr(network, "MEMORY", memory)
        chunks.append(Prepared(convnet(), photos(1)).chunk(image))
    assert chunks[2] == 1
    assert 8 <= chunks[0] <= 16 * most // (2 * least)
    assert chunks[1] < chunks[0]
    monkeypatch.setattr(network, "MEMORY", 4 * most)
    assert Prepared(convnet(), photos(1)).chunk(photos(1, 64, 64)) < chunks[1], "a larger image, fewer at once"
    monkeypatch.setattr(network, "MOST", 2)
    assert Prepared(convnet(), photos(1)).chunk(image) == 2


def test_measuring_a_pass_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc

    def tensors() -> int:
        gc.collect()
        return sum(type(thing) is Tensor for thing in gc.get_objects())

    prepared = Prepared(convnet(), photos(1))
    prepared.chunk(photos(1))
    before = tensors()
    for size in range(20, 25):
        prepared.chunk(photos(1, size, size))
    assert tensors() - before < 5


def test_training_mode_is_refused() -> None:
    model = convnet()
    model[5].train()
    with pytest.raises(ValueError, match="eval mode"):
        Prepared(model, photos(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_maps() -> None:
    model, images, targets = convnet(), photos(5), torch.tensor([0, 3, 1, 0, 2])
    on_cpu = integrated_gradients(Prepared(model, images), images, targets)
    on_gpu = integrated_gradients(Prepared(model.cuda(), images), images, targets)
    np.testing.assert_allclose(on_gpu.maps, on_cpu.maps, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(on_gpu.evaluations, on_cpu.evaluations)


def test_own_hooks_are_on_the_same_weights() -> None:
    model, images = convnet(), photos(2)
    prepared = Prepared(model, images)
    own, seen = prepared.with_own_hooks(), list[int]()
    for module in own.modules():
        module.register_forward_hook(lambda module, given, out: seen.append(1))
    with torch.no_grad():
        torch.testing.assert_close(own(images), prepared(images))
        count = len(seen)
        prepared(images)
    assert len(seen) == count > 5
    before = {weight.data_ptr() for weight in (prepared.stem, prepared.body) for weight in weight.parameters()}
    assert {weight.data_ptr() for weight in own.parameters()} == before


@pytest.mark.parametrize(("share", "changed"), [(0.0, 1), (0.5, 2), (1.0, 3)])
def test_weights_are_shuffled_from_the_logits_back(share: float, changed: int) -> None:
    prepared = Prepared(convnet(), photos(1))
    assert prepared.stem is not None
    first, second = (prepared.randomised(share, seed) for seed in (0, 0))
    layers = [[p.stem, *(m for m in p.body.modules() if list(m.parameters(recurse=False)))] for p in (prepared, first)]
    same = [torch.equal(a.weight, b.weight) for a, b in zip(*layers, strict=True)]
    assert same == [True] * (3 - changed) + [False] * changed
    for a, b in zip(*layers, strict=True):
        assert torch.equal(a.weight.flatten().sort().values, b.weight.flatten().sort().values)
    images = photos(2)
    with torch.no_grad():
        assert torch.equal(first(images), second(images))
        assert not torch.allclose(first(images), prepared(images))
        assert not torch.allclose(first(images), prepared.randomised(share, 1)(images))


def test_memory_that_ends_while_a_network_is_made_ready_is_told(tmp_path: Path) -> None:
    """It was made ready in another way, and the maps had other last digits."""
    layers = [nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)]
    model, example = nn.Sequential(*layers).eval(), torch.zeros(1, 3, 4, 4)
    with Faults(tmp_path) as counted:
        ready = Prepared(model, example)
    assert ready.stem is not None
    for nth in range(1, counted.seen["tensor"] + 1):
        with (
            Faults(tmp_path, "tensor", "RuntimeError", nth),
            pytest.raises(RuntimeError, match="can't allocate memory"),
        ):
            Prepared(model, example)
