from pathlib import Path

import pandas as pd
import pytest

from core.convergence import EXACT, reached, shortfall
from core.study import Study
from tests.tiny import fall_short, tiny_study

IG = "integrated_gradients"


def table(converged: list[bool], method: str = IG) -> pd.DataFrame:
    """A row a map, and one of another measure."""
    rows = [(image, EXACT, method, float(value)) for image, value in enumerate(converged)]
    return pd.DataFrame([*rows, (0, "focus", method, 0.5)], columns=["image", "measure", "method", "value"])


def test_maps_are_counted_once_each_over_all_cells() -> None:
    assert reached([table([True, False, False]), table([True, True])], IG) == (3, 5)
    assert reached([table([True, False]), table([True])], "saliency") == (0, 0)


def test_a_method_that_does_not_know_has_fallen_short_of_nothing() -> None:
    assert reached([table([], "captum")], "captum") == (0, 0)
    assert reached([table([True, True], "saliency")], "saliency") == (2, 2)


def test_a_study_says_how_many(tmp_path: Path) -> None:
    study = Study(tiny_study(tmp_path / "tiny"))
    assert shortfall(study, study.cells, IG) == ""
    fall_short(study)
    of = len(study.cells) * study.importance(study.cells[0])["image"].nunique()
    said = shortfall(study, study.cells, IG)
    assert said.startswith(f"Only 0 of {of:,} maps (0%)")
    assert shortfall(study, study.cells, "saliency") == ""
    for cell in study.cells[1:]:
        study.path("measures", cell).unlink()
    assert f"of {of // len(study.cells):,} maps" in shortfall(study, study.cells, IG)


def test_the_command_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from core.cli import app

    study = Study(tiny_study(tmp_path / "cache" / "studies" / "tiny"))
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))
    assert "as exact as asked" not in CliRunner().invoke(app, ["show", "tiny"]).output
    fall_short(study)
    assert "Only 0 of" in CliRunner().invoke(app, ["show", "tiny"]).output
