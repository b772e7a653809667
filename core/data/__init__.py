"""The built-in and the user's datasets, all read to one form (`core.data.dataset.Dataset`)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.config import Data
    from core.data.dataset import Dataset

READERS = {
    "birds": "core.data.birds",
    "cub": "core.data.cub",
    "folder": "core.data.folder",
    "coco-parts": "core.data.coco_parts",
}
"""The module of every dataset; its reader is the function of the module's name."""


def open_dataset(config: "Data") -> "Dataset":
    """Open the dataset a study names. Raises UserError where its files are missing or contradict each other."""
    # Imported when needed, like all here: a study of the built-in birds never loads what photos take.
    module = READERS[config.dataset]
    dataset: Dataset = getattr(import_module(module), module.rpartition(".")[2])(config)
    return dataset
