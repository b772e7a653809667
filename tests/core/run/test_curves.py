"""Curves of networks under training, from files that come, go and may be damaged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.cells import Cell
from core.columns import HISTORY
from core.config import Config, Students
from core.run.begin import begin
from core.run.curves import COLUMNS, begun, curve
from core.store import write_table
from core.study import Study

CELL = Cell("resnet18", 1.0, 0)
EPOCH = {"epoch": 1, "loss": 2.0, "train_accuracy": 0.5, "validation_accuracy": None, "seconds": 3.0}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    students = Students(architectures=["resnet34", "resnet18"], alphas=[1.0, 0.1], seeds=[0, 1])
    return begin(Config(name="small", students=students), tmp_path / "small", {})


def keep_state(study: Study, cell: Cell, history: Any) -> None:
    path = study.folder / "state" / f"{cell.name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({"a": np.zeros(1)}, path, {"history": history if isinstance(history, str) else json.dumps(history)})


def test_a_network_under_training_has_the_epochs_behind_it(study: Study) -> None:
    assert begun(study) == []
    assert curve(study, CELL).empty
    keep_state(study, CELL, [EPOCH, EPOCH | {"epoch": 2, "validation_accuracy": 0.25}])
    keep_state(study, Cell("resnet34", 0.1, 1), [EPOCH])
    assert begun(study) == [CELL], "one seed is shown"
    found = curve(study, CELL)
    assert found["epoch"].tolist() == [1, 2]
    assert found["validation_accuracy"].tolist() == pytest.approx([np.nan, 0.25], nan_ok=True)


def test_a_trained_network_has_its_history(study: Study) -> None:
    import pandas as pd

    keep_state(study, CELL, [])
    write_table(
        study.path("history", CELL),
        pd.DataFrame([{**dict.fromkeys(HISTORY, 0.5), **EPOCH}]).astype(float).astype({"epoch": int}),
    )
    assert curve(study, CELL)["loss"].tolist() == [2.0]
    write_table(study.path("history", CELL), pd.DataFrame({"other": [1]}))
    assert curve(study, CELL).empty


@pytest.mark.parametrize("history", ["5", "{", "null", '["a"]', "[" * 100_000, '{"epoch": 1}'])
def test_a_damaged_history_is_none(study: Study, history: str) -> None:
    keep_state(study, CELL, history)
    assert list(curve(study, CELL)) == COLUMNS
    assert curve(study, CELL).empty


def test_what_an_epoch_does_not_tell_is_unknown(study: Study) -> None:
    keep_state(study, CELL, [{"epoch": 1, "loss": "high"}])
    assert curve(study, CELL).isna().to_numpy().tolist() == [[False, True, True, True]]
