"""The methods that Captum computes, held against Captum called directly on the plain network."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, LayerAttribution, LayerGradCam, NoiseTunnel, Saliency
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from core.attribution import SCORES, Prepared, Score, Settings, explain, network, saliency
from core.attribution.captum_methods import NOISE, grad_cam, last_grid, smoothgrad
from core.errors import UserError
from core.methods import METHODS
from core.models import build
from tests.core.attribution.nets import convnet, gradient, photos, randomise

NAMES = ["smoothgrad", "input_x_gradient", "grad_cam"]
TARGETS = torch.tensor([0, 3, 1])


def run(model: nn.Module, images: Tensor, targets: Tensor, name: str, score: Score = "logit") -> np.ndarray:
    return explain(Prepared(model, images), images, targets, [name], Settings(score=score))[name].maps


def scored(model: nn.Module, score: Score) -> nn.Module:
    last = {"logit": nn.Identity(), "log_softmax": nn.LogSoftmax(1), "probability": nn.Softmax(1)}[score]
    return nn.Sequential(model, last).requires_grad_(False).eval()


def starts_in_place() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.ReLU(inplace=True), nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(6, 4)).double().eval()


@pytest.mark.parametrize("score", SCORES)
def test_input_x_gradient_is_captums_own_call(score: Score) -> None:
    model, images = convnet(), photos(3)
    plain = InputXGradient(scored(model, score)).attribute(images.clone().requires_grad_(), target=TARGETS)
    got = run(model, images, TARGETS, "input_x_gradient", score)
    np.testing.assert_allclose(got, plain.sum(dim=1).detach().numpy(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("score", SCORES)
def test_grad_cam_is_captums_own_call(score: Score) -> None:
    model, images = convnet(), photos(3, 16, 18)
    whole = scored(model, score)
    # The last grid is what AdaptiveAvgPool2d(2) leaves.
    coarse = LayerGradCam(whole, whole[0][7]).attribute(images, target=TARGETS, relu_attributions=True)
    plain = LayerAttribution.interpolate(coarse, (16, 18), "bilinear")[:, 0].detach().numpy()
    np.testing.assert_allclose(run(model, images, TARGETS, "grad_cam", score), plain, rtol=1e-5, atol=1e-8)


def test_grad_cam_of_a_resnet_is_of_its_last_block() -> None:
    model, images = randomise(build("resnet18", 5)), photos(2, 64, 64, torch.float32)
    targets = torch.tensor([0, 4])
    coarse = LayerGradCam(model, model.layer4).attribute(images, target=targets, relu_attributions=True)
    plain = LayerAttribution.interpolate(coarse, (64, 64), "bilinear")[:, 0].detach().numpy()
    got = run(model, images, targets, "grad_cam")
    np.testing.assert_allclose(got, plain, rtol=1e-3, atol=1e-4 * plain.max())


@pytest.mark.parametrize("name", ["densenet121", "mobilenet_v3_small", "squeezenet1_1", "convnext_tiny", "swin_t"])
def test_every_network_with_a_grid_has_a_last_one(name: str) -> None:
    with torch.device("meta"):
        model = build(name, 3).eval()
        seen: list[torch.Size] = []
        last = last_grid(model, torch.zeros(1, 3, 96, 96))
        last.register_forward_hook(lambda module, given, out: seen.append(out.shape))
        model(torch.zeros(1, 3, 96, 96))
    assert tuple(seen[-1][2:]) in {(3, 3), (5, 5), (6, 6)}, "channels come first, cells last"


@pytest.mark.parametrize("kind", ["transformer", "linear"])
def test_grad_cam_without_a_grid_is_one_sentence(kind: str) -> None:
    if kind == "transformer":
        model: nn.Module = VisionTransformer(16, 8, 2, 2, 8, 16, num_classes=4)
    else:
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4))
    with pytest.raises(UserError, match="choose another method"):
        run(model.eval(), photos(1, 16, 16, torch.float32), torch.tensor([0]), "grad_cam")


def test_smoothgrad_is_captums_own_call_but_for_the_noise() -> None:
    model, images = convnet(), photos(1)
    torch.manual_seed(7)
    deviation = NOISE * float(images.max() - images.min())
    tunnel = NoiseTunnel(Saliency(scored(model, "logit")))
    options = {"nt_type": "smoothgrad", "nt_samples": 400, "stdevs": deviation, "target": 3, "abs": False}
    plain = tunnel.attribute(images.clone().requires_grad_(), **options).abs().amax(dim=1).detach().numpy()
    got = smoothgrad(Prepared(model, images), images, TARGETS[1:2], samples=400).maps
    # Captum's noise is of another stream: two means of 400 samples.
    assert np.linalg.norm(got - plain) < 0.1 * np.linalg.norm(plain)
    unsmoothed = gradient(model, images, TARGETS[1:2]).abs().amax(dim=1).numpy()
    assert np.linalg.norm(got - unsmoothed) > 3 * np.linalg.norm(got - plain)


def test_smoothgrad_is_the_mean_gradient_over_its_noise() -> None:
    model, images = convnet(), photos(1)
    random = torch.Generator().manual_seed(0)
    noise = torch.stack([torch.randn(3, 13, 10, generator=random, dtype=torch.float64) for _ in range(24)])
    # Captum keeps the deviation in single precision.
    deviation = float(torch.tensor(NOISE * float(images.max() - images.min())))
    noisy = images + deviation * noise.float()
    mean = gradient(model, noisy, TARGETS[1:2].expand(24)).mean(dim=0)
    got = run(model, images, TARGETS[1:2], "smoothgrad")
    np.testing.assert_allclose(got[0], mean.abs().amax(0).numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("most", [1, 5, 16])
def test_smoothgrad_depends_on_nothing_around_it(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = convnet(), photos(3)
    expected = run(model, images, TARGETS, "smoothgrad")
    monkeypatch.setattr(network, "MOST", most)
    torch.manual_seed(most)
    before = torch.random.get_rng_state()
    alone = run(model, images[2:], TARGETS[2:], "smoothgrad")
    np.testing.assert_allclose(alone[0], expected[2], rtol=1e-9)
    assert torch.equal(torch.random.get_rng_state(), before), "nobody else's random numbers are touched"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [convnet, starts_in_place])
def test_maps_are_finite_and_fit(name: str, make: object) -> None:
    model, images = make(), photos(3)  # type: ignore[operator]
    before, weights = images.clone(), [weight.clone() for weight in model.parameters()]
    prepared = Prepared(model, images)
    got = explain(prepared, images, TARGETS, [name])[name]
    assert got.maps.shape == (3, 13, 10)
    assert got.maps.dtype == np.float32
    assert np.isfinite(got.maps).all()
    assert METHODS[name].signed or (got.maps >= 0).all()
    one = explain(prepared, images[:1], TARGETS[:1], [name])[name]
    np.testing.assert_allclose(one.maps[0], got.maps[0], rtol=1e-5, atol=1e-9)
    assert torch.equal(images, before)
    assert all(map(torch.equal, model.parameters(), weights))
    modules = [*model.modules(), *prepared.body.modules()]
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in modules)


@pytest.mark.parametrize("name", NAMES)
def test_the_class_explained_matters(name: str) -> None:
    model, images = convnet(), photos(1)
    first, third = (run(model, images, torch.tensor([target]), name) for target in (0, 2))
    assert not np.allclose(first, third, rtol=0.01)


def test_grad_cam_in_many_threads_is_as_in_one() -> None:
    model, images = convnet(), photos(8, 24, 24)
    prepared, targets = Prepared(model, images), torch.arange(8) % 4
    expected = grad_cam(prepared, images, targets).maps

    def one(i: int) -> np.ndarray:
        saliency(prepared, images[i : i + 1], targets[i : i + 1])
        return grad_cam(prepared, images[i : i + 1], targets[i : i + 1]).maps[0]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(one, list(range(8)) * 4))
    np.testing.assert_allclose(found, np.tile(expected, (4, 1, 1)), rtol=1e-5, atol=1e-9)


def test_a_small_budget_takes_fewer_noisy_copies() -> None:
    model, images = convnet(), photos(1)
    got = explain(Prepared(model, images), images, TARGETS[:1], ["smoothgrad"], Settings(budget=9))["smoothgrad"]
    assert got.evaluations.tolist() == [9]
    assert np.isnan(got.difference).all()
    assert not got.converged.any()
