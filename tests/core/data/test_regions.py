import numpy as np
import pytest
from scipy import ndimage

from core.data.regions import grid, point_regions, superpixels

WHOLE = np.array([0, 0, 40, 30])


def regions(points: list[tuple[float, float]], visible: list[int] | None = None, **changes: object) -> np.ndarray:
    given = {"box": WHOLE, "radius": 0.1, "shape": (30, 40), **changes}
    seen = np.array(visible or [1] * len(points), bool)
    return point_regions(np.array(points, float).reshape(-1, 2), seen, **given)  # type: ignore[arg-type]


def test_a_disc_around_its_point() -> None:
    part_map = regions([(20.5, 10.5)])
    assert part_map.shape == (30, 40)
    assert part_map.dtype == np.uint8
    rows, columns = np.nonzero(part_map == 1)
    assert (rows.mean(), columns.mean()) == (10, 20)
    assert columns.max() - 20 == 4, "0.1 of 40, the longer side"
    assert rows.max() - 10 == 4
    assert len(rows) == 49, "pixels whose centre is at most 4 from the point"


def test_neighbours_share_the_middle_and_the_first_wins_ties() -> None:
    part_map = regions([(10.5, 15.5), (14.5, 15.5)])
    assert part_map[15, 11] == 1
    assert part_map[15, 12] == 1, "as near to both"
    assert part_map[15, 13] == 2
    same = regions([(10.5, 15.5), (10.5, 15.5)])
    assert set(np.unique(same)) == {0, 1}


def test_every_pixel_against_the_definition() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(-5, 45, (12, 2))
    visible = rng.random(12) < 0.7
    box = np.array([4.0, 3.0, 25.0, 20.0])
    part_map = point_regions(points, visible, box, 0.2, (30, 40))
    for row in range(30):
        for column in range(40):
            x, y = column + 0.5, row + 0.5
            distance = np.where(visible, np.hypot(points[:, 0] - x, points[:, 1] - y), np.inf)
            near = distance.min() <= 0.2 * 25 and 4 <= x < 29 and 3 <= y < 23
            assert part_map[row, column] == (distance.argmin() + 1 if near else 0)


def test_an_invisible_point_has_nothing_and_takes_nothing() -> None:
    part_map = regions([(10.5, 15.5), (12.5, 15.5)], visible=[0, 1])
    alone = regions([(12.5, 15.5)])
    assert np.array_equal(part_map == 2, alone == 1)
    assert not (part_map == 1).any()


def test_nothing_outside_the_box() -> None:
    part_map = regions([(10.5, 10.5)], box=np.array([10, 10, 30, 20]), radius=0.2)
    rows, columns = np.nonzero(part_map)
    assert rows.min() == 10
    assert columns.min() == 10


def test_a_point_beyond_the_image_keeps_what_reaches_in() -> None:
    part_map = regions([(-1.0, 15.5), (-30.0, 15.5)])
    assert (part_map == 1).any()
    assert not (part_map == 2).any()
    assert not regions([]).any()


def photo(seed: int, size: int = 64) -> np.ndarray:
    noise = np.random.default_rng(seed).random((size, size, 3))
    smooth = ndimage.gaussian_filter(noise, (size / 12, size / 12, 0))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


@pytest.mark.parametrize("segments", [1, 2, 5, 8, 16, 33, 200, 255])
@pytest.mark.parametrize("image", [photo(0), photo(1, 32), np.full((64, 64, 3), 90, np.uint8)])
def test_superpixels_are_labelled_without_gaps_and_never_too_many(image: np.ndarray, segments: int) -> None:
    labels = superpixels(image, segments)
    assert labels.shape == image.shape[:2]
    assert labels.dtype == np.uint8
    assert np.array_equal(np.unique(labels), np.arange(1, int(labels.max()) + 1))
    assert labels.max() <= segments


@pytest.mark.parametrize("seed", range(6))
def test_superpixels_are_connected_and_about_as_many_as_asked(seed: int) -> None:
    labels = superpixels(photo(seed), 16)
    assert labels.max() >= 12
    for label in range(1, labels.max() + 1):
        assert ndimage.label(labels == label)[1] == 1


def test_superpixels_follow_colour_and_repeat() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 37:] = (250, 220, 10)
    labels = superpixels(image, 16)
    assert not np.intersect1d(labels[:, :37], labels[:, 37:]).size
    assert np.array_equal(labels, superpixels(image.copy(), 16))


def test_superpixels_must_fit_a_byte() -> None:
    with pytest.raises(ValueError, match="255"):
        superpixels(photo(0), 256)


@pytest.mark.parametrize(("shape", "squares"), [((32, 32), 4), ((33, 47), 6), ((15, 15), 15), ((7, 9), 1)])
def test_a_grid_is_of_rectangles_as_equal_as_can_be(shape: tuple[int, int], squares: int) -> None:
    part_map = grid(shape, squares)
    assert part_map.shape == shape
    assert part_map.dtype == np.uint8
    assert sorted(np.unique(part_map)) == list(range(1, squares**2 + 1))
    for part, (rows, columns) in enumerate(ndimage.find_objects(part_map), start=1):
        assert (part_map[rows, columns] == part).all()
        assert (rows.stop - rows.start) in (shape[0] // squares, -(-shape[0] // squares))
        assert (columns.stop - columns.start) in (shape[1] // squares, -(-shape[1] // squares))
    np.testing.assert_array_equal(part_map[0].astype(int), np.sort(part_map[0]))


@pytest.mark.parametrize("squares", [0, 16])
def test_a_grid_of_no_or_too_many_squares_is_refused(squares: int) -> None:
    with pytest.raises(ValueError, match="squares must be"):
        grid((64, 64), squares)
