"""Networks kept in memory, ready to be explained."""

import threading
from collections import OrderedDict
from pathlib import Path

import torch

from core.attribution import Prepared
from core.models import Header, load_model, read_header

MODEL_BYTES = 600_000_000
"""What networks kept in memory may take together; the least recently used go first."""

_kept: OrderedDict[tuple[Path, Header], tuple[Prepared, Header, int]] = OrderedDict()
_lock = threading.Lock()


def network(path: Path) -> tuple[Prepared, Header]:
    """Return a network from its file, or from memory where the same file was read before. Safe across threads.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    key = (path.resolve(), read_header(path))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][:2]
    model, header = load_model(path)
    size = header.image_size
    prepared = Prepared(model, torch.empty(1, 3, size, size))
    held = sum(v.numel() * v.element_size() for v in model.state_dict().values())
    with _lock:
        _kept[key] = (prepared, header, held)
        while len(_kept) > 1 and sum(entry[2] for entry in _kept.values()) > MODEL_BYTES:
            _kept.popitem(last=False)
    return prepared, header
