"""torchvision's ImageNet networks: found on this machine or downloaded, checked, and ready for a photo of anything.

None of them learned from another. The largest stands in for a teacher, so that the others have something to be compared
with.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import numpy as np
import torch
from PIL import Image
from torch import nn

from core.cells import Cell
from core.errors import UserError, unknown
from core.findings import nice_name
from core.header import Header
from core.models import build, tv
from core.store import sha256_file
from core.weights import load_weights, read_weights

TEACHER, STUDENTS = "resnet101", ("resnet50", "resnet34", "resnet18")
BLOCK, PATIENCE, LOOK = 1 << 18, 30.0, 0.3
"""Bytes read at once; seconds without any before a download is given up, and between two looks at another's."""
STALE = 24 * 3600
"""Seconds after which an unfinished file belongs to a download that was killed, and may go."""


@dataclass(frozen=True)
class Source:
    """Where an architecture's weights come from, and what they expect of an image."""

    url: str
    classes: tuple[str, ...]
    size: int
    """Pixels a side of the square that the network sees."""
    resize: int
    """Pixels of the photo's shorter side before that square is cut out of its middle."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def path(self) -> Path:
        """Where torchvision keeps the file: $TORCH_HOME, or ~/.cache/torch."""
        return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(self.url).path).name

    @property
    def sha256(self) -> str:
        """How the file's checksum begins, as its name has it."""
        return _promised(self.path)


@cache
def source(architecture: str) -> Source:
    """Return the source of torchvision's default weights of an architecture."""
    weights = tv.get_model_weights(architecture).DEFAULT
    seen = weights.transforms()
    classes = tuple(str(name) for name in weights.meta["categories"])
    return Source(weights.url, classes, seen.crop_size[0], seen.resize_size[0], tuple(seen.mean), tuple(seen.std))


class ImageNet:
    """The networks as a set that can be asked together (`core.live.Networks`)."""

    name = "ImageNet"
    knows = "1,000 everyday things (ImageNet): animals, plants, food, vehicles, tools, furniture, clothes; no people"
    teacher = Cell(TEACHER, None, None, nice_name(TEACHER))
    cells = (teacher, *(Cell(name, None, None, nice_name(name)) for name in STUDENTS))

    def cell(self, name: str) -> Cell:
        """Return a network by its name, however that is spelt; UserError with the near matches otherwise."""
        for cell in self.cells:
            if name.lower() == cell.architecture:
                return cell
        raise unknown("network", name, (cell.architecture for cell in self.cells))

    def header(self, cell: Cell) -> Header:
        """Return what is known of a network, whether its weights are there or not."""
        found = source(cell.architecture)
        return Header(
            architecture=cell.architecture,
            width=1.0,
            stem="imagenet",
            classes=found.classes,
            image_size=source(TEACHER).size,
            mean=found.mean,
            std=found.std,
            digest=found.path.name,
        )

    def model(self, cell: Cell) -> nn.Module:
        """Return a network: fp32, evaluation mode, parameters frozen.

        Raises
        ------
        UserError
            Its weights are not on this machine, or not those that the name of their file promises.
        """
        address = self.address(cell)
        return read_network(cell.architecture, address["classes"], Path(address["path"]))

    def address(self, cell: Cell) -> dict[str, Any]:
        """Return where another process finds a network; UserError where its weights are not on this machine."""
        found = source(cell.architecture)
        if not found.path.exists():
            raise UserError(_absent(cell, found))
        return {"architecture": cell.architecture, "classes": len(found.classes), "path": str(found.path)}

    def view(self, photo: np.ndarray, side: int | None = None) -> np.ndarray:
        """Return what the networks see of a photo (H, W, 3), at their size or at `side` pixels: uint8, square.

        It is what the teacher's weights ask for, and the same for all: torchvision cuts a little less off for some of
        them, and maps of different cuts could not be compared.
        """
        found = source(TEACHER)
        height, width = photo.shape[:2]
        resized = [found.resize * length // min(height, width) for length in (width, height)]
        corner = [round((length - found.size) / 2) for length in resized]
        steps = [length / new for length, new in zip((width, height), resized, strict=True)]
        box = [(at + reach) * step for reach in (0, found.size) for at, step in zip(corner, steps, strict=True)]
        side = side or found.size
        return np.array(Image.fromarray(photo).resize((side, side), Image.Resampling.BILINEAR, box=tuple(box)))

    def fetch(
        self,
        on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Download the weights that are not on this machine; one file at a time, however many ask.

        Parameters
        ----------
        on_progress : callable
            Called with the name of a network, the bytes that are there and those that there will be (0: unknown).
        check : callable
            Called often; what it raises ends the download.

        Raises
        ------
        UserError
            Something cannot be downloaded: one sentence that says where to put the file instead.
        """
        for cell in self.cells:
            found = source(cell.architecture)
            _tidy(found.path)
            while not found.path.exists():
                check()
                if not _busy.acquire(timeout=LOOK):
                    on_progress(*_so_far)
                    continue
                try:
                    _download(cell, found, on_progress, check)
                finally:
                    _busy.release()


_busy = threading.Lock()
_so_far = ("", 0, 0)
"""How far the one download is, for those who wait for it."""


def _tidy(path: Path) -> None:
    """Remove what downloads of a file have left that were killed."""
    for unfinished in path.parent.glob(f"{path.name}.*.partial"):
        with suppress(OSError):  # somebody else was quicker
            if time.time() - unfinished.stat().st_mtime > STALE:
                unfinished.unlink()


def _download(
    cell: Cell, found: Source, on_progress: Callable[[str, int, int], None], check: Callable[[], None]
) -> None:
    path = found.path
    if path.exists():  # somebody else was quicker
        return
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The address is torchvision's own.
        with urlopen(found.url, timeout=PATIENCE) as answer, unfinished.open("wb") as file:  # noqa: S310
            total = int(answer.headers.get("Content-Length") or 0)

            def report(done: int) -> None:
                global _so_far
                check()
                _so_far = (cell.name, done, total)
                on_progress(*_so_far)

            sha256 = _copy(answer, file, report)
        if not sha256.startswith(found.sha256):
            raise UserError(_absent(cell, found, "what came is damaged"))
        os.replace(unfinished, path)
    except (OSError, HTTPException) as error:  # of the network, and of the disk
        raise UserError(_absent(cell, found, str(getattr(error, "reason", error)))) from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _copy(answer: BinaryIO, file: BinaryIO, report: Callable[[int], None]) -> str:
    sha, done = hashlib.sha256(), 0
    report(done)
    while block := answer.read(BLOCK):
        file.write(block)
        sha.update(block)
        done += len(block)
        report(done)
    return sha.hexdigest()


def read_network(architecture: str, classes: int, path: Path) -> nn.Module:
    """Read a network from torchvision's file: fp32, evaluation mode, parameters frozen.

    Raises
    ------
    UserError
        The weights are not those that the name of their file promises.
    """
    if not sha256_file(path).startswith(_promised(path)):
        raise UserError(
            f"{path} is damaged, or not torchvision's file of that name; delete it, and it is downloaded again."
        )
    with torch.device("meta"):  # no memory or random numbers for weights that come from a file
        model = build(architecture, classes)
    load_weights(model, read_weights(path), f"The weights in {path}", assign=True)
    return model.eval().requires_grad_(False)


def _promised(path: Path) -> str:
    """Return how a file's checksum begins, as its name has it."""
    return path.stem.rpartition("-")[2]


def _absent(cell: Cell, found: Source, why: str = "") -> str:
    tried = f", and could not be downloaded ({why})" if why else ""
    return (
        f"The ImageNet weights of {cell.name} are not on this machine{tried}: put the file {found.url} into "
        f"{found.path.parent}, and ask again."
    )
