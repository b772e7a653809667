"""Networks of ImageNet's size without their weights: random ones, for what a server takes to ask them."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = "dashboard/bench/imagenet_home.py"
"""Serve it in place of the dashboard's entry."""


@contextmanager
def weights_home() -> Iterator[str]:
    """Write a file of random weights for each network; yield the $TORCH_HOME in which `SCRIPT` finds them.

    The files, 400 MB, are gone after the block.
    """
    from core.imagenet import ImageNet

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "hub" / "checkpoints"
        folder.mkdir(parents=True)
        for cell in ImageNet.cells:
            _write(cell.architecture, folder)
        yield home


def _write(architecture: str, folder: Path) -> None:
    import torch

    from core.models import build

    torch.manual_seed(0)
    model = build(architecture, 1000)
    for name, value in model.named_parameters():
        if name.endswith(("bn2.weight", "bn3.weight")):  # zeros would leave residual branches silent
            torch.nn.init.uniform_(value, 0.1, 0.3)
    content = io.BytesIO()
    torch.save(model.state_dict(), content)
    checksum = hashlib.sha256(content.getbuffer()).hexdigest()
    (folder / f"{architecture}-{checksum[:8]}.pth").write_bytes(content.getbuffer())
