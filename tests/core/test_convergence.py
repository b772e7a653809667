"""How many maps became as exact as asked: counted over all networks, and said where it is not all."""

from pathlib import Path

import pytest

from core.convergence import shortfall
from core.study import Study
from core.summarise import summarise
from tests.tiny import fall_short, tiny_study

IG = "integrated_gradients"


def test_maps_are_counted_once_each_over_all_networks(tmp_path: Path) -> None:
    study = Study(tiny_study(tmp_path / "tiny"))
    maps = (
        study.importance()
        .groupby("method", observed=True)[["cell", "image"]]
        .apply(lambda of: len(of.drop_duplicates()))
    )
    assert maps[IG] > len(study.cells)
    fall_short(study, study.cells[:1])
    summary = summarise(study).query("kind == 'exact'").set_index("method")
    assert dict(summary["n"]) == dict(maps)
    assert summary.loc[IG, "estimate"] == pytest.approx(1 - 1 / len(study.cells))
    assert summary.loc["saliency", "estimate"] == 1


def test_a_study_says_how_many(tmp_path: Path) -> None:
    study = Study(tiny_study(tmp_path / "tiny"))
    asked = study.config.explain
    assert shortfall(study.summary(), asked, IG) == ""
    fall_short(study)
    of = len(study.cells) * study.importance(study.cells[0])["image"].nunique()
    assert shortfall(study.summary(), asked, IG).startswith(f"Only 0 of {of:,} maps (0%)")
    assert shortfall(study.summary(), asked, "saliency") == ""
    assert shortfall(study.summary(), asked, "captum") == "", "a method that does not know has fallen short of nothing"


def test_the_command_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from core.cli import app

    study = Study(tiny_study(tmp_path / "cache" / "studies" / "tiny"))
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))
    assert "as exact as asked" not in CliRunner().invoke(app, ["show", "tiny"]).output
    fall_short(study)
    assert "Only 0 of" in CliRunner().invoke(app, ["show", "tiny"]).output
