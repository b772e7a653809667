"""Small untrained networks for a study that was written by hand."""

from pathlib import Path

import torch

from core.cells import grid
from core.header import Header
from core.models import build, save_model
from core.study import Study

WIDTH = 0.0625


def add_networks(folder: Path) -> Study:
    """Write a network for every cell of a study's grid; one seed, one network."""
    study = Study(folder)
    size = study.config.data.image_size
    for number, cell in enumerate(grid(study.config)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            model = build(cell.architecture, len(study.dataset.classes), WIDTH, "small")
            # A last BatchNorm of zeros would leave residual branches silent.
            for name, value in model.named_parameters():
                if name.endswith(("bn2.weight", "bn3.weight")):
                    torch.nn.init.uniform_(value, 0.3, 1.0)
            with torch.no_grad():
                model(torch.randn(16, 3, size, size))
        header = Header(
            architecture=cell.architecture,
            width=WIDTH,
            stem="small",
            classes=study.dataset.classes,
            image_size=size,
            mean=(0.5, 0.5, 0.5),
            std=(0.25, 0.25, 0.25),
            alpha=cell.alpha,
            seed=cell.seed,
        )
        save_model(study.path("models", cell), model.eval(), header)
    return study
