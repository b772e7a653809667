import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import Data
from core.data import open_dataset
from core.data.cub import cub
from core.errors import UserError
from tests.cub_tree import COLOURS, PARTS, POINTS, cub_tree, painted

REAL = Path(__file__).parents[3] / "../shared/data/CUB_200_2011"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return cub_tree(tmp_path)


def config(root: Path, **changes: object) -> Data:
    return Data(dataset="cub", root=str(root), **{"image_size": 64, "validation_fraction": 0.3, **changes})  # type: ignore[arg-type]


def edit(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def test_the_table(root: Path) -> None:
    dataset = open_dataset(config(root))
    table = dataset.table
    assert dataset.classes == ("Sooty Albatross", "Parakeet Auklet")
    assert dataset.parts == tuple(PARTS.values())
    assert dataset.knows == "2 bird species from photos (CUB-200-2011)"
    assert dataset.named_parts
    assert list(table.columns) == ["id", "label", "split", "source"]
    assert table["id"].tolist() == list(range(20))
    assert table["label"].tolist() == [0] * 10 + [1] * 10
    assert table["source"][11] == "images/007.Parakeet_Auklet/bird_1.png"
    official = np.array([i % 10 < 6 for i in range(20)])
    assert ((table["split"] == "test") == ~official).all()
    assert table[table["split"] == "validation"].groupby("label").size().tolist() == [2, 2]


def test_validation_follows_the_seed(root: Path) -> None:
    chosen = [tuple(cub(config(root, seed=seed)).ids("validation")) for seed in (0, 0, 1, 2, 3)]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1


@pytest.mark.parametrize("crop", ["box", "image"])
@pytest.mark.parametrize("size", [64, 144, 200])
def test_parts_lie_on_their_pixels(root: Path, crop: str, size: int) -> None:
    image, parts = cub(config(root, crop=crop, image_size=size)).read(0)
    assert image.shape == (size, size, 3)
    assert parts.shape == (size, size)
    assert image.dtype == parts.dtype == np.uint8
    for flipped in (False, True):
        if flipped:
            image, parts = image[:, ::-1], parts[:, ::-1]
        for part, colour in COLOURS.items():
            inside = image[parts == part].astype(int)
            assert len(inside)
            assert np.abs(inside.mean(axis=0) - colour).max() < 10
            painted_rows, painted_columns = np.nonzero(np.abs(image.astype(int) - colour).max(axis=2) < 100)
            rows, columns = np.nonzero(parts == part)
            # A disc wholly inside the box keeps its centre; half a source pixel off would show.
            if part == 2:
                assert np.allclose(
                    (rows.mean(), columns.mean()), (painted_rows.mean(), painted_columns.mean()), atol=0.3
                )


def test_the_crop_is_the_box_with_its_margin(root: Path) -> None:
    dataset = cub(config(root, image_size=72))
    image, parts = dataset.read(0)
    # Box 30…90 × 20…60, square of 72 pixels around its middle (60, 40): from (24, 4), so a crop of 72 keeps pixels.
    assert np.array_equal(image, np.asarray(painted())[4:76, 24:96])
    for part, (x, y) in POINTS.items():
        assert parts[y - 4, x - 24] == part
    radius = 0.12 * 60
    _, columns = np.nonzero(parts == 2)
    assert columns.max() - (61 - 24) == int(radius)
    assert not parts[:16].any(), "nothing above the box"


def test_a_part_cut_off_is_not_visible(root: Path) -> None:
    edit(root / "parts/part_locs.txt", lambda lines: ["101 1 2.0 45.0 1", *lines[1:]])
    edit(root / "bounding_boxes.txt", lambda lines: ["101 0 20 90 40", *lines[1:]])
    _, parts = cub(config(root, crop="image", part_radius=0.1)).read(0)  # the middle 90 of 120: x from 15
    assert set(np.unique(parts)) == {0, 2, 3}
    _, parts = cub(config(root, crop="box", part_radius=0.1)).read(0)
    assert set(np.unique(parts)) == {0, 1, 2, 3}


def test_a_part_that_is_not_visible_has_no_region(root: Path) -> None:
    edit(root / "parts/part_locs.txt", lambda lines: [lines[0], "101 2 61.0 45.0 0", *lines[2:]])
    dataset = cub(config(root))
    assert set(np.unique(dataset.read(0)[1])) == {0, 1, 3}
    assert set(np.unique(dataset.read(1)[1])) == {0, 1, 2, 3}


def test_a_box_longer_than_the_image_is_padded(root: Path) -> None:
    edit(root / "bounding_boxes.txt", lambda lines: ["101 0 20 120 40", *lines[1:]])
    image, parts = cub(config(root, image_size=120)).read(0)
    assert np.array_equal(image[15:105], np.asarray(painted()))
    assert len(np.unique(image[:15].reshape(-1, 3), axis=0)) == 1
    assert parts[15 + 45, 61] == 2


def test_a_box_may_reach_beyond_the_image_a_little_but_not_lie_outside(root: Path) -> None:
    edit(root / "bounding_boxes.txt", lambda lines: ["101 30 20 91 71", "102 500 20 60 40", *lines[2:]])
    dataset = cub(config(root))
    dataset.read(0)
    with pytest.raises(UserError, match=r"bird_1\.png lies outside the image \(120×90 pixels\)"):
        dataset.read(1)


def test_greyscale_images_are_read(root: Path) -> None:
    image, parts = cub(config(root)).read(9)
    assert image.shape == (64, 64, 3)
    assert (image[:, :, 0] == image[:, :, 2]).all()
    assert parts.any()


def test_pixels_are_taken_as_stored_like_the_annotations(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    upright = cub(config(root)).read(0)
    painted().save(root / "images/003.Sooty_Albatross/bird_0.png", exif=exif)
    for before, after in zip(upright, cub(config(root)).read(0), strict=True):
        assert np.array_equal(before, after)


def test_the_reader_can_be_sent_and_repeats(root: Path) -> None:
    dataset = cub(config(root))
    sent = pickle.loads(pickle.dumps(dataset.read))
    for here, there in zip(dataset.read(3), sent(3), strict=True):
        assert np.array_equal(here, there)


def test_the_digest_follows_settings_and_files(root: Path) -> None:
    digest = cub(config(root)).digest
    assert digest == cub(config(root)).digest
    assert digest == cub(config(root, classes=7, train_images=3, segments=9)).digest, "not this reader's settings"
    for change in ({"image_size": 65}, {"seed": 1}, {"crop": "image"}, {"part_radius": 0.2}):
        assert cub(config(root, **change)).digest != digest
    photo = root / "images/003.Sooty_Albatross/bird_4.png"
    before = photo.stat()
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    touched = cub(config(root)).digest
    assert touched != digest
    edit(root / "bounding_boxes.txt", lambda lines: ["101 31 20 60 40", *lines[1:]])
    assert cub(config(root)).digest not in (digest, touched)


def without(*drop: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line for i, line in enumerate(lines) if i not in drop]


def first(line: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line, *lines[1:]]


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("images.txt", lambda _: [], r"images\.txt lists no images"),
        ("images.txt", first("x a.png"), r"images\.txt, line 1: the id x is not a whole number"),
        ("images.txt", first("102 a.png"), r"images\.txt, line 2: the id 102 is there twice"),
        ("images.txt", first("101"), r"images\.txt, line 1: expected <id> <name>, found '101'"),
        ("images.txt", first("101 gone.png"), r"1 of the 20 images .* the first is images/gone\.png"),
        ("image_class_labels.txt", without(0, 4), r"image_class_labels\.txt has no line for image 101 and 1 more"),
        ("image_class_labels.txt", first("101 9"), "gives image 101 the class 9, which classes.txt does not list"),
        ("image_class_labels.txt", first("101 7"), "image 101 the class 007.* but it lies in the folder 003.Sooty"),
        ("image_class_labels.txt", first("101 three"), r"line 1: expected the numbers .* found '101 three'"),
        ("image_class_labels.txt", lambda lines: [line.split()[0] + " 3" for line in lines], "all of one class"),
        ("train_test_split.txt", first("101 2"), "image 101 the value 2; 1 is training, 0 is test"),
        ("train_test_split.txt", lambda lines: [line[:-1] + "1" for line in lines], "leaves no test images"),
        ("train_test_split.txt", lambda lines: [line[:-1] + "0" for line in lines], "leaves no training images"),
        (
            "train_test_split.txt",
            lambda lines: lines[:10] + [line[:-1] + "0" for line in lines[10:]],
            "Parakeet Auklet .* has no training images",
        ),
        ("bounding_boxes.txt", first("101 1 2 nan 4"), r"bounding_boxes\.txt, line 1"),
        ("bounding_boxes.txt", first("101 1 2 0 4"), "image 101 a box without width or height"),
        ("bounding_boxes.txt", lambda lines: [*lines, lines[0]], "line 21: this image is there twice"),
        ("parts/parts.txt", without(2), r"part_locs\.txt, line 3: 3 is not a part"),
        ("parts/part_locs.txt", first("101 1.5 1 1 1"), r"line 1: 1\.5 is not a part"),
        ("parts/part_locs.txt", first("101 1 1 1 2"), "line 1: 2 is not a visibility"),
        ("parts/part_locs.txt", lambda lines: lines[:-1], "no line for image 120 and the part tail"),
        ("parts/part_locs.txt", lambda lines: [*lines[:-1], lines[-1][:8]], r"line 60: expected <image_id> <part_id>"),
        ("parts/part_locs.txt", lambda lines: [*lines, lines[0]], "line 61: this image and part are there twice"),
    ],
)
def test_files_that_contradict_each_other(
    root: Path, file: str, change: Callable[[list[str]], list[str]], message: str
) -> None:
    cub(config(root))
    edit(root / file, change)
    with pytest.raises(UserError, match=message) as caught:
        cub(config(root))
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(UserError, match=r"There is no folder .*nowhere"):
        cub(config(root / "nowhere"))
    with pytest.raises(UserError, match=r"data\.root"):
        cub(Data(dataset="cub"))
    for i in (2, 5):
        (root / f"images/003.Sooty_Albatross/bird_{i}.png").unlink()
    with pytest.raises(UserError, match=r"2 of the 20 images .* the first is images/003.Sooty_Albatross/bird_2\.png"):
        cub(config(root))
    (root / "parts/parts.txt").unlink()
    with pytest.raises(UserError, match=r"has no parts/parts\.txt; it is not in the layout of CUB-200-2011"):
        cub(config(root))


def test_a_subset_listed_in_images_txt_alone_is_enough(root: Path) -> None:
    edit(root / "images.txt", without(0, 1, 12))
    dataset = cub(config(root))
    assert len(dataset.table) == 17
    assert dataset.table["source"][0].endswith("bird_2.png")


@pytest.mark.skipif(not REAL.is_dir(), reason="CUB-200-2011 is not beside the repository")
def test_the_real_birds() -> None:
    dataset = open_dataset(Data(dataset="cub", root=str(REAL), image_size=96))
    assert len(dataset.table) == 543
    assert len(dataset.classes) == 10
    assert len(dataset.parts) == 15
    assert [len(dataset.ids(split)) for split in ("train", "validation", "test")] == [270, 30, 243]
    images, parts = dataset.load([0, 271, 542])
    assert images.std(axis=(1, 2, 3)).min() > 10
    assert all(len(np.unique(part_map)) >= 5 for part_map in parts)
    for path in dataset.table["source"]:
        with Image.open(REAL / path) as photo:
            if photo.mode == "L":
                break
    else:
        pytest.fail("one of them is greyscale")
    image, _ = dataset.read(int(dataset.table.index[dataset.table["source"] == path][0]))
    assert (image[:, :, 0] == image[:, :, 1]).all()
