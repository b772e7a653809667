"""The dashboard with stand-ins for torchvision's networks, for `streamlit run`; $WEIGHTS_URL says where they are.

An upload that would pass through a temporary file fails here.
"""

import os
import runpy
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core import imagenet  # noqa: E402
from tests.imagenet import CELLS, source_at  # noqa: E402


def _to_disk(file: tempfile.SpooledTemporaryFile) -> None:  # type: ignore[type-arg]
    raise AssertionError("an upload goes to the disk")


tempfile.SpooledTemporaryFile.rollover = _to_disk  # type: ignore[method-assign]
if imagenet.ImageNet.cells is not CELLS:  # Streamlit runs this again and again
    imagenet.ImageNet.teacher, imagenet.ImageNet.cells = CELLS[0], CELLS
    imagenet.source = source_at(os.environ["WEIGHTS_URL"])
runpy.run_path(str(ROOT / "dashboard" / "Home.py"), run_name="__main__")
