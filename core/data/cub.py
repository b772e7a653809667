"""CUB-200-2011 in its original layout (Wah et al. 2011), whole or a subset with its original ids."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from core.config import Data
from core.data.dataset import Dataset
from core.data.listing import counted, dataset_root, file_facts, fingerprint, hold_out, image_table
from core.data.photos import around, centred, crop_image, crop_points, open_photo
from core.data.regions import MAX_PARTS, point_regions
from core.errors import UserError

VERSION = 1
ANNOTATIONS = (
    "images.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "classes.txt",
    "bounding_boxes.txt",
    "parts/parts.txt",
    "parts/part_locs.txt",
)


def cub(config: Data) -> Dataset:
    """Read the annotations of CUB-200-2011; photos are opened one by one, when asked for.

    The official test images are the test split; validation is held out of the official training images, by class.
    A part is the pixels of the object's box nearest its point and within `part_radius` of the box's longer side.

    Parameters
    ----------
    config : Data
        Uses `root`, `image_size`, `seed`, `validation_fraction`, `crop` and `part_radius`.

    Raises
    ------
    UserError
        A folder, annotation file or image that is not there, or lines that cannot be read or contradict each other:
        the file and the first such line are named.
    """
    root = dataset_root(config.root)
    annotations, missing = file_facts(root, ANNOTATIONS)
    if missing:
        raise UserError(f"{root} has no {counted(missing)}; it is not in the layout of CUB-200-2011.")

    images = _names(root, "images.txt")
    if not images:
        raise UserError(f"{root / 'images.txt'} lists no images.")
    ids = np.array(list(images))
    sources = [f"images/{path}" for path in images.values()]
    photos, missing = file_facts(root, sources)
    if missing:
        raise UserError(
            f"{len(missing)} of the {len(sources)} images that {root / 'images.txt'} lists are not on disk, "
            f"the first is {missing[0]}."
        )

    labels, classes = _labels(root, images)
    split = _splits(root, ids, labels, classes, config)
    boxes = _by_image(root, "bounding_boxes.txt", "<image_id> <x> <y> <width> <height>", ids)
    flat = ids[(boxes[:, 2:] <= 0).any(axis=1)]
    if len(flat):
        raise UserError(f"{root / 'bounding_boxes.txt'} gives image {flat[0]} a box without width or height.")
    parts, points, visible = _points(root, ids)

    settings = config.model_dump(include={"image_size", "seed", "validation_fraction", "crop", "part_radius"})
    return Dataset(
        classes=tuple(classes),
        parts=tuple(parts),
        knows=f"{len(classes)} bird species from photos (CUB-200-2011)",
        table=image_table(labels, split, sources, root),
        read=_Reader(root, tuple(sources), boxes, points, visible, config.image_size, config.crop, config.part_radius),
        digest=fingerprint(f"cub {VERSION}", settings, annotations + photos),
    )


@dataclass(frozen=True, eq=False)
class _Reader:
    root: Path
    sources: tuple[str, ...]
    boxes: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    size: int
    crop: Literal["box", "image"]
    radius: float

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        path = self.root / self.sources[index]
        # The annotators' points refer to the pixels as stored, whatever a camera wrote into EXIF.
        image = open_photo(path, upright=False)
        height, width = image.shape[:2]
        corners = self.boxes[index].reshape(2, 2).cumsum(axis=0).clip(0, (width, height))
        if (corners[1] <= corners[0]).any():
            raise UserError(f"The bounding box of {path} lies outside the image ({width}×{height} pixels).")
        window = around(_box(corners), image.shape) if self.crop == "box" else centred(image.shape)
        regions = point_regions(
            crop_points(self.points[index], window, self.size),
            self.visible[index],
            _box(crop_points(corners, window, self.size)),
            self.radius,
            (self.size, self.size),
        )
        return crop_image(image, window, self.size), regions


def _box(corners: np.ndarray) -> np.ndarray:
    return np.concatenate([corners[0], corners[1] - corners[0]])


def _labels(root: Path, images: dict[int, str]) -> tuple[np.ndarray, list[str]]:
    """Return (N,) labels 0 … C-1 and the C class names that have images, both in the order of the class ids."""
    ids = np.array(list(images))
    names = _names(root, "classes.txt")
    given = _by_image(root, "image_class_labels.txt", "<image_id> <class_id>", ids)[:, 0]
    strange = ~np.isin(given, list(names))
    if strange.any():
        raise UserError(
            f"{root / 'image_class_labels.txt'} gives image {ids[strange][0]} the class {given[strange][0]:g}, "
            "which classes.txt does not list."
        )
    used, labels = np.unique(given, return_inverse=True)
    if len(used) < 2:
        raise UserError(f"The images in {root} are all of one class; at least two are needed.")
    for image, number in zip(ids, given, strict=True):
        folder, _, _ = images[image].rpartition("/")
        if folder != names[int(number)]:
            raise UserError(
                f"{root / 'image_class_labels.txt'} gives image {image} the class {names[int(number)]}, but it lies in "
                f"the folder {folder or '.'}."
            )
    return labels, [re.sub(r"^\d+\.", "", names[int(i)]).replace("_", " ") for i in used]


def _splits(root: Path, ids: np.ndarray, labels: np.ndarray, classes: list[str], config: Data) -> np.ndarray:
    given = _by_image(root, "train_test_split.txt", "<image_id> <is_training_image>", ids)[:, 0]
    strange = ~np.isin(given, (0, 1))
    if strange.any():
        raise UserError(
            f"{root / 'train_test_split.txt'} gives image {ids[strange][0]} the value {given[strange][0]:g}; "
            "1 is training, 0 is test."
        )
    train = given == 1
    if not train.any() or train.all():
        raise UserError(f"{root / 'train_test_split.txt'} leaves no {'test' if train.any() else 'training'} images.")
    untaught = np.setdiff1d(labels, labels[train])
    if len(untaught):
        raise UserError(f"The class {classes[untaught[0]]} in {root} has no training images.")
    split = np.where(train, "train", "test").astype(object)
    held = np.flatnonzero(train)[hold_out(labels[train], config.validation_fraction, config.seed)]
    split[held] = "validation"
    return split


def _points(root: Path, ids: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the P part names, points (N, P, 2) and whether they are visible (N, P)."""
    names = _names(root, "parts/parts.txt")
    if not 1 <= len(names) <= MAX_PARTS:
        raise UserError(f"{root / 'parts/parts.txt'} lists {len(names)} parts; 1 to {MAX_PARTS} can be told apart.")
    path = root / "parts/part_locs.txt"
    lines, values = _numbers(root, "parts/part_locs.txt", "<image_id> <part_id> <x> <y> <visible>")
    part = pd.Index(list(names)).get_indexer(pd.Index(values[:, 1]))
    for wrong, column, why in (
        (part < 0, 1, "is not a part that parts/parts.txt lists"),
        (~np.isin(values[:, 4], (0, 1)), 4, "is not a visibility; 1 is visible, 0 is not"),
    ):
        if wrong.any():
            raise UserError(f"{path}, line {lines[wrong][0]}: {values[wrong][0, column]:g} {why}.")
    keys = pd.MultiIndex.from_arrays([values[:, 0].astype(np.int64), part])
    if keys.has_duplicates:
        raise UserError(f"{path}, line {lines[keys.duplicated()][0]}: this image and part are there twice.")
    rows = keys.get_indexer(pd.MultiIndex.from_product([ids, range(len(names))])).reshape(len(ids), len(names))
    if (rows < 0).any():
        image, absent = np.argwhere(rows < 0)[0]
        raise UserError(f"{path} has no line for image {ids[image]} and the part {list(names.values())[absent]}.")
    # A click names a pixel; the pixel's centre lies half a pixel further.
    return list(names.values()), values[rows, 2:4] + 0.5, values[rows, 4] == 1


def _by_image(root: Path, file: str, columns: str, ids: np.ndarray) -> np.ndarray:
    """Return a file's columns after the first (N, k), in the order of `ids`; lines of other images are left out."""
    lines, values = _numbers(root, file, columns)
    index = pd.Index(values[:, 0].astype(np.int64))
    if index.has_duplicates:
        raise UserError(f"{root / file}, line {lines[index.duplicated()][0]}: this image is there twice.")
    rows = index.get_indexer(pd.Index(ids))
    if (rows < 0).any():
        raise UserError(f"{root / file} has no line for image {counted(ids[rows < 0])}.")
    return values[rows, 1:]


def _names(root: Path, file: str) -> dict[int, str]:
    """Read `<id> <name>` lines, in the order of the file."""
    names: dict[int, str] = {}
    for line, (number, name) in _lines(root, file, "<id> <name>"):
        if not number.isdecimal() or int(number) in names:
            why = "is there twice" if number.isdecimal() else "is not a whole number"
            raise UserError(f"{root / file}, line {line}: the id {number} {why}.")
        names[int(number)] = name
    return names


def _numbers(root: Path, file: str, columns: str) -> tuple[np.ndarray, np.ndarray]:
    """Read lines of numbers: the line numbers (R,) and the values (R, k), the first of each a whole number."""
    lines, values = [], []
    for line, fields in _lines(root, file, columns):
        try:
            row = [float(field) for field in fields]
        except ValueError:
            row = [np.nan]
        if not np.isfinite(row).all() or row[0] % 1:
            raise UserError(f"{root / file}, line {line}: expected the numbers {columns}, found '{' '.join(fields)}'.")
        lines.append(line)
        values.append(row)
    return np.array(lines, dtype=int), np.array(values, dtype=float).reshape(len(lines), len(columns.split()))


def _lines(root: Path, file: str, columns: str) -> list[tuple[int, list[str]]]:
    try:
        text = (root / file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{root / file} cannot be read as text: {error}.") from None
    wanted = len(columns.split())
    rows = [(number, line.split(maxsplit=wanted - 1)) for number, line in enumerate(text.splitlines(), 1)]
    rows = [(number, fields) for number, fields in rows if fields]
    for number, fields in rows:
        if len(fields) != wanted:
            raise UserError(f"{root / file}, line {number}: expected {columns}, found '{' '.join(fields)}'.")
    return rows
