"""Where and with what a study's networks are trained."""

import importlib.metadata
import platform
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from core.config import Config
from core.distill.train import autocast_dtype


def provenance(config: Config, knows: str, device: str) -> dict[str, Any]:
    """Return where and with what networks are about to be trained, if here, and what they will know."""
    packages = ("torch", "torchvision", "numpy", "opencv-python-headless")
    return {
        "device": device,
        "precision": str(autocast_dtype(torch.device(device), config.training.precision)).removeprefix("torch."),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {_processor()}",
        "threads_per_cell": 1,
        "knows": knows,
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def _commit() -> str:
    try:
        root = Path(__file__).parent
        ask = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        return subprocess.run(ask, capture_output=True, text=True, check=True, timeout=5).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
