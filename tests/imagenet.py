"""Stand-ins for torchvision's ImageNet weights: random ones, saved under a name as torchvision gives them."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch

from core import imagenet
from core.cells import Cell
from core.models import build

ARCHITECTURE = "resnet18"
"""The smallest: 46 MB."""
CELLS = (Cell(ARCHITECTURE, None, None, "ResNet101"), Cell(ARCHITECTURE, None, None, "ResNet18"))
"""A teacher and a student that are the same, so that they agree in everything."""


def write_weights(folder: Path) -> Path:
    """Write random weights of the architecture, named after their checksum as torchvision's are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(ARCHITECTURE, 1000)
        for name, value in model.named_parameters():
            if name.endswith("bn2.weight"):  # zeros would leave residual branches silent
                torch.nn.init.uniform_(value, 0.3, 1.0)
    content = io.BytesIO()
    torch.save(model.state_dict(), content)
    path = folder / f"{ARCHITECTURE}-{hashlib.sha256(content.getvalue()).hexdigest()[:8]}.pth"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    return path


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder by HTTP on this machine; yield its address."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def source_at(url: str) -> Callable[[str], imagenet.Source]:
    """Return what stands in for `core.imagenet.source`: torchvision's own, but that the weights are at `url`."""
    own = imagenet.source
    return lambda architecture: replace(own(architecture), url=url)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
