"""The page on trade-offs: every number is the summary's, every choice is in the address, nothing missing is guessed."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core.config import Config
from core.study import open_study
from core.tradeoffs import points
from dashboard import weighed
from dashboard.state import Choices
from tests.pages.test_pages import errors, headline, open_page, shown, texts

pytestmark = pytest.mark.usefixtures("shared")


def spec(app: AppTest) -> dict[str, Any]:
    (chart,) = app.get("vega_lite_chart")
    return json.loads(chart.proto.spec)


def drawn(app: AppTest) -> list[dict[str, Any]]:
    found = spec(app)
    (point,) = (layer for layer in found["layer"] if layer["mark"]["type"] == "point")
    return datasets(app)[point["data"]["name"]]


def datasets(app: AppTest) -> dict[str, list[dict[str, Any]]]:
    """Streamlit sends the rows of a chart beside its spec."""
    (chart,) = app.get("vega_lite_chart")
    tables = {each.name: convert_arrow_bytes_to_pandas_df(each.data.data) for each in chart.proto.datasets}
    return {name: table.to_dict("records") for name, table in tables.items()}


def sentences(app: AppTest) -> list[str]:
    return [shown(text).replace("\u00a0", " ") for text in texts(app) if text.startswith("## ")]


def test_every_point_is_a_row_of_the_summary() -> None:
    app = open_page("tradeoffs", study="wide")
    assert errors(app) == []
    summary = open_study("wide").summary()
    rows = summary[(summary["kind"] == "group") & (summary["measure"] == "rank_alignment")]
    rows = rows[(rows["method"] == "integrated_gradients") & (rows["importance"] == "density")]
    known = {(each.alpha, each.estimate, each.low, each.high) for each in rows.query("subset == 'all'").itertuples()}
    found = {(each["alpha"], each["estimate"], each["low"], each["high"]) for each in drawn(app)}
    assert found == known
    assert {each["cost"] for each in drawn(app)} == {257045, 135399}
    assert headline(app).startswith("## Weighing parameters against rank alignment, no other network shown beats")


def test_cost_and_quality_come_from_the_address() -> None:
    app = open_page("tradeoffs", study="wide", cost="Latency, CPU", against="Accuracy")
    assert errors(app) == []
    assert "Weighing latency on the CPU against accuracy" in headline(app)
    assert {each["spends"] for each in drawn(app)} == {"7.71 ms", "4.06 ms"}
    assert any(text.startswith("**Latency, CPU.**") for text in texts(app))


def test_the_sliders_rule_the_sentence() -> None:
    app = open_page("tradeoffs", study="wide", keep_accuracy="50", keep_looking="10")
    assert "the smallest student shown that keeps at least 50 % of the teacher's accuracy and 10 %" in sentences(app)[1]
    assert "is ResNet18" in sentences(app)[1]
    app.slider(key="keep_looking").set_value(100).run()
    assert errors(app) == []
    said = sentences(app)[1]
    assert said.startswith(
        "## No student shown keeps at least 50 % of the teacher's accuracy and 100 % of its looking (ρ = 1.00)."
    )
    assert "The nearest is ResNet" in said


def test_a_slider_keeps_its_place_on_another_page() -> None:
    app = open_page("tradeoffs", study="wide")
    app.slider(key="keep_accuracy").set_value(42).run()
    app = app.switch_page("../pages/rank.py").run().switch_page("../pages/tradeoffs.py").run()
    assert app.slider(key="keep_accuracy").value == 42


def test_another_method_is_exploratory() -> None:
    assert not any("Exploratory" in text for text in texts(open_page("tradeoffs")))
    app = open_page("tradeoffs", method="Saliency")
    assert errors(app) == []
    assert any("Exploratory: saliency" in text for text in texts(app))


def test_more_focus_is_not_better() -> None:
    app = open_page("tradeoffs", study="wide", against="Focus")
    assert errors(app) == []
    assert "neither better nor worse" in headline(app)
    assert not [layer for layer in spec(app)["layer"] if layer["mark"]["type"] == "line"]


def test_only_what_is_chosen_is_weighed() -> None:
    app = open_page("tradeoffs", study="wide", architectures="ResNet34", alphas=["0.5"])
    assert {(each["network"], each["alpha"]) for each in drawn(app)} == {("ResNet34", 0.5)}
    assert all("ResNet18" not in text for text in sentences(app))


def test_where_nothing_is_left_to_weigh_the_page_says_so() -> None:
    app = open_page("tradeoffs", study="tiny", architectures="ResNet34", alphas=["1.0"])
    assert errors(app) == []
    assert "Choose more networks" in headline(app)
    assert "No student shown" in sentences(app)[1]


def test_what_one_training_cannot_tell_is_said() -> None:
    app = open_page("tradeoffs", study="tiny")
    assert any("how far the teacher trained anew would agree" in each.value for each in app.caption)


def test_an_imported_network_is_weighed_by_its_own_cost(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "summary.parquet"
    summary = pd.read_parquet(path)
    own = summary[(summary["kind"] == "cell") & (summary["cell"] == "resnet18-a1.0-s0")]
    cost = summary[(summary["kind"] == "cost") & (summary["architecture"] == "resnet18")]
    cost = cost.assign(cell="mine", estimate=cost["estimate"] / 10)
    pd.concat([summary, own.assign(cell="mine", alpha=float("nan"), seed=""), cost]).to_parquet(path)
    app = open_page("tradeoffs", study="tiny", keep_accuracy="0", keep_looking="0")
    assert errors(app) == []
    (mine,) = (each for each in drawn(app) if each["network"] == "mine")
    assert mine["ratio"] == pytest.approx(10 * 257045 / 135399)
    assert "mine (19.0 times fewer parameters" in sentences(app)[0]
    assert "is mine: 19.0 times" in sentences(app)[1]


@pytest.mark.parametrize("gone", ["kind != 'cost'", "kind != 'group'"])
def test_a_study_from_before_there_were_costs_is_told_what_to_run(gone: str, cache: Path) -> None:
    path = cache / "studies" / "tiny" / "summary.parquet"
    pd.read_parquet(path).query(gone).to_parquet(path)
    app = open_page("tradeoffs", study="tiny")
    assert errors(app) == []
    assert "python -m core run tiny" in shown(app.info[0].value)
    assert not app.get("vega_lite_chart")


@pytest.mark.parametrize("gone", ["rank_alignment", "accuracy"])
def test_a_study_without_a_measure_shows_the_others(gone: str, cache: Path) -> None:
    path = cache / "studies" / "tiny" / "summary.parquet"
    pd.read_parquet(path).query(f"measure != '{gone}'").to_parquet(path)
    app = open_page("tradeoffs", study="tiny")
    assert errors(app) == []
    assert len(app.get("vega_lite_chart")) == 1
    assert any("this study does not have" in text for text in texts(app))


def test_the_table_has_every_number() -> None:
    study = open_study("wide")
    config: Config = study.config
    chosen = Choices(study, config.students.architectures, config.students.alphas, "integrated_gradients")
    table = weighed.everything(chosen, ("parameters", "latency_cpu"), ("accuracy", "rank_alignment"))
    assert table[["network", "alpha"]].to_numpy().tolist() == [
        [name, alpha] for name in ("ResNet34", "ResNet18") for alpha in (1.0, 0.5, 0.1)
    ]
    for cost in ("parameters", "latency_cpu"):
        for measure in ("accuracy", "rank_alignment"):
            want = points(study.summary(), config, cost, measure).set_index(["network", "alpha"])
            found = table.set_index(["network", "alpha"]).loc[want.index]
            assert found[[cost, f"{cost}_ratio", measure, f"{measure}_low", f"{measure}_high"]].to_numpy().tolist() == (
                want[["cost", "ratio", "estimate", "low", "high"]].to_numpy().tolist()
            )
