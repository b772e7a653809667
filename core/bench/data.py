"""How long it takes to list a folder of many images, and in how much memory: nothing of them is decoded."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from core.bench.peak import own_peak
from core.config import Data
from core.data import open_dataset
from core.errors import UserError

CLASSES = 200
LINKS = 50_000
"""Names that one file gets: ext4 allows 65,000."""


def run(console: Console, images: int) -> None:
    """List `images` names of a few tiny files in class folders, in a fresh process, and say what it took.

    Raises
    ------
    UserError
        The file system has no hard links, or no room for so many names.
    """
    with tempfile.TemporaryDirectory() as folder:
        with console.status(f"Making {images:,} files"):
            try:
                _fill(Path(folder), images)
            except OSError as error:
                raise UserError(f"{images:,} hard links could not be made in {folder}: {error.strerror}.") from None
        command = [sys.executable, "-m", "core.bench.data", folder]
        home = Path(__file__).resolve().parents[2]
        with console.status("Listing them"):
            done = subprocess.run(command, capture_output=True, text=True, cwd=home)  # noqa: S603
        if done.returncode:
            raise UserError(f"Listing failed: {(done.stderr.strip().splitlines() or ['ended from outside'])[-1]}")
    seconds, more, listed = json.loads(done.stdout)
    console.print(
        f"{listed:,} images of {CLASSES} classes listed, split and named by a digest in {seconds:.1f} s of processor "
        f"time and {more / 1e6:.0f} MB: {1e6 * seconds / listed:.1f} µs and {more / listed:.0f} bytes each.",
        highlight=False,
    )


def _fill(root: Path, images: int) -> None:
    sources = []
    for i in range(-(-images // LINKS)):
        sources.append(root / f"{i}.png")
        Image.fromarray(np.full((2, 2, 3), i % 256, np.uint8)).save(sources[-1])
    for label in range(CLASSES):
        (root / f"class {label:03}").mkdir()
    for i in range(images):
        os.link(sources[i // LINKS], root / f"class {i % CLASSES:03}" / f"image_{i:09}.png")


def _list(root: str) -> tuple[float, int, int]:
    """Return seconds of processor time, bytes more than before, and images."""
    from core.data import folder  # noqa: F401  its imports are not part of the listing

    before, start = own_peak(), time.process_time()
    dataset = open_dataset(Data(dataset="folder", root=root))
    return time.process_time() - start, own_peak() - before, len(dataset.table)


if __name__ == "__main__":
    print(json.dumps(_list(sys.argv[1])))
