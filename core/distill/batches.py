"""What a seed is shown, batch by batch."""

from dataclasses import dataclass

import numpy as np
import torch

from core.config import Training
from core.distill.share import ALONE, Share
from core.distill.views import draws, epoch_order, views
from core.inputs import normalise


@dataclass(frozen=True)
class TrainingData:
    """What every cell learns from and is validated on.

    Attributes
    ----------
    images, validation_images : numpy.ndarray, (N, S, S, 3), uint8
        May be memory-maps.
    labels, validation_labels : numpy.ndarray, (N,), int64
    ids : numpy.ndarray, (N,), int64
        Names of the training images, which choose their views.
    mean, std : tuple of float
        Normalisation of each channel, in [0, 1].
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Batches:
    """The batches of one seed: the same for every group of cells, whenever they are asked for.

    Parameters
    ----------
    data : TrainingData
    recipe : Training
    seed : int
    device : torch.device
    layout : torch.memory_format
        Of the views.
    resident : bool
        Whether all images lie on the device, as bytes; else each batch is read from `data` and sent there.
    share : Share, optional
        Which slice of each batch this process sees; by default the whole.

    Attributes
    ----------
    size, count : int
        Images of a whole batch, and batches of an epoch; what is left over of an epoch's order waits for another epoch.
    """

    def __init__(
        self,
        data: TrainingData,
        recipe: Training,
        seed: int,
        device: torch.device,
        layout: torch.memory_format,
        resident: bool = False,
        share: Share = ALONE,
    ) -> None:
        self.data, self.strength, self.seed, self.device, self.layout = data, recipe.augmentation, seed, device, layout
        self.share = share
        self.size = min(recipe.batch_size, len(data.ids))
        self.count = len(data.ids) // self.size
        self.labels = torch.from_numpy(np.ascontiguousarray(data.labels)).to(device)
        self.images = torch.from_numpy(np.ascontiguousarray(data.images)).to(device) if resident else None
        self._order = (-1, np.empty(0, np.int64))

    def rows(self, epoch: int, step: int) -> np.ndarray:
        """Return the positions in `data` of the images of this process's slice of a batch, in ascending order."""
        if self._order[0] != epoch:
            self._order = (epoch, epoch_order(self.seed, epoch, len(self.data.ids)))
        return self.share.of(np.sort(self._order[1][step * self.size : (step + 1) * self.size]))

    def at(self, epoch: int, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return views (B, 3, S, S), normalised, and their labels (B,)."""
        rows = self.rows(epoch, step)
        places = torch.from_numpy(rows).to(self.device)
        given = torch.from_numpy(self.data.images[rows]).to(self.device) if self.images is None else self.images[places]
        pixels = given.permute(0, 3, 1, 2).float().div_(255)
        numbers = torch.from_numpy(draws(self.seed, epoch, self.data.ids[rows])).to(self.device)
        x = normalise(views(pixels, numbers, self.strength), self.data.mean, self.data.std)
        return x.contiguous(memory_format=self.layout), self.labels[places]
