"""What is chosen, and what is read of a study."""

import os
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st

from core.errors import UserError
from core.figures.tables import View
from core.methods import METHODS
from core.study import open_study
from dashboard import loaded, state, words
from dashboard.state import Choices


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Stand in for the session's own store."""
    store: dict[str, object] = {}
    monkeypatch.setattr(state, "kept", lambda: store)
    return store


@pytest.mark.usefixtures("shared")
def test_nothing_chosen_is_the_first_complete_study_whole(chosen: dict[str, object]) -> None:
    found = state.choices()
    assert found.study.name == "tiny"
    assert found.architectures == ["resnet34", "resnet18"]
    assert found.alphas == [1.0, 0.1]
    assert found.method == "integrated_gradients"


@pytest.mark.usefixtures("shared")
def test_choices_keep_the_order_of_the_study_and_what_it_has(chosen: dict[str, object]) -> None:
    chosen.update(study="wide", architectures=["resnet18", "vit"], alphas=[0.1, 0.5, 0.3], method="saliency")
    found = state.choices()
    assert (found.architectures, found.alphas, found.method) == (["resnet18"], [0.5, 0.1], "saliency")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("wish", [[], ["vit"]])
def test_nothing_left_of_a_choice_is_everything(chosen: dict[str, object], wish: list[str]) -> None:
    chosen.update(architectures=wish, method="guesswork")
    assert state.choices().architectures == ["resnet34", "resnet18"]
    assert state.choices().method == "integrated_gradients"


@pytest.mark.usefixtures("shared")
def test_unknown_study_is_an_error_of_the_user(chosen: dict[str, object]) -> None:
    chosen["study"] = "tinny"
    with pytest.raises(UserError, match="Did you mean tiny"):
        state.choices()


@pytest.mark.usefixtures("shared")
def test_cells_have_the_teacher_first_and_one_seed() -> None:
    names = [cell.name for cell in state.cells(Choices(open_study("wide"), ["resnet18"], [1.0, 0.1], "saliency"))]
    assert names == ["resnet34-a1.0-s0", "resnet18-a1.0-s0", "resnet18-a0.1-s0"]


def test_results_are_read_anew_when_they_change(cache: Path) -> None:
    folder = cache / "studies" / "tiny"
    study = open_study("tiny")
    before = loaded.summary(study)
    before.drop(index=before.index[10:]).to_parquet(folder / "summary.parquet")
    assert len(loaded.summary(study)) == 10


def test_shipped_study_comes_first(cache: Path) -> None:
    assert loaded.usual_study() == "tiny"
    (cache / "studies" / "tiny" / "summary.parquet").unlink()
    assert loaded.usual_study() == "wide"
    (cache / "studies" / "tiny").rename(cache / "studies" / "birds")
    assert loaded.usual_study() == "wide"
    (cache / "studies" / "wide").rename(cache / "studies" / "birds" / "inside")
    assert loaded.usual_study() == "birds"


def test_chart_pages_do_not_need_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, dashboard.frame, dashboard.charts, dashboard.sidebar, dashboard.strip;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_method_names_are_those_of_core() -> None:
    assert {name: method.label for name, method in METHODS.items()} == words.METHOD_LABELS


def test_caches_are_bounded() -> None:
    source = Path(loaded.__file__).read_text()
    assert source.count("cache_data(") + source.count("cache_resource(") == source.count("max_entries=")
    assert st.cache_data is not None


@pytest.mark.parametrize("looks", words.VERDICTS)
@pytest.mark.parametrize("ranks", words.VERDICTS)
def test_every_pair_of_verdicts_is_answered_in_one_sentence(looks: str, ranks: str) -> None:
    sentence = words.answer(looks, ranks, once=False)
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    assert sentence.startswith("Yes") == (looks == ranks == "supported")
    if not sentence.startswith("This study cannot tell"):
        assert "in these networks: " in words.answer(looks, ranks, once=True)


@pytest.mark.usefixtures("cache")
def test_what_is_made_of_a_view_is_made_once_until_the_choice_or_the_study_is_another(
    chosen: dict[str, object],
) -> None:
    made: list[str] = []

    def rows(view: View, measure: str) -> pd.DataFrame:
        made.append(measure)
        return view.summary.query("measure == @measure")

    first = state.choices().of(rows, "accuracy")
    first["estimate"] = 0.0  # whoever writes into it harms nobody
    again = state.choices()
    assert (again.of(rows, "accuracy")["estimate"] != 0).any()
    assert made == ["accuracy"]
    again.of(rows, "focus")
    chosen.update(study="tiny", alphas=[0.1])
    state.choices().of(rows, "accuracy")
    assert made == ["accuracy", "focus", "accuracy"]
    summary = again.study.folder / "summary.parquet"
    os.utime(summary, ns=(0, 0))
    state.choices().of(rows, "accuracy")
    assert len(made) == 4
