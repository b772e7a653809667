"""Maps against Captum, closed forms, and themselves in other batches."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import core.torchvision_shim  # noqa: F401
from core import attribution
from core.attribution import METHODS, explain, integrated_gradients, pick_targets, relevance, saliency
from core.errors import UserError

from captum.attr import IntegratedGradients, Saliency  # isort: skip
from torchvision.models import resnet18  # isort: skip

BOTH = sorted(METHODS)


def convnet(classes: int = 4, channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, classes),
    ).eval()


def photos(n: int, height: int = 13, width: int = 10, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(n, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=dtype)


class Polynomial(nn.Module):
    """Logit c is Σ w_c·x + q_c·x²: the gradient is linear along the path, so two points are exact."""

    def __init__(self, square: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
        self.q = square * self.w.detach().flip(0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nchw,kchw->nk", x, self.w) + torch.einsum("nchw,kchw->nk", x * x, self.q)


@pytest.fixture(scope="module", params=["convnet", "resnet18"])
def network(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor, Tensor]:
    if request.param == "convnet":
        return convnet(), photos(5), torch.tensor([0, 3, 1, 0, 2])
    torch.manual_seed(0)
    return resnet18(num_classes=5).eval(), photos(2, 64, 64), torch.tensor([0, 4])


def test_integrated_gradients_equal_captum(network: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, targets = network
    expected = IntegratedGradients(model).attribute(images, target=targets, n_steps=7).sum(dim=1).detach().numpy()
    got = integrated_gradients(model, images, targets, points=7)
    np.testing.assert_allclose(got.maps, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    with torch.no_grad():
        rows = torch.arange(len(images))
        delta = (model(images)[rows, targets] - model(torch.zeros_like(images))[rows, targets]).numpy()
    np.testing.assert_allclose(got.gap, np.abs(expected.sum((1, 2)) - delta) / np.abs(delta), rtol=1e-2, atol=1e-4)


def test_saliency_equals_captum(network: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, targets = network
    expected = Saliency(model).attribute(images.clone().requires_grad_(), target=targets).amax(dim=1).numpy()
    got = saliency(model, images, targets)
    np.testing.assert_allclose(got.maps, expected, rtol=1e-4, atol=1e-5 * expected.max())
    assert np.isnan(got.gap).all()
    assert got.evaluations == len(images)


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 13, 10), (4, 3, 13, 10)])
def test_a_baseline_of_any_fitting_shape(shape: tuple[int, ...]) -> None:
    model, images, targets = convnet().double(), photos(4, dtype=torch.float64), torch.tensor([0, 1, 2, 3])
    baseline = torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    whole = baseline.expand_as(images)
    expected = IntegratedGradients(model).attribute(images, whole, target=targets, n_steps=9).sum(dim=1)
    got = integrated_gradients(model, images, targets, baseline, points=9)
    np.testing.assert_allclose(got.maps, expected.detach(), rtol=1e-5, atol=1e-7)


def test_a_linear_network_is_its_weights_times_the_path() -> None:
    model, images = Polynomial(0).eval(), photos(3, 6, 5, torch.float64)
    baseline = torch.full((3, 1, 1), 0.3, dtype=torch.float64)
    got = integrated_gradients(model, images, torch.tensor([0, 1, 3]), baseline, points=1)
    expected = (model.w[[0, 1, 3]] * (images - baseline)).sum(dim=1).detach().numpy()
    np.testing.assert_allclose(got.maps, expected, rtol=1e-6, atol=1e-7)
    assert (got.gap < 1e-12).all()


def test_a_quadratic_network_is_exact_with_two_points() -> None:
    model, images, targets = Polynomial(0.5).eval(), photos(3, 6, 5, torch.float64), torch.tensor([0, 1, 3])
    got = integrated_gradients(model, images, targets, points=2)
    expected = (model.w[targets] * images + model.q[targets] * images**2).sum(dim=1).detach().numpy()
    np.testing.assert_allclose(got.maps, expected, rtol=1e-6, atol=1e-7)
    assert (got.gap < 1e-12).all()


def test_completeness_gap_closes_with_points() -> None:
    model, images, targets = convnet().double(), photos(6, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0, 1])
    coarse, fine = (integrated_gradients(model, images, targets, points=p).gap for p in (2, 128))
    assert np.median(fine) < 0.02
    assert np.median(fine) < np.median(coarse) / 5


@pytest.mark.parametrize("chunk", [1, 3, 7, 16, 1000])
def test_chunk_changes_rounding_only(chunk: int) -> None:
    model, images, targets = convnet(), photos(5), torch.tensor([0, 3, 1, 0, 2])
    reference = integrated_gradients(model.double(), images.double(), targets, points=6, chunk=30)
    got = integrated_gradients(model.double(), images.double(), targets, points=6, chunk=chunk)
    np.testing.assert_allclose(got.maps, reference.maps, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(got.gap, reference.gap, rtol=1e-5)
    assert got.evaluations == reference.evaluations == 5 * 6 + 5 + 1


@pytest.mark.parametrize("method", BOTH)
def test_batch_and_order_change_rounding_only(method: str) -> None:
    model, images, targets = convnet().double(), photos(20, dtype=torch.float64), torch.arange(20) % 4
    together = explain(model, images, targets, method, 5)
    alone = [explain(model, images[i : i + 1], targets[i : i + 1], method, 5).maps[0] for i in range(20)]
    backwards = explain(model, images.flip(0), targets.flip(0), method, 5)
    np.testing.assert_allclose(together.maps, np.stack(alone), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(together.maps, backwards.maps[::-1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("size", [(1, 13, 10), (1, 9, 31), (3, 33, 7)])
def test_maps_have_the_size_of_the_images(method: str, size: tuple[int, int, int]) -> None:
    got = explain(convnet(), photos(*size), np.zeros(size[0], dtype=np.int32), method, 3)
    assert got.maps.shape == size
    assert got.maps.dtype == got.gap.dtype == np.float32
    assert got.gap.shape == size[:1]


@pytest.mark.parametrize("method", BOTH)
def test_no_images_give_no_maps(method: str) -> None:
    assert explain(convnet(), photos(0), np.zeros(0, dtype=int), method, 3).maps.shape == (0, 13, 10)


@pytest.mark.parametrize("method", BOTH)
def test_class_zero_is_a_class(method: str) -> None:
    model, images = convnet(), photos(2)
    zero, one = (explain(model, images, torch.full((2,), c), method, 4).maps for c in (0, 1))
    head = convnet()
    with torch.no_grad():
        head[-1].weight[1:] = 0
    np.testing.assert_allclose(zero, explain(head, images, torch.zeros(2, dtype=torch.long), method, 4).maps, rtol=1e-5)
    assert not np.allclose(zero, one)


def test_the_logit_is_explained_not_the_probability() -> None:
    model, images, targets = convnet(), photos(2), torch.tensor([0, 1])
    shifted = nn.Sequential(model, nn.Linear(4, 4)).eval()
    with torch.no_grad():
        shifted[1].weight.copy_(torch.eye(4))
        shifted[1].bias.copy_(torch.tensor([0.0, 0.0, 50.0, 0.0]))
    a, b = (saliency(m, images, targets).maps for m in (model, shifted))
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_an_image_equal_to_the_baseline_has_no_signal_and_no_gap() -> None:
    torch.manual_seed(0)
    images = torch.cat([torch.zeros(1, 3, 64, 64), photos(2, 64, 64)])
    got = integrated_gradients(resnet18(num_classes=5).eval(), images, torch.tensor([0, 1, 2]), points=3)
    assert (got.maps[0] == 0).all()
    assert got.gap[0] == 0
    assert np.isfinite(got.maps).all()
    assert np.isfinite(got.gap[1:]).all()


def test_a_gap_over_no_difference_is_undefined() -> None:
    class Even(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return ((x - 1) ** 2).sum(dim=(1, 2, 3))[:, None]

    # f(2) = f(0), and the one point is the middle, where the gradient is 0.
    got = integrated_gradients(Even().eval(), torch.full((1, 1, 2, 2), 2.0), torch.zeros(1, dtype=torch.long), points=1)
    assert got.gap[0] == 0
    total = torch.tensor([0.5, 0.0, 0.0, 0.5], dtype=torch.float64)
    begin, end = torch.ones(4), torch.tensor([1.0, 1.0, 1 + 3e-7, 2.0])
    np.testing.assert_array_equal(attribution._gap(total, end, begin), [np.nan, 0, 0, 0.5])


def test_parameters_need_no_gradients_and_get_none() -> None:
    model, images, targets = convnet(), photos(2), torch.tensor([0, 1])
    expected = integrated_gradients(model, images, targets, points=3).maps
    assert all(p.grad is None for p in model.parameters())
    model.requires_grad_(False)
    with torch.no_grad():
        np.testing.assert_array_equal(integrated_gradients(model, images, targets, points=3).maps, expected)
    assert not images.requires_grad


@pytest.mark.parametrize("method", BOTH)
def test_wrong_use_is_refused(method: str) -> None:
    model, images = convnet(), photos(2)
    for targets in ([0], [0, -1], [0.0, 1.0]):
        with pytest.raises(ValueError, match="class numbers"):
            explain(model, images, np.array(targets), method, 3)
    with pytest.raises(ValueError, match="N, C, H, W"):
        explain(model, images[0], np.array([0, 1, 2]), method, 3)
    model[4].train()
    with pytest.raises(ValueError, match="eval mode"):
        explain(model, images, np.array([0, 1]), method, 3)


def test_points_and_chunk_must_be_positive() -> None:
    for wrong in ({"points": 0}, {"chunk": 0}):
        with pytest.raises(ValueError, match="positive"):
            integrated_gradients(convnet(), photos(1), torch.tensor([0]), **wrong)


def test_methods_are_declared() -> None:
    assert BOTH == ["integrated_gradients", "saliency"]
    for name, method in METHODS.items():
        assert method.name == name
        assert method.sentence.endswith(".")
        assert method.reference
    with pytest.raises(UserError, match="Did you mean saliency"):
        explain(convnet(), photos(1), np.array([0]), "salience", 3)


def test_relevance_of_one_signed_maps() -> None:
    maps = -np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    np.testing.assert_array_equal(relevance(maps, "integrated_gradients"), -maps)
    np.testing.assert_array_equal(relevance(-maps, "saliency"), -maps)


def test_targets_follow_the_policy() -> None:
    labels = np.array([0, 2, 1], dtype=np.int32)
    teacher = np.array([[3, 1, 2], [1, 3, 2], [9, 9, 0]], dtype=np.float16)
    own = np.array([[0, 0, 1], [1, 0, 0], [0, 2, 0]], dtype=np.float16)
    expected = {"teacher": [0, 1, 0], "label": [0, 2, 1], "own": [2, 0, 1]}
    for policy, classes in expected.items():
        got = pick_targets(policy, labels, teacher, own)
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got, classes)
    with pytest.raises(UserError, match="no target called 'student'"):
        pick_targets("student", labels, teacher, own)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", BOTH)
def test_a_gpu_gives_the_same_maps(method: str) -> None:
    model, images, targets = convnet().double(), photos(5, dtype=torch.float64), torch.tensor([0, 3, 1, 0, 2])
    on_cpu = explain(model, images, targets, method, 6)
    on_gpu = explain(model.cuda(), images, targets, method, 6)
    np.testing.assert_allclose(on_gpu.maps, on_cpu.maps, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(on_gpu.maps, explain(model, images.cuda(), targets.cuda(), method, 6).maps)
