import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.config import Data
from core.data import open_dataset
from core.data.coco_parts import coco_parts
from core.errors import UserError
from tests.coco_tree import (
    BODY,
    BOXES,
    CATEGORIES,
    COLOURS,
    EYE,
    HEAD,
    KINDS,
    SIZE,
    painted,
    partimagenet,
    polygon,
    runs,
    tree,
    write,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return partimagenet(tmp_path)


def config(root: Path, **changes: object) -> Data:
    return Data(dataset="coco-parts", root=str(root), **{"image_size": 40, **changes})  # type: ignore[arg-type]


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def message(config_: Data, index: int | None = None) -> str:
    read = coco_parts(config_).read if index is not None else lambda _: coco_parts(config_)
    with pytest.raises(UserError) as caught:
        read(index or 0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_table(root: Path) -> None:
    dataset = open_dataset(config(root))
    assert dataset.classes == tuple(KINDS)
    assert dataset.parts == ("Boat Body", "Boat Sail", "Quadruped Body", "Quadruped Eye", "Quadruped Head")
    assert dataset.named_parts
    assert dataset.knows == f"3 classes of photos from the folder {root.name}"
    table = dataset.table
    assert table["id"].tolist() == list(range(33))
    assert [len(dataset.ids(split)) for split in ("train", "validation", "test")] == [18, 6, 9]
    assert table["source"][0] == "images/train/n02100735_1.png"
    assert table["source"][32] == "images/test/n04147183_209.png"
    assert (
        table["label"].tolist()
        == [0] * 6 + [1] * 6 + [2] * 6 + [0] * 2 + [1] * 2 + [2] * 2 + [0] * 3 + [1] * 3 + [2] * 3
    )


@pytest.mark.parametrize("crop", ["box", "image"])
@pytest.mark.parametrize("size", [40, 96])
@pytest.mark.parametrize("index", [0, 1])  # polygons, run lengths
def test_parts_lie_on_their_pixels_and_the_smaller_one_wins(root: Path, crop: str, size: int, index: int) -> None:
    dataset = coco_parts(config(root, crop=crop, image_size=size))
    image, parts = dataset.read(index)
    assert image.shape == (size, size, 3)
    assert parts.shape == (size, size)
    assert image.dtype == parts.dtype == np.uint8
    for part in (HEAD, BODY, EYE):
        mask = parts == dataset.parts.index(CATEGORIES[part]["name"]) + 1
        painted_ = (np.abs(image.astype(int) - COLOURS[part]) <= 127).all(axis=2)
        # Resized colours mix along the border, masks do not.
        assert (mask & painted_).sum() > 0.85 * max(mask.sum(), painted_.sum())
    assert not (parts == 1).any()


def test_polygons_and_run_lengths_say_the_same(root: Path) -> None:
    read = coco_parts(config(root)).read
    assert np.array_equal(read(0)[1], read(1)[1])


def test_the_crop_is_the_square_around_the_parts(root: Path) -> None:
    # Parts reach from (10, 8) to (44, 28): 34 pixels and a tenth on both ends do not fit beside 40, so 40 it is.
    image, parts = coco_parts(config(root)).read(0)
    assert np.array_equal(image, np.asarray(painted("n02100735"))[:, 7:47])
    assert parts[8, 10 - 7] == 5, "the head's first pixel"
    assert parts[7, 3] == 0
    assert parts[27, 43 - 7] == 3
    assert parts[28, 43 - 7] == 0


def test_equally_large_parts_fall_to_the_first_by_name(root: Path) -> None:
    def same(content: dict[str, Any]) -> None:
        for entry in content["annotations"][:3]:
            entry["segmentation"] = polygon(BOXES[BODY])

    edit(root / "annotations/train/train.json", same)
    _, parts = coco_parts(config(root)).read(0)
    assert set(np.unique(parts)) == {0, 3}, "Quadruped Body"


def test_the_supercategory_can_be_the_class(root: Path) -> None:
    dataset = coco_parts(config(root, label_from="supercategory"))
    assert dataset.classes == ("Boat", "Quadruped")
    assert dataset.digest != coco_parts(config(root)).digest


def test_splits_without_a_class_in_common_are_pooled(root: Path) -> None:
    """As in PartImageNet's first release, of 109, 19 and 30 classes."""
    for split, kind, first in (("train", "n02100735", 1), ("val", "n02510455", 101), ("test", "n04147183", 201)):
        write(root / f"annotations/{split}/{split}.json", tree({kind: 6}, first), root / "images" / split)
    dataset = coco_parts(config(root, test_fraction=0.3, validation_fraction=0.25))
    counts = dataset.table.groupby(["split", "label"]).size()
    assert counts["test"].tolist() == [2, 2, 2]
    assert counts["validation"].tolist() == [1, 1, 1]
    other = coco_parts(config(root, test_fraction=0.3, validation_fraction=0.25, seed=1))
    assert not np.array_equal(dataset.ids("test"), other.ids("test"))
    assert "The class Boat in" in message(config(root, label_from="supercategory")), "they have the Quadruped in common"


def test_files_in_folders_of_their_class_and_annotations_beside_them(tmp_path: Path) -> None:
    write(tmp_path / "train.json", tree({"n02100735": 6, "n04147183": 6}, folders=True), tmp_path / "train")
    write(tmp_path / "val.json", tree({"n02100735": 2, "n04147183": 2}, 101, folders=True), tmp_path / "val")
    dataset = coco_parts(config(tmp_path))
    assert dataset.classes == ("n02100735", "n04147183")
    assert dataset.table["source"][0] == "train/n02100735/n02100735_1.png"
    assert set(dataset.table["split"][12:]) == {"test"}, "of train and one more, that one is for testing"
    for path in ("train.json", "val.json"):
        edit(tmp_path / path, lambda content: [e.update(file_name=e["file_name"][10:]) for e in content["images"]])
    assert coco_parts(config(tmp_path)).table["source"][0] == "train/n02100735/n02100735_1.png"


def test_one_file_for_all_with_a_class_of_the_images_own(tmp_path: Path) -> None:
    content = tree({"n02100735": 10, "n04147183": 10})
    for entry in content["images"]:
        entry["category"] = "dog" if "n02100735" in entry["file_name"] else "boat"
    write(tmp_path / "instances.json", content, tmp_path / "images")
    dataset = coco_parts(config(tmp_path))
    assert dataset.classes == ("boat", "dog")
    assert [len(dataset.ids(split)) for split in ("train", "validation", "test")] == [14, 2, 4]


def paco() -> dict[str, list[dict[str, Any]]]:
    """PACO's way: objects and parts are annotations of the same file, a part names its object."""
    categories = [
        {"id": 1, "name": "mug", "supercategory": "OBJECT"},
        {"id": 2, "name": "shoe", "supercategory": "OBJECT"},
        {"id": 11, "name": "mug:body", "supercategory": "PART"},
        {"id": 12, "name": "mug:handle", "supercategory": "PART"},
        {"id": 13, "name": "shoe:body", "supercategory": "PART"},
    ]
    images, annotations = [], []
    for i in range(20):
        whole, part = ((1, 11), (2, 13))[i % 2]
        images.append({"id": i, "file_name": f"train2017/{i:012}.jpg", "width": SIZE[0], "height": SIZE[1]})
        for number, category, box, of in (
            (0, whole, (10, 5, 30, 30), 0),
            (1, part, (12, 8, 20, 20), 0),
            (2, 2, (50, 0, 8, 8), 2),  # a small shoe at the edge
            (3, 13, (52, 2, 4, 4), 2),
        ):
            annotations.append(
                {"id": 10 * i + number, "image_id": i, "category_id": category, "obj_ann_id": 10 * i + of}
                | {"bbox": list(box), "area": box[2] * box[3], "segmentation": runs(box)}
            )
    return {"images": images, "annotations": annotations, "categories": categories}


def test_the_largest_object_is_the_class_and_only_its_parts_count(tmp_path: Path) -> None:
    content = paco()
    write(tmp_path / "annotations/paco_lvis_v1_train.json", content, None)
    (tmp_path / "images/train2017").mkdir(parents=True)
    for entry in content["images"]:
        painted("n02100735").save(tmp_path / "images" / entry["file_name"])
    dataset = coco_parts(config(tmp_path, crop="image"))
    assert dataset.classes == ("mug", "shoe")
    assert dataset.table["label"].tolist() == [0, 1] * 10
    assert dataset.parts == ("body",), "mug:body and shoe:body are both a body"
    _, parts = dataset.read(1)
    assert parts.sum() == 400, "not the body of the small shoe"
    # The object's box, of 30 pixels, with its margin of 3.
    image, parts = coco_parts(config(tmp_path, image_size=36)).read(0)
    assert np.array_equal(image, np.asarray(Image.open(tmp_path / "images/train2017/000000000000.jpg"))[2:38, 7:43])
    assert parts[8 - 2, 12 - 7] == 1
    assert parts[7 - 2, 12 - 7] == 0


def test_boxes_among_the_polygons(root: Path) -> None:
    """PartImageNet has some "polygons" of four numbers, whose bbox says which box they mean."""
    edit(root / "annotations/train/train.json", lambda c: c["annotations"][0].update(segmentation=[[10, 8, 22, 18]]))
    read = coco_parts(config(root)).read
    assert np.array_equal(read(0)[1], read(2)[1])


def test_images_without_a_part_are_left_out(root: Path) -> None:
    def drop(content: dict[str, Any]) -> None:
        content["annotations"] = [each for each in content["annotations"] if each["image_id"] not in (1, 2)]
        content["annotations"][0]["segmentation"] = []

    edit(root / "annotations/train/train.json", drop)
    assert len(coco_parts(config(root)).table) == 31
    edit(root / "annotations/val/val.json", lambda content: content.update(annotations=[]))
    assert "val.json has no image with a part in it" in message(config(root))


def test_the_reader_can_be_sent_and_repeats(root: Path) -> None:
    dataset = coco_parts(config(root))
    sent = pickle.loads(pickle.dumps(dataset.read))
    for index in (0, 1):
        for here, there in zip(dataset.read(index), sent(index), strict=True):
            assert np.array_equal(here, there)


def test_the_digest_follows_settings_and_files(root: Path) -> None:
    digest = coco_parts(config(root)).digest
    assert digest == coco_parts(config(root, classes=7, segments=9, part_radius=0.3)).digest
    for change in ({"image_size": 41}, {"seed": 1}, {"crop": "image"}, {"label_from": "folder"}):
        assert coco_parts(config(root, **change)).digest != digest
    for path in ("annotations/val/val.json", "images/test/n02100735_201.png"):
        os.utime(root / path, ns=(0, 1))
        touched = coco_parts(config(root)).digest
        assert touched != digest
        digest = touched


def mark(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["annotations"][4].update(changes)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "category": (mark(category_id=77), "train.json: annotation 5 has the category 77, which is not listed"),
    "image": (mark(image_id=77), "annotation 5 is of an image that the file does not list"),
    "unhashable": (mark(image_id=[1]), "annotation 5 is of an image that the file does not list"),
    "outside": (
        mark(segmentation=[[70, 5, 80, 5, 80, 9]]),
        "annotation 5, the Quadruped Body of n02100735_2.png, lies outside the image (60×40 pixels)",
    ),
    "odd": (mark(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), "is a polygon of an odd number of coordinates"),
    "words": (mark(segmentation=[["a"] * 6]), "something else than numbers"),
    "size": (mark(segmentation={**runs(BOXES[BODY]), "size": [60, 40]}), "a mask of the size [60, 40], not [40, 60]"),
    "counts": (mark(segmentation={"size": [40, 60]}), "has a mask without run lengths"),
    "none": (mark(segmentation=None), "has neither polygons nor run lengths"),
    "list": (lambda c: c.update(annotations=[5]), "an annotation is of an image"),
    "no sizes": (lambda c: c["images"][0].pop("width"), "lists an image without file_name, width and height"),
    "twice": (lambda c: c["images"][1].update(id=1), "without an id of its own (found 1)"),
    "same file": (
        lambda c: c["images"][1].update(file_name=c["images"][0]["file_name"]),
        "list the image images/train/n02100735_1.png twice",
    ),
    "away": (
        lambda c: c["images"][0].update(file_name="../x.png"),
        "../x.png, which lies outside the dataset's folder",
    ),
    "category twice": (lambda c: c["categories"][1].update(id=0), "lists a category without an id of its own"),
    "no list": (lambda c: c.pop("categories"), "is not in COCO's format: it needs the lists images, annotations"),
    "parts": (
        lambda c: (
            c["categories"].extend({"id": 10 + i, "name": f"p{i}", "supercategory": "Boat"} for i in range(256)),
            c["annotations"].extend({**c["annotations"][0], "id": 900 + i, "category_id": 10 + i} for i in range(256)),
        ),
        "name 261 parts; at most 255",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_annotations_that_cannot_be_are_told_before_anything_is_read(root: Path, what: str) -> None:
    change, says = WRONG[what]
    edit(root / "annotations/train/train.json", change)
    assert says in message(config(root))


def test_damage_that_shows_when_an_image_is_read(root: Path) -> None:
    broken = {"size": [40, 60], "counts": [100, 100]}
    edit(root / "annotations/train/train.json", mark(segmentation=broken))
    said = message(config(root), 1)
    assert said.endswith(
        "n02100735_2.png: the mask of its Quadruped Body covers 200 pixels, not the 60×40 of the image."
    )
    painted("n02100735").resize((30, 20)).save(root / "images/train/n02100735_1.png")
    assert "n02100735_1.png has 30×20 pixels, but its annotations are of 60×40" in message(config(root), 0)


def test_what_is_not_there_is_named(root: Path) -> None:
    assert "There is no folder" in message(config(root / "nowhere"))
    for i in (1, 4):
        (root / f"images/train/n02100735_{i}.png").unlink()
    assert "2 of the 33 images" in message(config(root))
    assert "the first is images/train/n02100735_1.png" in message(config(root))
    (root / "annotations/train/train.json").write_text("{")
    assert "train.json cannot be read as JSON" in message(config(root))
    (root / "annotations/train/train.json").write_text("[" * 100_000)
    assert "train.json cannot be read as JSON" in message(config(root))
    (root / "annotations/other_train.json").write_text("{}")
    assert "could both be the annotations for train; leave one" in message(config(root))


def test_classes_that_nothing_says_or_teaches(root: Path) -> None:
    (root / "bare").mkdir()
    assert "bare has no annotation file (.json)" in message(config(root / "bare"))
    assert "data.label_from = 'object' says no class of n02100735_1.png and 32 more" in message(
        config(root, label_from="object")
    )

    def nameless(content: dict[str, Any]) -> None:
        for i, entry in enumerate(content["images"]):
            entry["file_name"] = f"{i}.png"
        for entry in content["categories"]:
            entry.pop("supercategory")

    write(root / "bare/all.json", tree({"n02100735": 6, "n04147183": 6}), None)
    edit(root / "bare/all.json", nameless)
    assert "says the class of every image" in message(config(root / "bare"))
    write(root / "single/all.json", tree({"n02100735": 6}), root / "single")
    assert "all of one class, n02100735" in message(config(root / "single", label_from="folder"))
    edit(root / "annotations/train/train.json", lambda c: c.update(tree({"n02100735": 6, "n02510455": 2})))
    assert "The class n04147183 in" in message(config(root))
    (root / "annotations/train/train.json").unlink()
    assert "has annotations for val but none for train" in message(config(root))
