import numpy as np
import pytest
import torch

from core.distill import epoch_order, views
from core.distill.views import MAX_COLOUR, MAX_SHIFT, draws

SIDE = 32


@pytest.fixture
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((6, 3, SIDE, SIDE), np.float32))


def numbers(count: int = 6, **chosen: float) -> torch.Tensor:
    """Draws that change nothing, save for those given by name."""
    names = ("flip", "angle", "scale", "x", "y", "bright", "contrast", "saturation")
    values = torch.zeros(count, 8)
    for name, value in chosen.items():
        values[:, names.index(name)] = value
    return values


def test_a_view_is_named_by_seed_epoch_and_image_alone(images: torch.Tensor) -> None:
    ids = np.array([3, 14, 15, 92, 65, 35])
    whole = views(images, torch.from_numpy(draws(7, 2, ids)), 1.0)
    order = np.array([4, 0, 5, 2])
    part = views(images[order], torch.from_numpy(draws(7, 2, ids[order])), 1.0)
    assert torch.equal(part, whole[order])
    alone = views(images[3:4], torch.from_numpy(draws(7, 2, ids[3:4])), 1.0)
    assert torch.equal(alone[0], whole[3])


def test_seeds_epochs_and_images_differ() -> None:
    ids = np.arange(50)
    base = draws(0, 0, ids)
    assert len(np.unique(base, axis=0)) == 50
    assert (draws(1, 0, ids) != base).any(axis=1).all()
    assert (draws(0, 1, ids) != base).any(axis=1).all()
    assert (base >= -1).all()
    assert (base < 1).all()
    assert abs(base.mean()) < 0.1
    # Image and epoch are not added up: one image's next epoch is not the next image's first.
    assert not np.intersect1d(draws(0, 1, ids), draws(0, 0, ids + 1)).size


def test_the_draws_are_those_of_the_first_release() -> None:
    """A resumed study, and a shipped one trained again, must meet the same views."""
    np.testing.assert_allclose(draws(0, 0, np.array([0]))[0, :3], [-0.5762809, -0.5689083, 0.511799], atol=1e-7)
    assert epoch_order(0, 0, 8).tolist() == [0, 2, 4, 3, 7, 6, 1, 5]


def test_every_epoch_visits_every_image_in_an_order_of_its_own() -> None:
    orders = [epoch_order(seed, epoch, 40) for seed in (0, 1) for epoch in range(3)]
    for order in orders:
        assert sorted(order) == list(range(40))
    assert len({tuple(order) for order in orders}) == 6
    assert np.array_equal(orders[1], epoch_order(0, 1, 40))


def test_no_strength_gives_the_images_back(images: torch.Tensor) -> None:
    assert torch.equal(views(images, torch.from_numpy(draws(0, 0, np.arange(6))), 0.0), images)


def test_draws_of_zero_change_nothing(images: torch.Tensor) -> None:
    torch.testing.assert_close(views(images, numbers(flip=0.5), 1.0), images, atol=1e-5, rtol=0)


def test_a_flip_mirrors_left_and_right(images: torch.Tensor) -> None:
    torch.testing.assert_close(views(images, numbers(flip=-0.5), 1.0), images.flip(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(views(images, numbers(flip=-0.5), 0.1), images.flip(-1), atol=1e-5, rtol=0)


def test_half_of_all_views_are_mirrored() -> None:
    assert np.mean(draws(0, 0, np.arange(2000))[:, 0] < 0) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("axis", "name"), [(-1, "x"), (-2, "y")])
def test_a_shift_moves_by_whole_pixels(images: torch.Tensor, axis: int, name: str) -> None:
    two_pixels = 2 / (MAX_SHIFT * SIDE / 2)
    got = views(images, numbers(**{name: two_pixels}), 1.0)
    want = torch.roll(images, -2, axis)
    inside = slice(0, SIDE - 2)
    torch.testing.assert_close(got.narrow(axis, 0, SIDE - 2), want.narrow(axis, 0, inside.stop), atol=1e-4, rtol=0)


def test_a_turn_is_a_turn() -> None:
    """A quarter turn, made of six steps of 15°, is numpy's (about the centre, what leaves the frame aside)."""
    side = 64
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    blob = np.exp(-((x - 12) ** 2 + y**2) / 40).astype(np.float32)
    image = torch.from_numpy(np.broadcast_to(blob, (1, 3, side, side)).copy())
    for _ in range(6):
        image = views(image, numbers(1, angle=1.0), 1.0)
    turned = image[0, 0].numpy()
    centre = [np.average(axis, weights=turned) for axis in (y, x)]
    assert abs(centre[0]) == pytest.approx(12, abs=0.5)
    assert centre[1] == pytest.approx(0, abs=0.5)


def test_light_contrast_and_colour_by_hand(images: torch.Tensor) -> None:
    images = 0.4 + 0.2 * images  # nothing is clipped
    mean = images.mean((1, 2, 3), keepdim=True)
    grey = images.mean(1, keepdim=True)
    want = {
        "bright": images + MAX_COLOUR * mean,
        "contrast": mean + (1 + MAX_COLOUR) * (images - mean),
        "saturation": grey + (1 + MAX_COLOUR) * (images - grey),
    }
    for name, expected in want.items():
        torch.testing.assert_close(views(images, numbers(**{name: 1.0}), 1.0), expected, atol=1e-5, rtol=0)


def test_values_stay_between_black_and_white() -> None:
    extremes = torch.from_numpy(np.random.default_rng(1).integers(0, 2, (64, 3, SIDE, SIDE)).astype(np.float32))
    got = views(extremes, torch.from_numpy(draws(0, 0, np.arange(64))), 1.0)
    assert got.shape == extremes.shape
    assert got.dtype == torch.float32
    assert torch.isfinite(got).all()
    assert got.min() >= 0
    assert got.max() <= 1
