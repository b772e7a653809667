import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from core.attribution import BASELINES, SCORES, Baseline, Prepared, Score, Settings, baseline, explain, network
from core.attribution.captum_reference import captum_integrated_gradients
from core.models import build
from tests.core.attribution.nets import convnet, error, photos, randomise

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.2)


def by_captum(model: nn.Module, images: Tensor, targets: Tensor, begin: Tensor, score: Score = "logit") -> np.ndarray:
    last = {"logit": nn.Identity(), "log_softmax": nn.LogSoftmax(1), "probability": nn.Softmax(1)}[score]
    plain = IntegratedGradients(nn.Sequential(model, last))
    return plain.attribute(images, begin.expand_as(images), target=targets).sum(dim=1).detach().numpy()


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("name", BASELINES)
def test_it_is_captums_own_call_on_the_plain_network(score: Score, name: Baseline) -> None:
    model, images, targets = convnet(), photos(3, 16, 18), torch.tensor([0, 3, 1])
    begin = baseline(name, images, MEAN, STD)
    expected = by_captum(model, images, targets, begin, score)
    got = explain(Prepared(model, images), images, targets, ["captum"], Settings(score=score), baseline=begin)["captum"]
    np.testing.assert_allclose(got.maps, expected, rtol=1e-5, atol=1e-7)
    assert (got.evaluations == 52).all()
    assert np.isnan(got.difference).all()
    assert np.isnan(got.region_difference).all()
    assert not got.converged.any()


@pytest.mark.parametrize(("precision", "most"), [(torch.float64, 1e-6), (torch.float32, 1e-2)])
def test_it_is_captums_own_call_on_a_resnet(precision: torch.dtype, most: float) -> None:
    """In single precision one of the many ReLUs may be on at a point here and off there: some pixels feel it."""
    model, images = randomise(build("resnet18", 5)).to(precision), photos(2, 32, 32, precision)
    targets = torch.tensor([0, 4])
    expected = by_captum(model, images, targets, torch.zeros(1))
    got = captum_integrated_gradients(Prepared(model, images), images, targets).maps
    assert (error(got, expected) < most).all()


def test_its_gap_is_of_the_two_ends() -> None:
    model, images, targets = convnet(), photos(3), torch.tensor([0, 3, 1])
    begin = 0.2 * photos(4)[3:]
    got = captum_integrated_gradients(Prepared(model, images), images, targets, baseline=begin)
    change = (model(images) - model(begin))[[0, 1, 2], targets].detach().numpy()
    np.testing.assert_allclose(got.gap, abs(got.maps.sum((1, 2)) - change) / abs(change), rtol=1e-3, atol=1e-5)


def test_many_images_go_through_in_passes_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, targets = convnet(), photos(5), torch.tensor([0, 3, 1, 0, 2])
    monkeypatch.setattr(network, "MOST", 2)
    prepared, sizes = Prepared(model, images), list[int]()
    prepared.body.register_forward_hook(lambda module, given, out: sizes.append(len(out)))
    got = captum_integrated_gradients(prepared, images, targets)
    np.testing.assert_allclose(got.maps, by_captum(model, images, targets, torch.zeros(1)), rtol=1e-5, atol=1e-7)
    assert max(sizes) == 2


def test_no_images_and_wrong_use() -> None:
    prepared = Prepared(convnet(), photos(1))
    got = captum_integrated_gradients(prepared, photos(0), np.zeros(0, dtype=int))
    assert got.maps.shape == (0, 13, 10)
    assert (got.evaluations.dtype, got.converged.dtype) == (np.int32, np.bool_)
    with pytest.raises(ValueError, match="class numbers"):
        captum_integrated_gradients(prepared, photos(2), np.array([0, -1]))
    with pytest.raises(ValueError, match="log_softmax"):
        captum_integrated_gradients(prepared, photos(1), np.array([0]), score="odds")  # type: ignore[arg-type]
