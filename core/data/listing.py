"""What the readers of files share: what lies on disk, what is held out, what names it all."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.config import Data
from core.errors import UserError

FileFacts = tuple[str, int, int]
"""Path relative to the root, bytes, time of the last change in ns."""
TOGETHER = 10_000
"""Files that are written as text at a time."""


def dataset_root(root: str) -> Path:
    """Return a dataset's folder, or raise the UserError that says it is not there."""
    if not root:
        raise UserError("The dataset needs data.root, the folder it lies in.")
    path = Path(root)
    if not path.is_dir():
        raise UserError(
            f"There is no folder {path}; data.root must be the folder the dataset lies in (--set data.root=FOLDER)."
        )
    return path


def file_facts(root: Path, paths: Iterable[str]) -> tuple[list[FileFacts], list[str]]:
    """Look every path up: the facts of those that are files in the root, and the paths of those that are not."""
    facts, missing = [], []
    base = os.path.join(root, "")
    for path in paths:  # of a million, so no Path is made of each
        if ".." in path and ".." in path.split("/"):  # a list of images may come from elsewhere
            missing.append(path)
            continue
        try:
            found = os.stat(base + path)
        except (OSError, ValueError):  # the latter of a name that no file can have
            missing.append(path)
            continue
        if stat.S_ISREG(found.st_mode):
            facts.append((path, found.st_size, found.st_mtime_ns))
        else:
            missing.append(path)
    return facts, missing


def fingerprint(reader: str, settings: Mapping[str, object], files: Sequence[FileFacts]) -> str:
    """Return the sha256 of a reader's name and version, its settings and its files: of one JSON list of the three."""
    sha = hashlib.sha256(f"{json.dumps([reader, settings], sort_keys=True)[:-1]}, [".encode())
    for start in range(0, len(files), TOGETHER):
        text = json.dumps(files[start : start + TOGETHER])[1:-1]
        sha.update(f"{', ' if start else ''}{text}".encode())
    sha.update(b"]]")
    return sha.hexdigest()


def hold_out(labels: np.ndarray, fraction: float, seed: int | tuple[int, ...]) -> np.ndarray:
    """Choose a share of the images of every class, at least one and never all.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) class of every image.
    fraction : float
        Share to choose. A class of one image gives none.
    seed : int or tuple of int
        The same seed chooses the same images; a class's choice does not depend on the other classes.

    Returns
    -------
    numpy.ndarray
        (N,) bool, True where chosen.
    """
    chosen = np.zeros(len(labels), bool)
    order = np.argsort(labels, kind="stable")
    values, first = np.unique(labels[order], return_index=True)
    for label, members in zip(values, np.split(order, first[1:]), strict=False):  # of nothing, one empty part
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        prefix = seed if isinstance(seed, tuple) else (seed,)
        order = np.random.default_rng((*prefix, int(label))).permutation(len(members))
        chosen[members[order[:count]]] = True
    return chosen


def given_splits(given: np.ndarray, labels: np.ndarray, config: Data) -> np.ndarray:
    """Return every image's split, from the one that it lies in: `train`, `val` and `test`, or "" for all.

    All three are taken as they are. Of `train` and one more, that one is the test split and validation is held out of
    `train`; of "" both are held out. All holding out is by class and follows the seed.
    """
    names = set(given)
    if names == {"train", "val", "test"}:
        return np.where(given == "val", "validation", given)
    alone = names == {""}
    test = hold_out(labels, config.test_fraction, (config.seed, 1)) if alone else given != "train"
    split = np.where(test, "test", "train").astype(object)
    rest = np.flatnonzero(~test)
    split[rest[hold_out(labels[rest], config.validation_fraction, config.seed)]] = "validation"
    return split


def image_table(labels: np.ndarray, split: np.ndarray, sources: Sequence[str], root: Path) -> pd.DataFrame:
    """Return the table of a `Dataset`; a split without images is a UserError naming the root."""
    for name in ("train", "validation", "test"):
        if not (split == name).any():
            raise UserError(f"The dataset in {root} leaves no image for the {name} split; it needs more images.")
    return pd.DataFrame(
        {
            "id": np.arange(len(labels), dtype=np.int64),
            "label": labels.astype(np.int64),
            "split": [str(name) for name in split],
            "source": list(sources),
        }
    )


def counted(names: Sequence[object] | np.ndarray) -> str:
    """Return the first name, and how many more there are: "a.jpg" or "a.jpg and 3 more"."""
    return f"{names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
