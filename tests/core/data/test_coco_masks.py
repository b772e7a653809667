import numpy as np
import pytest
from skimage.draw import polygon as skimage_polygon

from core.data.coco_masks import MaskError, corners, polygon_mask, rle_mask

# What pycocotools 2.0.11 makes of masks: height, width, compressed counts, pixels, and where they are.
WRITTEN = [
    (1, 1, "01", 1),
    (7, 5, "0S1", 35),
    (30, 40, ":8f0000]O17OI17OI17OI17OI17OI17OI1b003K200000000000o44mJ0000000U;", 212),
    (33, 21, "05c0OB1>OB1>OB1>OB170FO3170FO3170FOd01\\OOd0160YOM`03@M`03@M`03@M`03@M`03@M`03@MT5", 141),
]
SQUARE = "02b00X;"  # the first two pixels of the first two columns of a mask of 20 × 20, as its frPoly gives them
SLANTED = ([1.5, 1.25, 17.5, 3.0, 12.25, 16.75, 4.0, 11.5], "Y14`04M2M001O1O001O1O0001L3N2M3Nk1")
CONCAVE = ([2, 2, 10, 2, 10, 10, 6, 5, 2, 10], "Z17=O1O1O1001O1O1U6")


def compressed(mask: np.ndarray) -> str:
    """Encode by the format's description: runs down the columns, five bits a character, differences from the third."""
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    runs = np.diff([0, *edges, flat.size]).tolist()
    text = ""
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        while True:
            bits, value = value & 31, value >> 5
            done = value == (-1 if bits & 16 else 0)
            text += chr(48 + bits + (0 if done else 32))
            if done:
                break
    return text


@pytest.mark.parametrize(("height", "width", "counts", "pixels"), WRITTEN)
def test_what_cocos_own_tools_wrote_is_read(height: int, width: int, counts: str, pixels: int) -> None:
    mask = rle_mask(counts, (height, width))
    assert mask.shape == (height, width)
    assert mask.sum() == pixels
    assert compressed(mask) == counts


@pytest.mark.parametrize("seed", range(6))
def test_run_lengths_and_compressed_ones_say_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((int(rng.integers(1, 90)), int(rng.integers(1, 90)))) < rng.random()
    mask[: int(rng.integers(0, 40))] = True
    assert np.array_equal(rle_mask(compressed(mask), mask.shape), mask)
    flat = mask.T.ravel()
    runs, now, run = [], False, 0
    for pixel in flat.tolist():
        if pixel != now:
            runs, now, run = [*runs, run], pixel, 0
        run += 1
    assert np.array_equal(rle_mask([*runs, run], mask.shape), mask)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ([4, 4], "covers 8 pixels, not the 3×4"),
        ([], "covers 0 pixels"),
        ([16, -4], "not whole numbers"),
        ([2.5, 9.5], "not whole numbers"),
        ([True, 11], "not whole numbers"),
        (["4", "8"], "not whole numbers"),
        ("<1", "covers 13 pixels"),
        ("4 8", "cannot be read"),
        ("4é", "cannot be read"),
        ("4P", "break off"),
        ("P" * 100_000, "cannot be read"),
        ("O<1", "not whole numbers"),
    ],
)
def test_damaged_run_lengths_are_told(counts: str | list[int], says: str) -> None:
    with pytest.raises(MaskError, match=says):
        rle_mask(counts, (4, 3))


@pytest.mark.parametrize("seed", range(20))
def test_a_polygon_is_the_pixels_whose_centres_it_holds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(5, 60, 2))
    points = rng.uniform(-8, 68, (int(rng.integers(3, 12)), 2))
    expected = np.zeros((height, width), bool)
    # skimage asks of every pixel by itself whether it is inside; to it, pixel i is the point i.
    expected[skimage_polygon(points[:, 1] - 0.5, points[:, 0] - 0.5, (height, width))] = True
    assert np.array_equal(polygon_mask(points, (height, width)), expected)


def test_a_polygon_covers_what_cocos_own_tools_say_up_to_its_edge() -> None:
    square = np.zeros((20, 20), bool)
    square[:2, :2] = True
    assert np.array_equal(polygon_mask(np.array([[0, 0], [2, 0], [2, 2], [0, 2]]), (20, 20)), square)
    assert np.array_equal(rle_mask(SQUARE, (20, 20)), square)
    for numbers, counts in (SLANTED, CONCAVE):
        own, theirs = polygon_mask(corners(numbers, (20, 20)), (20, 20)), rle_mask(counts, (20, 20))
        inner = theirs.copy()
        for axis in (0, 1):
            inner &= np.roll(theirs, 1, axis) & np.roll(theirs, -1, axis)
        assert (own & inner).sum() == inner.sum()
        assert (own ^ theirs).sum() <= 14, "they snap corners to fifths of a pixel, and edges to whole ones"


def test_a_polygon_may_reach_beyond_the_image() -> None:
    assert polygon_mask(np.array([[-5, -5], [50, -5], [50, 50], [-5, 50]]), (6, 9)).all()
    assert not polygon_mask(np.array([[3, 3], [3, 3], [3, 3]]), (6, 9)).any()
    assert polygon_mask(np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), (1, 1)).all()


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([1, 1, 5, 5], "without three corners"),
        ([1, 1, 5, 5, 1], "odd number"),
        ([1, 1, 5, 5, 1, "x"], "odd number"),
        ([1, 1, 5, 5, 1, {}], "odd number"),
        ([1, 1, 5, 5, 1, 10**400], "odd number"),
        ([1, 1, 5, 5, 1, float("nan")], "without three corners"),
        ([12, 1, 15, 5, 13, 1], r"outside the image \(9×6 pixels\)"),
        ([1, -9, 5, -5, 3, -1], "outside the image"),
        ([1, 1, 5, 5, 1, 1e300], "outside the image"),
    ],
)
def test_what_is_no_polygon_of_the_image_is_told(numbers: list[float], says: str) -> None:
    with pytest.raises(MaskError, match=says):
        corners(numbers, (6, 9))
