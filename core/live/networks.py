"""Networks that answer together: what is known of them without torch."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.cells import Cell
from core.header import Header

if TYPE_CHECKING:
    from torch import nn


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

    def model(self, cell: Cell) -> "nn.Module":
        """Return a network: fp32, evaluation mode, parameters frozen; UserError where it is missing or damaged."""

    def address(self, cell: Cell) -> dict[str, Any]:
        """Return where another process finds a network (`core.live.memory.model_at`), as JSON has it."""

    def view(self, photo: np.ndarray, side: int | None = None) -> np.ndarray:
        """Return the square of a photo (H, W, 3) that they see, uint8, at their size or at `side` pixels."""
