import numpy as np
import pytest
import torch
from captum.attr import Saliency

from core.attribution import SCORES, Prepared, Score, network, saliency
from core.models import build
from tests.core.attribution.nets import convnet, gradient, photos, randomise

TARGETS = torch.tensor([0, 3, 1, 0, 2])


def test_saliency_equals_captum() -> None:
    model, images = convnet(), photos(5)
    expected = Saliency(model).attribute(images.clone().requires_grad_(), target=TARGETS).amax(dim=1).numpy()
    got = saliency(Prepared(model, images), images, TARGETS)
    np.testing.assert_allclose(got.maps, expected, rtol=1e-6)
    assert np.isnan(got.gap).all()
    assert (got.difference == 0).all()
    assert (got.evaluations == 1).all()
    assert got.converged.all()
    assert got.maps.dtype == np.float32


def test_a_resnet_in_single_precision_equals_captum() -> None:
    model, images, targets = randomise(build("resnet18", 5)), photos(2, 64, 64, torch.float32), torch.tensor([0, 4])
    expected = Saliency(model).attribute(images.clone().requires_grad_(), target=targets).amax(dim=1).numpy()
    np.testing.assert_allclose(
        saliency(Prepared(model, images), images, targets).maps, expected, atol=2e-3 * expected.max()
    )


@pytest.mark.parametrize("score", SCORES)
def test_each_score_has_its_gradient(score: Score) -> None:
    model, images = convnet(), photos(5)
    expected = gradient(model, images, TARGETS, score).abs().amax(dim=1)
    np.testing.assert_allclose(saliency(Prepared(model, images), images, TARGETS, score).maps, expected, rtol=1e-6)


@pytest.mark.parametrize("chunk", [1, 2, 4, 100])
def test_batch_chunk_and_order_change_rounding_only(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = convnet(), photos(5)
    expected = saliency(Prepared(model, images), images, TARGETS).maps
    monkeypatch.setattr(network, "MOST", chunk)
    np.testing.assert_allclose(saliency(Prepared(model, images), images, TARGETS).maps, expected, rtol=1e-6)
    for order in ([4, 3, 2, 1, 0], [3]):
        np.testing.assert_allclose(
            saliency(Prepared(model, images), images[order], TARGETS[order]).maps, expected[order], rtol=1e-6
        )


def test_no_images_give_no_maps() -> None:
    got = saliency(Prepared(convnet(), photos(1)), photos(0), np.zeros(0, dtype=int))
    assert got.maps.shape == (0, 13, 10)
    assert got.gap.shape == got.evaluations.shape == (0,)


def test_wrong_use_is_refused() -> None:
    prepared, images = Prepared(convnet(), photos(1)), photos(2)
    for targets in ([0], [0, -1], [0.0, 1.0]):
        with pytest.raises(ValueError, match="class numbers"):
            saliency(prepared, images, np.array(targets))
    with pytest.raises(ValueError, match="N, C, H, W"):
        saliency(prepared, images[0], np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="log_softmax"):
        saliency(prepared, images, np.array([0, 1]), "odds")  # type: ignore[arg-type]
