"""Anybody's photos, one folder a class; superpixels stand in for parts."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import Data
from core.data.dataset import Dataset
from core.data.listing import counted, dataset_root, file_facts, fingerprint, given_splits, image_table
from core.data.photos import open_photo, square
from core.data.regions import superpixels
from core.errors import UserError

VERSION = 1
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def folder(config: Data) -> Dataset:
    """List a folder of photos; they are opened one by one, when asked for.

    Three layouts: `train/<class>/`, `val/<class>/` and `test/<class>/`, taken as they are; `train` with one of `val`
    and `test`, which becomes the test split while validation is held out of `train`; or class folders alone, from
    which test and validation are held out. All holding out is by class and follows the seed.

    Parameters
    ----------
    config : Data
        Uses `root`, `image_size`, `seed`, `validation_fraction`, `test_fraction` and `segments`.

    Raises
    ------
    UserError
        No such folder, fewer than two classes, a class without images, empty files, or splits whose classes differ.
    """
    root = dataset_root(config.root)
    given = [name for name in ("train", "val", "test") if (root / name).is_dir()]
    if given == ["train"]:
        raise UserError(f"{root} has a folder train but neither val nor test; add one, or leave only class folders.")
    if given and "train" not in given:
        raise UserError(f"{root} has a folder {given[0]} but no folder train.")

    listed = {name: _images(root / name) for name in given or [""]}
    classes = sorted(next(iter(listed.values())))
    for name, images in listed.items():
        differing = sorted(set(classes) ^ set(images))
        if differing:
            raise UserError(f"{root / 'train'} and {root / name} must have the same classes, not so: {differing[0]}.")
    if len(classes) < 2:
        raise UserError(f"{root / given[0] if given else root} has {len(classes)} class folders; two are needed.")

    counts = np.array([[len(images[class_name]) for class_name in classes] for images in listed.values()])
    labels = np.repeat(np.tile(np.arange(len(classes)), len(listed)), counts.ravel())
    splits = np.repeat(list(listed), counts.sum(axis=1))
    sources = [
        f"{name}/{class_name}/{image}" if name else f"{class_name}/{image}"
        for name, images in listed.items()
        for class_name in classes
        for image in images[class_name]
    ]
    files, missing = file_facts(root, sources)
    if missing:
        raise UserError(f"{root} lists files that cannot be read: {counted(missing)}.")
    empty = [path for path, size, _ in files if size == 0]
    if empty:
        raise UserError(f"{root} has empty image files: {counted(empty)}.")

    settings = config.model_dump(include={"image_size", "seed", "validation_fraction", "test_fraction", "segments"})
    return Dataset(
        classes=tuple(classes),
        parts=tuple(f"region {i + 1}" for i in range(config.segments)),
        knows=f"{len(classes)} classes of photos from the folder {root.resolve().name}",
        table=image_table(labels, given_splits(splits, labels, config), sources, root),
        read=_Reader(root, tuple(sources), config.image_size, config.segments),
        digest=fingerprint(f"folder {VERSION}", settings, files),
        named_parts=False,
    )


@dataclass(frozen=True)
class _Reader:
    root: Path
    sources: tuple[str, ...]
    size: int
    segments: int

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        image = square(open_photo(self.root / self.sources[index]), self.size)
        return image, superpixels(image, self.segments)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _images(parent: Path) -> dict[str, list[str]]:
    """Return the image files of every class folder, by name; hidden files and folders do not count."""
    images: dict[str, list[str]] = {}
    for path in parent.iterdir():
        if path.is_dir() and not path.name.startswith((".", "__")):
            names = os.listdir(path)
            images[path.name] = sorted(n for n in names if _suffix(n) in SUFFIXES and not n.startswith("."))
    for name in sorted(images):
        if not images[name]:
            raise UserError(f"The class folder {parent / name} has no images.")
    return images
