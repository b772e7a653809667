"""Photos with the masks of parts in COCO's format: PartImageNet, PACO, PASCAL-Part, or one's own."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import numpy as np

from core.config import Data
from core.data.coco_files import SYNSET, Listed, Mark, Mask, Rectangle, annotation_files, find_images, read_annotations
from core.data.coco_masks import MaskError
from core.data.dataset import Dataset
from core.data.listing import counted, dataset_root, file_facts, fingerprint, given_splits, image_table
from core.data.photos import around, centred, crop_image, crop_labels, open_photo
from core.data.regions import MAX_PARTS
from core.errors import UserError

VERSION = 1
WAYS = ("image", "object", "folder", "supercategory")
"""Where an image's class may stand, in the order of `label_from = "auto"`."""
GENERIC = frozenset({"train", "val", "validation", "test", "images", "image", "jpegimages", "img"})
"""Folders that name no class, whatever year they end with."""


def coco_parts(config: Data) -> Dataset:
    """Read part masks in COCO's format; photos are opened one by one, when asked for.

    Annotation files are those of `core.data.coco_files.annotation_files`; their names say the splits, and the splits
    are taken as the folders of `core.data.folder` are. Where they have no class in common (PartImageNet's own, made
    for few-shot learning) all images are pooled, and validation and test held out by class, following the seed.

    An image's class is what `label_from` says: `image`, its own entry's `category` or `category_id`; `object`, the
    category of the largest object annotated in it, with that object's parts only; `folder`, the folder that it lies
    in, or the ImageNet class that its name begins with; `supercategory`, that of its parts, by their area, with the
    parts of that one only. Images without a part are left out.

    Parts are disjoint: where masks overlap, a pixel belongs to the smaller one, of an eye and a head to the eye.

    Parameters
    ----------
    config : Data
        Uses `root`, `image_size`, `seed`, `validation_fraction`, `test_fraction`, `crop` and `label_from`.

    Raises
    ------
    UserError
        A folder, annotation file or image that is not there, annotations that contradict each other, images without a
        class, more parts than can be told apart: one sentence that names the file.
    """
    root = dataset_root(config.root)
    files = annotation_files(root)
    listed = {split: read_annotations(path) for split, path in files.items()}
    way = _way(listed, config.label_from, root)
    chosen = {split: [image for each in images if (image := _chosen(each, way))] for split, images in listed.items()}
    del listed
    for split, path in files.items():
        if not chosen[split]:
            raise UserError(f"{path} has no image with a part in it.")

    names = {split: [image.file_name for image in images] for split, images in chosen.items()}
    sources = [source for split in names for source in find_images(root, split, names[split])]
    images = [image for split in chosen for image in chosen[split]]
    photos, missing = file_facts(root, sources)
    if missing:
        raise UserError(
            f"{len(missing)} of the {len(sources)} images that the annotations in {root} list are not on disk, "
            f"the first is {missing[0]}."
        )
    if len(set(sources)) < len(sources):
        twice = next(source for source, count in Counter(sources).items() if count > 1)
        raise UserError(f"The annotations in {root} list the image {twice} twice.")
    classes, labels = np.unique([image.label for image in images], return_inverse=True)
    if len(classes) < 2:
        raise UserError(f"The images in {root} are all of one class, {classes[0]}; at least two are needed.")
    given = np.repeat(list(chosen), [len(each) for each in chosen.values()])
    splits = given_splits(_usable(given, labels, classes, root), labels, config)

    parts = sorted({mark.category.name for image in images for mark in image.marks})
    if len(parts) > MAX_PARTS:
        raise UserError(f"The annotations in {root} name {len(parts)} parts; at most {MAX_PARTS} can be told apart.")
    position = {name: i + 1 for i, name in enumerate(parts)}
    marks = tuple(tuple((position[mark.category.name], mark.mask) for mark in image.marks) for image in images)
    shapes, boxes = tuple(image.shape for image in images), tuple(image.box for image in images)

    facts, _ = file_facts(root, [path.relative_to(root).as_posix() for path in files.values()])
    fields = {"image_size", "seed", "validation_fraction", "test_fraction", "crop", "label_from"}
    return Dataset(
        classes=tuple(str(name) for name in classes),
        parts=tuple(parts),
        knows=f"{len(classes)} classes of photos from the folder {root.resolve().name}",
        table=image_table(labels, splits, sources, root),
        read=_Reader(root, tuple(sources), shapes, boxes, marks, tuple(parts), config.image_size, config.crop),
        digest=fingerprint(f"coco-parts {VERSION}", config.model_dump(include=fields), facts + photos),
    )


class _Chosen(NamedTuple):
    """An image that has a class, with the parts that count; `box` is its object's, where the file has one."""

    file_name: str
    shape: tuple[int, int]
    label: str
    box: Rectangle | None
    marks: list[Mark]


@dataclass(frozen=True, eq=False)
class _Reader:
    root: Path
    sources: tuple[str, ...]
    shapes: tuple[tuple[int, int], ...]
    boxes: tuple[Rectangle | None, ...]
    marks: tuple[tuple[tuple[int, Mask], ...], ...]
    parts: tuple[str, ...]
    size: int
    crop: Literal["box", "image"]

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        path, (height, width) = self.root / self.sources[index], self.shapes[index]
        # Masks refer to the pixels as stored, whatever a camera wrote into EXIF.
        image = open_photo(path, upright=False)
        if image.shape[:2] != (height, width):
            raise UserError(
                f"{path} has {image.shape[1]}×{image.shape[0]} pixels, but its annotations are of {width}×{height}."
            )
        part_map = self._part_map(index, path)
        window = (
            around(box, part_map.shape) if (box := self._box(index, part_map)) is not None else centred(image.shape)
        )
        return crop_image(image, window, self.size), crop_labels(part_map, window, self.size)

    def _part_map(self, index: int, path: Path) -> np.ndarray:
        """Lay the masks over each other, the largest first: (H, W) uint8, 0 no part."""
        part_map = np.zeros(self.shapes[index], np.uint8)
        masks = []
        for part, mask in self.marks[index]:
            try:
                masks.append((part, mask.pixels(part_map.shape)))
            except MaskError as error:
                raise UserError(f"{path}: the mask of its {self.parts[part - 1]} {error}.") from None
        # Of two of the same size, the first by its name.
        for part, pixels in sorted(masks, key=lambda each: (-np.count_nonzero(each[1]), -each[0])):
            part_map[pixels] = part
        return part_map

    def _box(self, index: int, part_map: np.ndarray) -> np.ndarray | None:
        """Return what is cropped to: the object's box, else that of its parts; None for the whole image."""
        if self.crop == "image":
            return None
        height, width = part_map.shape
        box = self.boxes[index]
        if box is not None:
            low = np.clip(box[:2], 0, (width, height))
            high = np.clip(np.add(box[:2], box[2:]), 0, (width, height))
        elif part_map.any():
            rows, columns = np.flatnonzero(part_map.any(axis=1)), np.flatnonzero(part_map.any(axis=0))
            low, high = np.array([columns[0], rows[0]]), np.array([columns[-1] + 1, rows[-1] + 1])
        else:
            return None
        return np.concatenate([low, high - low]) if (high > low).all() else None


def _way(listed: dict[str, list[Listed]], wanted: str, root: Path) -> str:
    """Return where the classes stand: as wanted, or the first place that says one of every image with parts."""
    images = [image for each in listed.values() for image in each if any(not m.category.is_object for m in image.marks)]
    for way in WAYS if wanted == "auto" else (wanted,):
        found = [_label(image, way)[0] for image in images]
        if all(found) and (len(set(found)) > 1 or wanted != "auto"):
            return way
        if wanted != "auto":
            unsaid = [image.file_name for image, label in zip(images, found, strict=True) if not label]
            raise UserError(f"data.label_from = '{wanted}' says no class of {counted(unsaid)}.")
    raise UserError(
        f"Nothing in the annotations in {root} says the class of every image, and of more than one: no category of the "
        "image, no object that the parts belong to, no folder of the class, no supercategory of the parts."
    )


def _label(image: Listed, way: str) -> tuple[str, Mark | None]:
    """Return an image's class, "" where there is none, and the object that says so."""
    if way == "image":
        return image.stated, None
    if way == "object":
        objects = [mark for mark in image.marks if mark.category.is_object]
        largest = max(objects, key=lambda mark: mark.area, default=None)
        return (largest.category.name if largest else ""), largest
    if way == "folder":
        folders = PurePosixPath(image.file_name).parts[:-1]
        named = [folder for folder in folders if folder.lower().rstrip("0123456789_-") not in GENERIC]
        synset = SYNSET.match(PurePosixPath(image.file_name).name)
        return (named[-1] if named else synset[0] if synset else ""), None
    areas: dict[str, float] = defaultdict(float)
    for mark in image.marks:
        areas[mark.category.owner] += mark.area
    return max(areas, key=lambda owner: areas[owner], default=""), None


def _chosen(image: Listed, way: str) -> _Chosen | None:
    """Return an image with its class and the parts that count; None where it has none."""
    label, whole = _label(image, way)
    marks = [mark for mark in image.marks if not mark.category.is_object and (mark.mask.polygons or mark.mask.runs)]
    if whole is not None and any(mark.object_id is not None for mark in marks):
        marks = [mark for mark in marks if mark.object_id == whole.id]
    elif way in ("object", "supercategory"):
        marks = [mark for mark in marks if mark.category.owner in ("", label)]
    if not marks:
        return None
    box = whole.box if whole is not None else None
    return _Chosen(image.file_name, (image.height, image.width), label, box, marks)


def _usable(given: np.ndarray, labels: np.ndarray, classes: np.ndarray, root: Path) -> np.ndarray:
    """Return the splits as given, or "" for all images where they cannot teach any class that they test."""
    if len(set(given)) == 1:
        return np.full(len(given), "")
    if "train" not in given:
        raise UserError(f"{root} has annotations for {given[0]} but none for train.")
    taught, tested = set(labels[given == "train"]), set(labels[given != "train"])
    if not taught & tested:
        return np.full(len(given), "")
    if tested - taught:
        raise UserError(f"The class {classes[min(tested - taught)]} in {root} has no training images.")
    return given
