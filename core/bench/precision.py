"""Whether networks trained in bf16 are as accurate as those trained in fp32: the same grid both ways, seed by seed."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from core.config import Config
from core.distill.train import autocast_dtype
from core.errors import UserError
from core.estimates import Estimate, mean_over_seeds
from core.run.complete import run_study
from core.run.loop import Progress

WAYS = ("fp32", "auto")


def accuracies(config: Config, folder: Path, console: Console) -> np.ndarray:
    """Run a study and return the test accuracy (cells, seeds) of its students, by architecture and α."""
    with console.status(f"training in {config.training.precision}") as status:

        def tell(progress: Progress) -> None:
            status.update(f"training in {config.training.precision}, {progress.done / progress.total:.0%}")

        study = run_study(config, folder, on_progress=tell)
    rows = study.summary()
    rows = rows[(rows["kind"] == "cell") & (rows["measure"] == "accuracy") & rows["alpha"].notna()]
    rows = rows[rows["architecture"].isin(config.students.architectures)]  # a teacher of another has one seed
    table = rows.pivot(index=["architecture", "alpha", "explanation_weight"], columns="seed", values="estimate")
    return table.to_numpy(np.float64)


def run(console: Console, config: Config) -> None:
    """Train every network of a study's grid in fp32 and as studies do it, and compare their accuracies.

    Raises
    ------
    UserError
        The study has one seed, or this machine has no bf16.
    """
    if len(config.students.seeds) < 2:
        raise UserError("Noise is told from a difference by several seeds: --set students.seeds=[0,1,2,3,4]")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if autocast_dtype(device, "auto") == torch.float32:
        raise UserError("This machine has no bf16: studies train in fp32 here.")
    given = config.model_dump()
    given["explain"] |= {"methods": ["saliency"]}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            way_given = {**given, "training": {**given["training"], "precision": way}}
            found.append(accuracies(Config.model_validate(way_given), Path(folder, way), console))
    fp32, bf16 = found
    difference = mean_over_seeds((bf16 - fp32).mean(0))
    again = fp32.std(1, ddof=1).mean()
    console.print(
        f"{config.name}: {len(fp32)} networks of {fp32.shape[1]} seeds each name {fp32.mean():.1%} of the test images "
        f"right in fp32 and {bf16.mean():.1%} in bf16: {100 * difference.value:+.2f} points ({_interval(difference)}). "
        f"Another seed moves a network by {100 * again:.2f} points (standard deviation).",
        highlight=False,
        soft_wrap=True,
    )


def _interval(difference: Estimate) -> str:
    if np.isnan(difference.low):
        return "by every seed alike, so without an interval"
    return f"95 % interval {100 * difference.low:+.2f} to {100 * difference.high:+.2f} over seeds"
