"""The bench of precisions trains the same grid twice and compares seed by seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from core.bench import precision
from core.config import Config
from core.errors import UserError
from core.study import Study
from tests.tiny import tiny_config


def test_one_seed_tells_nothing() -> None:
    with pytest.raises(UserError, match="several seeds"):
        precision.run(Console(), tiny_config())


@pytest.mark.parametrize(
    ("better", "said"),
    [
        ([0.01, 0.02, 0.03], "+2.00 points (95 % interval -0.48 to +4.48 over seeds)"),
        ([0.02, 0.02, 0.02], "+2.00 points (by every seed alike, so without an interval)"),
    ],
)
def test_both_are_trained_and_compared(monkeypatch: pytest.MonkeyPatch, better: list[float], said: str) -> None:
    """Of three seeds, two networks."""
    asked = []
    found = {"fp32": np.array([[0.5, 0.6, 0.7], [0.7, 0.8, 0.9]])}
    found["auto"] = found["fp32"] + np.array(better)

    def made(config: Config, folder: Path, console: Console) -> np.ndarray:
        asked.append(config.training.precision)
        return found[config.training.precision]

    monkeypatch.setattr(precision, "accuracies", made)
    monkeypatch.setattr(precision, "autocast_dtype", lambda device, word: torch.bfloat16)
    console = Console(record=True, width=400)
    precision.run(console, tiny_config(students={"seeds": [0, 1, 2]}))
    assert asked == ["fp32", "auto"]
    text = console.export_text()
    assert f"70.0% of the test images right in fp32 and 72.0% in bf16: {said}" in text
    assert "by 10.00 points" in text


@pytest.mark.parametrize("architectures", [["resnet34", "resnet18"], ["resnet18"]])
def test_accuracies_are_those_of_the_students(ran_copy: Study, architectures: list[str], here: None) -> None:
    config = tiny_config(students={"architectures": architectures})
    found = precision.accuracies(config, ran_copy.folder, Console(quiet=True))
    cells = [cell for cell in ran_copy.cells if cell.architecture in architectures]
    cells.sort(key=lambda cell: (cell.architecture, cell.alpha))
    known = [ran_copy.measures(cell).query("measure == 'accuracy'")["value"].mean() for cell in cells]
    assert found == pytest.approx(np.array(known)[:, None])
