"""What every reader gives: a table of images, and a function that reads one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

Reader = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""Image id -> (image (S, S, 3) uint8 RGB, part map (S, S) uint8: 0 no part, p + 1 the dataset's part p)."""

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """Labelled images with disjoint parts, all of one square size.

    Attributes
    ----------
    classes : tuple of str
        Class names; a label is a position here.
    parts : tuple of str
        Part names; a part map holds a position here plus one.
    knows : str
        Completes "These networks know …", in a person's words.
    table : pandas.DataFrame
        One row an image: `id` (int64, 0…N-1, equal to the row number), `label` (int64), `split` (one of `SPLITS`),
        `source` (str: a path relative to the root, or a generator's index).
    read : Reader
        Reads one image by id. Can be sent to another process; gives the same arrays every time.
    digest : str
        Names everything that `read` and `table` depend on: settings, files (size and time), the reader's version.
    named_parts : bool
        False where the parts are superpixels, which mean nothing from one image to the next.
    """

    classes: tuple[str, ...]
    parts: tuple[str, ...]
    knows: str
    table: pd.DataFrame
    read: Reader
    digest: str
    named_parts: bool = True

    def ids(self, split: str) -> np.ndarray:
        """Return the ids of one split, ascending."""
        return self.table.loc[self.table["split"] == split, "id"].to_numpy()

    def load(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read some images here and now: (N, S, S, 3) uint8 and part maps (N, S, S) uint8."""
        pairs = [self.read(int(i)) for i in ids]
        return np.stack([image for image, _ in pairs]), np.stack([parts for _, parts in pairs])
