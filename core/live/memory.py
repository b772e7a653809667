"""Networks that are kept in memory, ready to be explained, and stopped between two passes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.attribution import Prepared, Score
from core.errors import UserError
from core.header import Header
from core.study import open_study

MODEL_BYTES = 600_000_000
"""What networks kept in memory may take together; the least recently used go first."""
PASS_BYTES = 100_000_000
"""What one pass may hold while somebody waits: a third of a second of a ResNet101 at 224 pixels, or 100 MB, is soon
stopped. Larger passes are hardly quicker."""

_kept: OrderedDict[Header, tuple[Prepared, int]] = OrderedDict()
_lock = threading.Lock()


def ready(header: Header, read: Callable[[], nn.Module]) -> Prepared:
    """Return a network ready to be explained, from memory where the same weights were read before.

    Safe across threads.

    Raises
    ------
    UserError
        As `read`: it is missing or damaged.
    """
    with _lock:
        if header in _kept:
            _kept.move_to_end(header)
            return _kept[header][0]
    model = read()
    size = header.image_size
    held = sum(v.numel() * v.element_size() for v in model.state_dict().values())
    prepared = Prepared(model, torch.empty(1, 3, size, size))
    with _lock:
        _kept[header] = (prepared, held)
        while len(_kept) > 1 and sum(bytes_ for _, bytes_ in _kept.values()) > MODEL_BYTES:
            _kept.popitem(last=False)
    return prepared


def model_at(address: dict[str, Any], header: Header) -> nn.Module:
    """Return the network at an address, as `core.live.Networks.model` does.

    Raises
    ------
    UserError
        It is missing or damaged, or was made anew since its header was read.
    """
    if "study" in address:
        study = open_study(Path(address["study"]))
        model = study.model(address["cell"])
        if study.header(address["cell"]) != header:
            raise UserError(f"{address['cell']} was made anew while it was asked; ask again.")
        return model
    from core.imagenet import read_network

    return read_network(address["architecture"], address["classes"], Path(address["path"]))


class Interruptible(Prepared):
    """A prepared network that may be stopped between two passes, each of which is short and takes one core.

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
        self._begin()
        return super().__call__(images)

    def gradient(self, entered: Tensor, targets: Tensor, score: Score) -> tuple[Tensor, Tensor]:
        """Return scores and gradients, as of `Prepared`."""
        self._begin()
        return super().gradient(entered, targets, score)

    def chunk(self, image: Tensor) -> int:
        """Return how many samples go through at once: few enough to be stopped soon."""
        most = super().chunk(image)
        return max(1, min(most, PASS_BYTES // self._sample_bytes[tuple(image.shape[1:])]))

    def _begin(self) -> None:
        self._check()
        if torch.get_num_threads() > 1:  # of the thread that this pass is in, which may be another than the last one's
            torch.set_num_threads(1)
