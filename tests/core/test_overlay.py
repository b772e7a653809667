import io

import numpy as np
import pytest
from PIL import Image

from core.overlay import FADE, LINE, OPACITY, colours, contours, levels, overlay, shared_scale, side_by_side

BLUE = np.tile(np.array([10, 20, 250], np.uint8), (8, 8, 1))


def test_colours_are_inferno_in_rgb():
    table = colours()
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert table[0].sum() < 10
    hot, bright = table[180], table[255]
    assert hot[0] > 200 > hot[2]
    assert bright.min() > 150
    brightness = table @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) > -1.5).all()


def test_one_scale_is_shared():
    faint, strong = np.full((10, 10), 0.1), np.full((10, 10), -1.0)
    scale = shared_scale([faint, strong])
    assert scale == pytest.approx(1.0)
    assert levels(faint, scale).max() < 30
    assert levels(strong, scale).min() == 255


def test_a_single_bright_pixel_does_not_darken_all_others():
    noisy = np.random.default_rng(0).random((100, 100))
    noisy[0, 0] = 1e6
    assert shared_scale([noisy]) < 1.01


def test_sparse_maps_have_a_scale():
    sparse = np.zeros((32, 32))
    sparse[3, 4] = 2.0
    assert shared_scale([sparse]) == 2.0


@pytest.mark.parametrize("maps", [[], [np.zeros((4, 4))], [np.full((4, 4), np.nan)]])
def test_no_signal_is_a_state(maps):
    assert shared_scale(maps) == 0
    for one in maps:
        assert not levels(one, 0).any()
        assert np.array_equal(overlay(BLUE, one, 0.0, 0), BLUE)


def test_at_no_opacity_the_photo_is_left():
    relevance = np.random.default_rng(0).random((4, 4))
    assert np.array_equal(overlay(BLUE, relevance, 0, 1.0), BLUE)


def test_full_heat_covers_and_no_heat_fades():
    relevance = np.zeros((8, 8))
    relevance[:, 4:] = 1
    drawn = overlay(BLUE, relevance, 1.0, 1.0)
    assert np.array_equal(drawn[0, 7], colours()[255])
    grey = 0.299 * 10 + 0.587 * 20 + 0.114 * 250
    assert drawn[0, 0] == pytest.approx(BLUE[0, 0] + FADE * (grey - BLUE[0, 0].astype(float)), abs=1)


def test_a_signed_map_is_drawn_by_its_size():
    relevance = np.random.default_rng(0).normal(size=(4, 4))
    assert np.array_equal(overlay(BLUE, relevance, 0.6, 1.0), overlay(BLUE, -relevance, 0.6, 1.0))


def test_maps_of_another_size_lie_where_they_belong():
    relevance = np.zeros((4, 4))
    relevance[0, 3] = 1
    drawn = overlay(np.zeros((40, 40, 3), np.uint8), relevance, 1.0, 1.0).sum(axis=2)
    assert np.unravel_index(drawn.argmax(), drawn.shape)[0] < 10
    assert np.unravel_index(drawn.argmax(), drawn.shape)[1] >= 30


@pytest.mark.parametrize(
    ("photo", "relevance", "opacity"),
    [
        (BLUE[:, :, 0], np.zeros((4, 4)), 0.5),
        (BLUE.astype(float), np.zeros((4, 4)), 0.5),
        (BLUE, np.zeros((1, 4, 4)), 0.5),
        (BLUE, np.zeros((4, 4)), 1.5),
    ],
)
def test_what_does_not_fit_is_refused(photo, relevance, opacity):
    with pytest.raises(ValueError, match=r"photo|opacity"):
        overlay(photo, relevance, opacity, 1.0)


def test_maps_side_by_side_are_named_and_on_one_scale():
    photo = np.random.default_rng(0).integers(0, 255, (60, 90, 3)).astype(np.uint8)
    maps = {name: np.full((6, 9), height) for name, height in (("a", 1.0), ("b", 0.2), ("c", 0.0))}
    page = np.asarray(Image.open(io.BytesIO(side_by_side(photo, maps, columns=2))).convert("RGB"))
    assert page.shape == (2 * (60 + LINE), 2 * 90, 3)
    assert (page[LINE : LINE + 60, 90:] == overlay(photo, maps["b"], OPACITY, 1.0)).all()
    assert (page[:LINE, :90] < 128).any()  # its name
    assert (page[LINE + 60 :, 90:] == 255).all()  # nothing in the fourth place


def hill(height, width, row, column, spread):
    rows, columns = np.mgrid[:height, :width]
    return np.exp(-((rows + 0.5 - row) ** 2 + (columns + 0.5 - column) ** 2) / (2 * spread**2))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_contours_enclose_their_share_of_the_picture(share, sign):
    (line,) = contours(sign * hill(64, 64, 32, 32, 10), share)
    assert np.array_equal(line[0], line[-1]), "closed"
    radius = np.hypot(*(line - 0.5).T)
    assert radius == pytest.approx(np.sqrt(share / np.pi), rel=0.03)


def test_contours_lie_where_the_peak_does_in_a_picture_of_any_proportions():
    (line,) = contours(hill(40, 80, 10, 60, 4), 0.05)
    assert (line.min(axis=0) + line.max(axis=0)) / 2 == pytest.approx([60 / 80, 10 / 40], abs=0.02)


def test_contours_end_at_the_border():
    (line,) = contours(hill(64, 64, 0, 32, 10), 0.1)
    assert line[:, 1].min() == 0
    assert line.min() >= 0
    assert line.max() <= 1


def test_contours_are_not_drawn_around_single_pixels_of_noise():
    noise = np.random.default_rng(0).random((128, 128))
    assert len(contours(noise, 0.2)) < 40


@pytest.mark.parametrize("flat", [np.zeros((8, 8)), np.ones((8, 8)), np.full((8, 8), np.nan)])
def test_a_flat_map_has_no_contours(flat):
    assert contours(flat, 0.2) == []
