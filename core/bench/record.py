"""What a bench is asked for and what it found, on the way to a table or a file."""

import json
import math
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from core.bench.contenders import Level
from core.bench.floor import Floor
from core.bench.memory import Memory
from core.bench.quality import INTERVALS, Errors
from core.errors import UserError
from core.store import write_bytes


@dataclass(frozen=True)
class Options:
    """What to time."""

    study: str = "birds"
    study_images: int = 12
    """Of each of its cells."""
    resnet50: Path | None = None
    original_strides: bool = False
    """Of the resnet50's bottlenecks."""
    squeezenet: Path | None = None
    photos: Path | None = None
    images: int = 6
    """Photos of each network."""
    rounds: int = 1
    intervals: int = INTERVALS
    """Of the reference."""
    random: bool = True
    """Whether to time an untrained ResNet101 at 224 px, and measure its memory."""

    def check(self) -> None:
        """Raise UserError where options do not go together."""
        if bool(self.resnet50 or self.squeezenet) != bool(self.photos):
            raise UserError("--photos goes with --resnet50 or --squeezenet, and they with --photos.")
        if self.original_strides and not self.resnet50:
            raise UserError("--original-strides is about the file given with --resnet50.")
        if self.photos and not self.photos.is_dir():
            raise UserError(f"There is no folder {self.photos}.")


@dataclass(frozen=True)
class Run:
    """One timed explanation of one image."""

    image: str
    round: int
    way: str
    """A key of `core.bench.contenders.LABELS`."""
    seconds: float
    points: int
    difference: float
    region_difference: float
    errors: Errors
    """NaN for an untrained network."""


@dataclass
class Timed:
    """All that is known of one network, filled as it is found."""

    name: str
    note: str
    images: tuple[str, ...]
    trained: bool
    preparing: float = math.nan
    """Seconds of folding it and laying it out, once."""
    chunk: int = 0
    captum_batch: int = 0
    captum_tried: dict[str, float] = field(default_factory=dict)
    floor: Floor | None = None
    runs: list[Run] = field(default_factory=list)
    levels: dict[str, list[Level]] = field(default_factory=dict)
    """Of every image."""

    def of(self, way: str) -> dict[tuple[str, int], Run]:
        """Return the runs of one way to explain, by image and round."""
        return {(run.image, run.round): run for run in self.runs if run.way == way}


@dataclass
class Report:
    """Everything measured so far."""

    options: Options
    environment: dict[str, Any]
    networks: list[Timed] = field(default_factory=list)
    memory: Memory | None = None
    complete: bool = False


def environment() -> dict[str, Any]:
    """Return what the numbers depend on besides the code."""
    import captum

    return {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "precision": "float32",
        "torch": str(torch.__version__),
        "captum": captum.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {platform.system()}",
        "load_average": os.getloadavg(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def write_report(report: Report, path: Path) -> None:
    """Write every number as JSON; null where one is unknown or infinite."""
    write_bytes(path, (json.dumps(_plain(asdict(report)), indent=1, allow_nan=False) + "\n").encode())


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it. Folders are somebody's own: files go by their names."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.name if isinstance(value, Path) else value
