import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from core.attribution import BASELINES, Prepared, baseline, integrated_gradients
from core.inputs import normalise
from tests.core.attribution.nets import convnet, error, photos, reference

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)


def pixels(side: int = 45, wide: int = 60) -> torch.Tensor:
    return torch.rand(2, 3, side, wide, generator=torch.Generator().manual_seed(6), dtype=torch.float64)


def test_black_and_mean_are_colours_of_the_picture() -> None:
    images = normalise(pixels(), MEAN, STD)
    for name, colour in (("black", (0, 0, 0)), ("mean", MEAN)):
        got = baseline(name, images, MEAN, STD)  # type: ignore[arg-type]
        assert got.shape == (1, 3, 45, 60)
        assert got.dtype == images.dtype
        back = got * torch.tensor(STD).view(1, 3, 1, 1) + torch.tensor(MEAN).view(1, 3, 1, 1)
        np.testing.assert_allclose(back, np.broadcast_to(np.reshape(colour, (1, 3, 1, 1)), back.shape), atol=1e-7)


def test_blurred_is_the_picture_through_a_gaussian() -> None:
    got = baseline("blurred", normalise(pixels(), MEAN, STD), MEAN, STD)
    blurred = [[gaussian_filter(p, 3, mode="mirror", truncate=3) for p in image] for image in pixels().numpy()]
    expected = normalise(torch.tensor(np.array(blurred)), MEAN, STD)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert not np.allclose(got[0], got[1])


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 3), (33, 8)])
def test_images_of_any_size_can_be_blurred(size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), 0.7)
    torch.testing.assert_close(baseline("blurred", flat, MEAN, STD), flat)


@pytest.mark.parametrize("name", BASELINES)
def test_a_path_begins_at_each(name: str) -> None:
    model, images, targets = convnet(), photos(2, 16, 18), torch.tensor([0, 3])
    begin = baseline(name, images, MEAN, STD)  # type: ignore[arg-type]
    got = integrated_gradients(Prepared(model, images), images, targets, baseline=begin, tolerance=0.05)
    assert (error(got.maps, reference(model, images, targets, begin)) < 0.05).all()


@pytest.mark.parametrize("size", [32, 64, 224])
def test_what_is_flat_stays_so_to_the_last_bit_when_blurred(size: int) -> None:
    """Else there would be a map of rounding, and its error bar would be short."""
    levels = torch.linspace(0, 1, 14).view(-1, 1, 1, 1).expand(-1, 3, size, size)
    flat = normalise(levels, MEAN, STD)
    assert torch.equal(baseline("blurred", flat, MEAN, STD), flat)
    half = flat[:1].clone()
    half[:, :, : size // 4] = 1
    assert torch.equal(baseline("blurred", half, MEAN, STD)[:, :, -size // 4 :], half[:, :, -size // 4 :])


def test_a_flat_image_beside_itself_blurred_has_no_map() -> None:
    flat = normalise(torch.full((1, 3, 64, 64), 0.2), MEAN, STD)
    begin = baseline("blurred", flat, MEAN, STD)
    model = convnet().float()
    got = integrated_gradients(Prepared(model, flat), flat, torch.tensor([1]), baseline=begin, score="probability")
    assert not got.maps.any()
    assert got.converged.all()


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ValueError, match="mean, black, blurred"):
        baseline("white", pixels(), MEAN, STD)  # type: ignore[arg-type]


def test_each_is_called_something() -> None:
    assert set(BASELINES) == {"mean", "black", "blurred"}
    assert all(words.split()[0] in ("a", "an", "the") for words in BASELINES.values())
