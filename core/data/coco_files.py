"""COCO's annotation files as they lie on disk: found, read and checked, before anything is made of them."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from core.data.coco_masks import MaskError, Shape, corners, polygon_mask, rle_mask
from core.errors import UserError

SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "test"}
"""Words in a file's name that say which images it lists."""
LISTS = ("images", "annotations", "categories")
SYNSET = re.compile(r"n\d{8}(?=_)")
"""ImageNet's name of a class, which its files' names begin with."""
Rectangle = tuple[float, float, float, float]
"""Left, top, width and height in pixels."""


class Mask(NamedTuple):
    """What an annotation covers, as compact as its file has it: polygons, (K, 2) each, or COCO's run lengths."""

    polygons: tuple[np.ndarray, ...]
    runs: str | tuple[int, ...] | None

    def pixels(self, shape: Shape) -> np.ndarray:
        """Decode to (H, W) bool; `MaskError` where the run lengths are."""
        if self.runs is not None:
            return rle_mask(self.runs, shape)
        mask = np.zeros(shape, bool)
        for polygon in self.polygons:
            mask |= polygon_mask(polygon, shape)
        return mask


class Category(NamedTuple):
    """A name of a part or of an object; `owner` is the object that a part is of, "" where the file does not say."""

    name: str
    owner: str
    is_object: bool


class Mark(NamedTuple):
    """An annotation: its category, its own id and its object's (None where unsaid), box (4,), area and mask."""

    category: Category
    id: Any
    object_id: Any
    box: Rectangle | None
    area: float
    mask: Mask


@dataclass
class Listed:
    """An image that an annotation file lists; `stated` is the class that it gives itself, "" where it gives none."""

    file_name: str
    width: int
    height: int
    stated: str
    marks: list[Mark] = field(default_factory=list)


def annotation_files(root: Path) -> dict[str, Path]:
    """Return the annotation file of every split: of "train", "val" and "test" by their names, or one alone as "".

    Looked for in the folder, in `annotations/` and in folders there. PartImageNet's `…_whole.json`, which list the
    objects without their parts, do not count.

    Raises
    ------
    UserError
        There is none, or more than one for the same split.
    """
    paths = sorted({path for place in ("", "annotations/", "annotations/*/") for path in root.glob(f"{place}*.json")})
    named: dict[str, list[Path]] = {}
    for path in paths:
        words = re.findall("[a-z]+", path.stem.lower())
        splits = {SPLITS[word] for word in words if word in SPLITS}
        if "whole" not in words:
            named.setdefault(splits.pop() if len(splits) == 1 else "", []).append(path)
    found = {split: files for split, files in named.items() if split} or named
    if not found:
        raise UserError(f"{root} has no annotation file (.json), neither itself nor in a folder annotations.")
    for split, files in found.items():
        if len(files) > 1:
            raise UserError(
                f"{files[0]} and {files[1]} could both be the annotations{f' for {split}' if split else ''}; "
                "leave one of them in the folder."
            )
    return {split: found[split][0] for split in ("train", "val", "test", "") if split in found}


def read_annotations(path: Path) -> list[Listed]:
    """Read one annotation file: its images in the file's order, each with its marks.

    Raises
    ------
    UserError
        It is not JSON or not in COCO's format, or an annotation names an image or a category that is not there, or its
        mask cannot be one of its image: the file and the annotation are named.
    """
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(tree, dict) or not all(isinstance(tree.get(name), list) for name in LISTS):
        raise UserError(f"{path} is not in COCO's format: it needs the lists {', '.join(LISTS)}.")
    categories = _categories(tree["categories"], path)
    images: dict[Any, Listed] = {}
    for entry in tree["images"]:
        name = entry.get("file_name") if isinstance(entry, dict) else None
        width, height = (entry.get("width"), entry.get("height")) if name else (0, 0)
        if not isinstance(name, str) or not all(type(side) is int and side > 0 for side in (width, height)):
            raise UserError(f"{path} lists an image without file_name, width and height: {str(entry)[:80]}.")
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise UserError(f"{path} lists the image {name}, which lies outside the dataset's folder.")
        if not isinstance(entry.get("id"), int | str) or entry["id"] in images:
            raise UserError(f"{path} lists {name} without an id of its own (found {entry.get('id')}).")
        images[entry["id"]] = Listed(name, width, height, _stated(entry, categories))
    for entry in tree["annotations"]:
        if not isinstance(entry, dict) or not _known(entry.get("image_id"), images):
            raise UserError(f"{path}: {_called(entry)} is of an image that the file does not list.")
        if not _known(entry.get("category_id"), categories):
            raise UserError(
                f"{path}: {_called(entry)} has the category {entry.get('category_id')}, which is not listed."
            )
        image, category = images[entry["image_id"]], categories[entry["category_id"]]
        try:
            mark = _mark(entry, category, (image.height, image.width))
        except MaskError as error:
            raise UserError(f"{path}: {_called(entry)}, the {category.name} of {image.file_name}, {error}.") from None
        image.marks.append(mark)
    return list(images.values())


def find_images(root: Path, split: str, names: list[str]) -> list[str]:
    """Return where the images lie, relative to the root: as named there, in `images/`, in `<split>/`, or both.

    Where names have no folder, the one of their ImageNet class counts as well.
    """
    for place in ("", "images", *((split, f"images/{split}") if split else ())):
        for by_class in (False, True):
            sources = [_placed(place, name, by_class) for name in names]
            # Not the first alone: that may be the one that is missing.
            if any((root / source).is_file() for source in sources[:100]):
                return sources
    return [_placed("images", name, False) for name in names]


def _placed(place: str, name: str, by_class: bool) -> str:
    synset = SYNSET.match(name) if by_class else None
    return "/".join(filter(None, (place, synset[0] if synset else "", name)))


def _known(key: Any, table: dict[Any, Any]) -> bool:
    return isinstance(key, int | str) and key in table


def _called(entry: Any) -> str:
    return f"annotation {entry.get('id', '(without id)')}" if isinstance(entry, dict) else "an annotation"


def _categories(entries: Iterable[Any], path: Path) -> dict[Any, Category]:
    """Return the categories by id. Objects are those called so (PACO), and those that others are a part of."""
    given: dict[Any, tuple[str, str]] = {}
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name or not isinstance(entry.get("id"), int | str) or entry["id"] in given:
            raise UserError(f"{path} lists a category without an id of its own and a name: {str(entry)[:80]}.")
        above = entry.get("supercategory")
        given[entry["id"]] = (name, above if isinstance(above, str) else "")
    owned = {}
    for key, (name, above) in given.items():
        prefix, colon, part = name.partition(":")
        # "mug:handle" is the handle of a mug: the part goes by its own name in all objects that have it.
        owner = above if above.upper() not in ("", "PART", "OBJECT") else prefix if colon else ""
        owned[key] = (part or name, "" if owner == name else owner)
    owners = {owner for _, owner in owned.values()}
    found = {}
    for key, (name, above) in given.items():
        is_object = above.upper() == "OBJECT" or name in owners
        found[key] = Category(name, "", True) if is_object else Category(*owned[key], False)
    return found


def _stated(entry: dict[str, Any], categories: dict[Any, Category]) -> str:
    """Return the class that an image's own entry gives: `category`, a name, or `category_id`."""
    if isinstance(entry.get("category"), str):
        return entry["category"]
    return categories[entry["category_id"]].name if _known(entry.get("category_id"), categories) else ""


def _mark(entry: dict[str, Any], category: Category, shape: Shape) -> Mark:
    box = _rectangle(entry.get("bbox"))
    area = entry.get("area")
    if not isinstance(area, int | float):
        area = box[2] * box[3] if box else 0.0
    mask = Mask((), None) if category.is_object else _mask(entry.get("segmentation"), box, shape)
    return Mark(category, entry.get("id"), entry.get("obj_ann_id"), box, float(area), mask)


def _rectangle(given: Any) -> Rectangle | None:
    """Return left, top, width and height where they are given as four numbers."""
    if not (isinstance(given, list) and len(given) == 4 and all(isinstance(side, int | float) for side in given)):
        return None
    left, top, width, height = given
    return left, top, width, height


def _mask(given: Any, box: Rectangle | None, shape: Shape) -> Mask:
    if isinstance(given, dict):
        size, counts = given.get("size"), given.get("counts")
        if size != list(shape):
            raise MaskError(f"has a mask of the size {size}, not {list(shape)} (height and width) as its image")
        if not isinstance(counts, str | list):
            raise MaskError("has a mask without run lengths (counts)")
        return Mask((), counts if isinstance(counts, str) else tuple(counts))
    if not isinstance(given, list):
        raise MaskError("has neither polygons nor run lengths (segmentation)")
    polygons = []
    for polygon in given:
        # PartImageNet has boxes among its polygons, of four numbers; its bbox says which.
        if isinstance(polygon, list) and len(polygon) == 4 and (rectangle := box or _rectangle(polygon)):
            x, y, width, height = rectangle
            polygon = [x, y, x + width, y, x + width, y + height, x, y + height]
        polygons.append(corners(polygon, shape))
    return Mask(tuple(polygons), None)
