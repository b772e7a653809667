"""The dashboard with the networks of `dashboard.bench.weights` for torchvision's, for `streamlit run`."""

import os
import runpy
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core import imagenet  # noqa: E402

if "own" not in vars(imagenet.source):  # Streamlit runs this again and again

    @cache
    def source(architecture: str) -> imagenet.Source:
        """Return torchvision's own source, but that the file is the random one."""
        (path,) = (Path(os.environ["TORCH_HOME"]) / "hub" / "checkpoints").glob(f"{architecture}-*.pth")
        return replace(found(architecture), url=f"http://localhost:9/{path.name}")  # nobody answers there

    found = imagenet.source
    source.own = found  # type: ignore[attr-defined]
    imagenet.source = source
runpy.run_path(str(ROOT / "dashboard" / "Home.py"), run_name="__main__")
