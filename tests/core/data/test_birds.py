import hashlib
import multiprocessing
import pickle
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.config import Data
from core.data.birds import PARTS, birds, draw, generator, picture, species
from core.data.dataset import Dataset
from core.errors import UserError

INKS = {
    "back": ["back"],
    "beak": ["beak"],
    "belly": ["belly"],
    "breast": ["breast", "breast mark"],
    "crown": ["crown", "crown mark"],
    "forehead": ["forehead"],
    "eye": ["eye ring", "iris", "pupil", "glint"],
    "leg": ["leg"],
    "wing": ["wing", "flight", "wing mark"],
    "nape": ["nape"],
    "tail": ["tail", "tail tip"],
    "throat": ["throat"],
}


def small(**settings) -> Dataset:
    sizes = {"train_images": 24, "validation_images": 12, "test_images": 24}
    return birds(Data(**{**sizes, **settings}))


def digests(dataset: Dataset, ids) -> list[str]:
    return [hashlib.sha256(b"".join(a.tobytes() for a in dataset.read(int(i)))).hexdigest() for i in ids]


def areas(maps: np.ndarray) -> np.ndarray:
    return np.stack([(maps == p + 1).sum((1, 2)) for p in range(len(PARTS))], 1)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, part maps and labels of a middling set."""
    dataset = birds(Data(train_images=360))
    ids = dataset.ids("train")
    return *dataset.load(ids), dataset.table["label"].to_numpy()[ids]


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


# ---- what a reader gives


def test_the_table_is_what_every_reader_gives():
    dataset = small(classes=5)
    assert list(dataset.table) == ["id", "label", "split", "source"]
    assert (dataset.table["id"] == np.arange(60)).all()
    assert [len(dataset.ids(split)) for split in ("train", "validation", "test")] == [24, 12, 24]
    assert dataset.table["source"][24 + 12 + 7] == "7"
    assert dataset.parts == PARTS
    assert len(dataset.classes) == 5
    assert dataset.knows == "five drawn birds"
    assert small(classes=20).knows == "twenty drawn birds"
    assert small(classes=21).knows == "21 drawn birds"


@pytest.mark.parametrize("size", [32, 64, 96, 224])
def test_any_size(size):
    image, parts = small(image_size=size).read(3)
    assert (image.shape, image.dtype) == ((size, size, 3), np.uint8)
    assert (parts.shape, parts.dtype) == ((size, size), np.uint8)
    assert image.std() > 5
    assert 0.05 < (parts > 0).mean() < 0.8


def test_a_size_changes_the_sharpness_and_not_the_scene():
    for index in range(5):
        coarse, fine = (picture(size, 0, 12, 0.5, 0, index)[1] for size in (64, 192))
        same = coarse == fine[1::3, 1::3]
        assert same.mean() > 0.95


def test_labels_go_round_in_every_split():
    table = small(classes=7, train_images=70, test_images=100).table
    for _, split in table.groupby("split"):
        counts = split["label"].value_counts()
        assert counts.max() - counts.min() <= 1


# ---- the same picture every time


def test_another_process_draws_the_same_bits():
    dataset = small(difficulty=1.0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.map(dataset.read, range(4))
    for i, (image, parts) in enumerate(there):
        np.testing.assert_array_equal(image, dataset.read(i)[0])
        np.testing.assert_array_equal(parts, dataset.read(i)[1])


def test_the_order_of_reading_changes_nothing():
    dataset = small()
    forward = digests(dataset, range(10))
    assert forward == digests(pickle.loads(pickle.dumps(dataset)), range(9, -1, -1))[::-1]


def test_how_many_there_are_changes_no_picture():
    few, many = small(), small(train_images=36, validation_images=48, test_images=25)
    for split in ("train", "validation", "test"):
        assert digests(few, few.ids(split)[:6]) == digests(many, many.ids(split)[:6])


def test_no_picture_is_in_two_splits_or_under_two_seeds():
    every = [d for seed in (0, 1) for d in digests(small(seed=seed), range(60))]
    assert len(set(every)) == len(every)


def test_opencv_threads_change_no_bit(threads):
    dataset = small(image_size=224, difficulty=1.0)
    cv2.setNumThreads(0)
    alone = digests(dataset, range(4))
    cv2.setNumThreads(4)
    assert digests(dataset, range(4)) == alone


def test_the_digest_names_what_matters():
    base = small().digest
    assert small().digest == base
    assert small(crop="image", segments=20).digest == base
    changes = [{"seed": 1}, {"classes": 11}, {"difficulty": 0.4}, {"image_size": 65}, {"test_images": 25}]
    assert len({base, *(small(**change).digest for change in changes)}) == 6


# ---- masks


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("index", [1, 17, 26])
def test_repainting_a_part_changes_its_mask_and_nothing_else(ink, index):
    bird = species(index)
    images = []
    for level in (0.0, 255.0):
        paint = dict.fromkeys(INKS[ink], (level,) * 3)
        painted = replace(bird, colours={**bird.colours, **paint}, common={**bird.common, **paint})
        image, parts = draw(painted, 64, 0.0, generator(3, 0, index))
        images.append(image.astype(int))
    change = np.abs(images[1] - images[0]).max(2)
    mask = np.isin(parts, [p + 1 for p, name in enumerate(PARTS) if name.split()[-1] == ink])
    assert mask.any()
    assert (change[mask] > 0).all()
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    # Not next to its mask only slivers are left, where something else has most of the pixel.
    assert (change[~near] > 0).sum() <= 8
    assert (change[~near] < 0.6 * 255).all()
    assert np.median(change[mask]) > 0.3 * 255


def test_what_lies_in_front_is_no_part():
    # A bird drawn black and white changes wherever it is seen; a twig in front of it, and all around it, does not.
    bird = species(0)
    for index in range(16):
        images = []
        for level in (0.0, 255.0):
            paint = dict.fromkeys(bird.colours, (level,) * 3)
            image, parts = draw(replace(bird, colours=paint, common=paint), 96, 0.6, generator(8, 0, index))
            images.append(image.astype(int))
        change = np.abs(images[1] - images[0]).mean(2)
        change = change / np.median(change[parts > 0])
        near = cv2.dilate((parts > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert (change[parts > 0] > 0.1).mean() > 0.998
        assert (change[~near] < 0.6).all()


def test_every_part_is_seen_often_and_large_enough_to_rank(drawn):
    _, maps, _ = drawn
    assert set(np.unique(maps)) == set(range(16))
    area = areas(maps)
    assert ((area > 0).mean(0) > 0.6).all()
    means = {name: area[area[:, p] > 0, p].mean() for p, name in enumerate(PARTS)}
    least = {"forehead": 9, "left eye": 10, "right eye": 10, "left leg": 15, "right leg": 15, "beak": 16}
    assert {name: means[name] for name, pixels in least.items() if means[name] < pixels} == {}
    assert 110 < (means["left wing"] + means["right wing"]) / 2 < 230


@pytest.mark.parametrize("pair", ["wing", "eye"])
def test_one_of_a_pair_is_hidden_in_about_a_third(drawn, pair):
    area = areas(drawn[1])
    sides = area[:, [PARTS.index(f"left {pair}"), PARTS.index(f"right {pair}")]]
    assert 0.22 < (sides == 0).any(1).mean() < 0.48
    assert (sides > 0).any(1).mean() > 0.95


def test_left_is_the_birds_own_left():
    # Without twigs in front, a wing seen alone is on the side the bird shows: its right one if it faces right.
    facing = []
    for index in range(60):
        _, parts = draw(species(index % 12), 64, 0.0, generator(4, 0, index))
        x = {name: np.nonzero(parts == p + 1)[1] for p, name in enumerate(PARTS)}
        seen = [side for side in ("left", "right") if len(x[f"{side} wing"])]
        if len(seen) == 1:
            right = x["breast"].mean() > x["tail"].mean()
            assert seen == ["right" if right else "left"]
            facing.append(right)
    assert 0.2 < np.mean(facing) < 0.8


# ---- species


def part_colours(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Mean colour of each part less the image's, 0 where hidden: (N, 45)."""
    masks = np.stack([maps == p + 1 for p in range(len(PARTS))], 1).astype(float)
    pixels = masks.sum((2, 3))
    means = np.einsum("nphw,nhwc->npc", masks, images.astype(float)) / np.maximum(pixels, 1)[:, :, None]
    return np.where(pixels[:, :, None] > 0, means, means.mean(0)).reshape(len(images), -1)


def accuracy(difficulty: float) -> float:
    """Share of test birds nearest to their own class in the colours of their parts."""
    dataset = birds(Data(difficulty=difficulty, train_images=144, test_images=96, validation_images=1))
    train, test = (part_colours(*dataset.load(dataset.ids(split))) for split in ("train", "test"))
    labels, truth = (dataset.table["label"].to_numpy()[dataset.ids(split)] for split in ("train", "test"))
    centres = np.stack([train[labels == k].mean(0) for k in range(12)])
    nearest = ((test[:, None] - centres[None]) ** 2).sum(2).argmin(1)
    return float((nearest == truth).mean())


def test_species_are_told_by_their_parts_colours_and_a_harder_set_tells_less():
    easy, hard = accuracy(0.0), accuracy(1.0)
    assert easy > 0.95
    assert 1 / 12 < hard < easy - 0.25


def test_look_alikes_differ_in_a_few_parts_and_share_the_rest():
    for family in range(12):
        members = [species(3 * family + m) for m in range(3)]
        assert len({m.family for m in members}) == 1
        for a, b in ((0, 1), (0, 2), (1, 2)):
            differing = {
                part
                for part, inks in INKS.items()
                if any(members[a].colours[ink] != members[b].colours[ink] for ink in inks)
            }
            assert 3 <= len(differing) <= 8, (family, a, b)


def test_families_differ_in_shape_and_look_alikes_hardly():
    def shape(index: int) -> np.ndarray:
        return np.mean([draw(species(index), 64, 0.0, generator(2, 0, i))[1] > 0 for i in range(12)], 0)

    finches, swallow = [shape(k) for k in range(3)], shape(9)
    within = np.abs(finches[0] - finches[1]).mean()
    assert within < 0.3 * np.abs(finches[0] - swallow).mean()


def test_species_do_not_depend_on_the_study():
    assert small(classes=3).classes == small(classes=40, train_images=40, seed=9).classes[:3]
    assert len({species(k).name for k in range(100)}) == 100
    assert len({tuple(sorted(species(k).colours.items())) for k in range(100)}) == 100


# ---- wrong values


def test_a_seed_beyond_the_generator():
    with pytest.raises(UserError, match="seed"):
        small(seed=2**64)


@pytest.mark.parametrize("number", [-1, 60])
def test_no_such_image(number):
    with pytest.raises(IndexError):
        small().read(number)
