"""The most memory that explaining takes, measured in a process of its own: `python -m core.bench.memory`."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from core.attribution import Prepared, integrated_gradients
from core.attribution.integrated_gradients import BUDGET
from core.bench.peak import own_peak
from core.errors import UserError
from core.models import build

IMAGES = 8


@dataclass(frozen=True)
class Memory:
    """The peak of a fresh process that explains `images` at once."""

    network: str
    images: int
    side: int
    bytes: int
    """All of the process: Python, torch, the network, the images."""
    points: int
    """The most that one image took."""
    bytes_at_budget: int
    """The same, had every image spent the engine's budget: a map is kept for each point more."""


def peak_memory(architecture: str = "resnet101", images: int = IMAGES, side: int = 224) -> Memory:
    """Explain random images through a random network, at the default settings, in a fresh process."""
    command = [sys.executable, "-m", "core.bench.memory", architecture, str(images), str(side)]
    home = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it was ended from outside"])[-1]
        raise UserError(f"Memory could not be measured: {last}")
    return Memory(**json.loads(done.stdout))


def _explain(architecture: str, images: int, side: int) -> Memory:
    torch.manual_seed(0)
    model, batch = build(architecture, 1000).eval(), torch.randn(images, 3, side, side)
    found = integrated_gradients(Prepared(model, batch), batch, torch.arange(images))
    peak = own_peak()
    more = int((BUDGET - found.evaluations).sum()) * side * side * 4
    return Memory(architecture, images, side, peak, int(found.evaluations.max()), peak + more)


if __name__ == "__main__":
    print(json.dumps(vars(_explain(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
