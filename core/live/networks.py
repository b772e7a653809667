"""Networks that answer together, and those of them that are kept in memory, ready to be explained."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.attribution import Prepared, Score
from core.cells import Cell
from core.header import Header

MODEL_BYTES = 600_000_000
"""What networks kept in memory may take together; the least recently used go first."""
PASS_BYTES = 100_000_000
"""What one pass may hold while somebody waits: a third of a second of a ResNet101 at 224 pixels, or 100 MB, is soon
stopped. Larger passes are hardly quicker."""


class Networks(Protocol):
    """Networks with one answer each to a photo, of which one is the teacher: a `Study`'s, or `core.imagenet`'s."""

    @property
    def name(self) -> str:
        """What they are called together."""

    @property
    def knows(self) -> str:
        """What they were trained on; completes "These networks know …"."""

    @property
    def teacher(self) -> Cell:
        """The one that the others are compared with."""

    def header(self, cell: Cell) -> Header:
        """Return what is known of a network without its weights."""

    def model(self, cell: Cell) -> nn.Module:
        """Return a network: fp32, evaluation mode, parameters frozen; UserError where it is missing or damaged."""

    def view(self, photo: np.ndarray, side: int | None = None) -> np.ndarray:
        """Return the square of a photo (H, W, 3) that they see, uint8, at their size or at `side` pixels."""


_kept: OrderedDict[Header, tuple[Prepared, int]] = OrderedDict()
_lock = threading.Lock()


def network(networks: Networks, cell: Cell) -> tuple[Prepared, Header]:
    """Return a network ready to be explained, from memory where the same weights were read before.

    Safe across threads.

    Raises
    ------
    UserError
        It is missing or damaged.
    """
    header = networks.header(cell)
    with _lock:
        if header in _kept:
            _kept.move_to_end(header)
            return _kept[header][0], header
    model = networks.model(cell)
    size = header.image_size
    held = sum(v.numel() * v.element_size() for v in model.state_dict().values())
    prepared = Prepared(model, torch.empty(1, 3, size, size))
    with _lock:
        _kept[header] = (prepared, held)
        while len(_kept) > 1 and sum(bytes_ for _, bytes_ in _kept.values()) > MODEL_BYTES:
            _kept.popitem(last=False)
    return prepared, header


class Interruptible(Prepared):
    """A prepared network that may be stopped between two passes, each of which is short.

    Parameters
    ----------
    network : Prepared
        Shares its weights.
    check : callable
        Called before every pass; what it raises ends the explanation.
    """

    def __init__(self, network: Prepared, check: Callable[[], None]) -> None:
        vars(self).update(vars(network))
        self._check = check

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits, as of `Prepared`."""
        self._check()
        return super().__call__(images)

    def gradient(self, entered: Tensor, targets: Tensor, score: Score) -> tuple[Tensor, Tensor]:
        """Return scores and gradients, as of `Prepared`."""
        self._check()
        return super().gradient(entered, targets, score)

    def chunk(self, image: Tensor) -> int:
        """Return how many samples go through at once: few enough to be stopped soon."""
        most = super().chunk(image)
        return max(1, min(most, PASS_BYTES // self._sample_bytes[tuple(image.shape[1:])]))
