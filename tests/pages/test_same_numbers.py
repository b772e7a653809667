"""Every number that a page shows, in a table, a file or a chart, is unrounded the number of a row of the summary."""

import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core import literature
from core.cost_measures import COSTS, amount
from core.figures.encoding import FORMATS, written
from core.measures import MEASURES
from core.study import open_study
from tests.pages.test_pages import errors, open_page

pytestmark = pytest.mark.usefixtures("shared")

STUDIES = ["tiny", "wide"]
SHOWN = [
    ("home", {}),
    ("training", {}),
    ("focus", {}),
    ("focus", {"focus_as": "Ratio", "focus_of": "The whole image", "method": "Saliency"}),
    ("rank", {}),
    ("rank", {"rank_importance": "In total", "rank_images": "Both right"}),
    ("logit", {}),
    ("tradeoffs", {}),
    ("tradeoffs", {"against": "Accuracy"}),
    ("literature", {}),
]
FILES = ["training", "focus", "rank", "logit", "tradeoffs"]
DERIVED = ("by chance, on average", "by part size alone", "by chance")
"""Dashed lines of charts that are means of several rows of the summary, or one over the number of classes."""
PUBLISHED = [each.value for source in (literature.POSTER, literature.OJHA) for each in source.values]


def numbers(values: Iterable[Any]) -> Counter[Any]:
    """Count numbers that are the same to the last bit; NaN is one of them."""
    return Counter("NaN" if pd.isna(value) else float(value) for value in values)


def extra(found: Iterable[Any], known: Iterable[Any]) -> Counter[Any]:
    return numbers(found) - numbers(known)


def rows(table: pd.DataFrame, columns: list[str]) -> Counter[tuple[Any, ...]]:
    """Count rows of numbers."""
    return Counter(tuple("NaN" if pd.isna(v) else float(v) for v in row) for row in table[columns].to_numpy())


def of_measure(summary: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the rows of a measure by its label or name, shares in percent as tables have them."""
    (measure,) = (name for name, about in MEASURES.items() if label in (name, about.label))
    found = summary[summary["measure"] == measure]
    by = 100 if "%" in FORMATS.get(measure, "") else 1
    return found.assign(**{name: found[name] * by for name in ("estimate", "low", "high")})


def read(content: str) -> pd.DataFrame:
    """Read a CSV to the last bit, which pandas by itself does not promise."""
    table = pd.read_csv(io.StringIO(content), dtype=str)
    for name in table:
        try:
            table[name] = table[name].map(float)
        except ValueError:
            continue  # text
    return table


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Each file that a page offers, by its name, as it would be downloaded."""
    found: dict[str, str] = {}
    offer = st.download_button

    def recorded(label: str, data: Any, file_name: str, *args: Any, **named: Any) -> bool:
        lazy = callable(data) and file_name.endswith(".csv")
        found[file_name] = data() if lazy else data
        return offer(label, data, file_name, *args, **named)

    monkeypatch.setattr(st, "download_button", recorded)
    return found


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("page", FILES)
def test_every_line_of_a_file_is_a_row_of_the_summary(page: str, study: str, files: dict[str, str]) -> None:
    app = open_page(page, study=study)
    assert errors(app) == []
    name = "trade-offs" if page == "tradeoffs" else f"{page}-chart"
    table = read(files[f"{study}-{name}.csv"])
    summary = open_study(study).summary()
    assert len(table) >= 3
    if page != "tradeoffs":
        columns = ["estimate", "low", "high", "n", "skipped"]
        own = table["role"].isin(["student", "retrained", "imported"])
        assert own.sum() >= 3
        assert rows(table[own], columns) <= rows(summary, columns)
        derived = DERIVED if page == "training" else DERIVED[:2]
        beside = table[~own & ~table["role"].isin(derived)]
        assert set(beside["estimate"]) <= {*summary["estimate"], *PUBLISHED}
        return
    costs, measures = ([name for name in table if name in known] for known in (COSTS, MEASURES))
    assert len(costs) > 1
    assert len(measures) > 1
    for cost in costs:
        known = summary[(summary["kind"] == "cost") & (summary["measure"] == cost)].set_index("architecture")
        assert set(table[cost]) <= set(known["estimate"])
        teacher = known.loc[open_study(study).config.teacher.architecture, "estimate"]
        assert (table[f"{cost}_ratio"] == teacher / table[cost]).all(), "a quotient of two rows"
    for measure in measures:
        known = summary[summary["measure"] == measure]
        named = dict(zip(("estimate", "low", "high"), (measure, f"{measure}_low", f"{measure}_high"), strict=True))
        assert rows(table.dropna(subset=[measure]), list(named.values())) <= rows(known, list(named))


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize(("page", "address"), SHOWN)
def test_every_number_of_a_table_is_of_the_summary(page: str, address: dict[str, str], study: str) -> None:
    app = open_page(page, study=study, **address)
    assert errors(app) == []
    summary = open_study(study).summary()
    tables = [element.value for element in app.dataframe]
    checked = sum(len(_columns(table, summary)) for table in tables)
    assert checked >= {"home": 0, "literature": 2}.get(page, 3)


def _columns(table: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    """Check the columns of a table that hold numbers, and return which they are."""
    if list(table) == ["what", "value"]:  # settings
        return []
    found = []
    measures = [name for name in table if name in {*MEASURES, *(each.label for each in MEASURES.values())}]
    own = of_measure(summary, measures[0]) if len(measures) == 1 else summary
    of = {"low": own["low"], "high": own["high"], "counted": own["n"], "left out": own["skipped"]}
    of |= {"ρ": summary.loc[summary["kind"] == "association", "estimate"]}
    of |= {name: of_measure(summary, name)["estimate"] for name in measures}
    for name in table:
        if name.endswith("_ratio"):  # the test of files looks at them
            continue
        if name in ("This study's change", "95 % interval"):
            assert set(table[name]) <= {"–", *_changes(summary, name)}
        elif name in {each.label for each in COSTS.values()}:
            assert set(table[name]) <= set(_costs(summary, name))
        elif name in of:
            assert not extra(table[name].dropna(), of[name]), name
        else:
            assert not pd.api.types.is_float_dtype(table[name]), f"what is {name}?"
            continue
        found.append(name)
    return found


def _changes(summary: pd.DataFrame, name: str) -> Iterator[str]:
    """Give changes of logit alignment as the page on the literature writes them."""
    changes = summary[(summary["kind"] == "contrast") & (summary["measure"] == "logit_alignment")]
    for row in changes.itertuples():
        estimate, low, high = (written(value, "+.3f") for value in (row.estimate, row.low, row.high))
        yield estimate if name == "This study's change" else f"{low} to {high}"


def _costs(summary: pd.DataFrame, name: str) -> Iterator[str]:
    (cost,) = (key for key, about in COSTS.items() if about.label == name)
    for value in summary.loc[(summary["kind"] == "cost") & (summary["measure"] == cost), "estimate"]:
        yield amount(cost, value)


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize(("page", "address"), SHOWN)
def test_every_number_of_a_chart_is_of_the_summary(page: str, address: dict[str, str], study: str) -> None:
    app = open_page(page, study=study, **address)
    assert errors(app) == []
    summary = open_study(study).summary()
    known = {end: set(summary[end].dropna()) | set(PUBLISHED) for end in ("estimate", "low", "high")}
    checked = 0
    for table in _drawn(app):
        for column in table:
            end = column.removesuffix("_logit").removesuffix("_rank")
            end = "estimate" if end in ("share", "height", "p5", "p25", "p50", "p75", "p95") else end
            if end not in known:
                continue
            here = table[~table["line"].isin(DERIVED)] if "line" in table else table
            values = set(here[column].dropna().astype(float))
            assert not values - known[end], column
            checked += len(values)
    assert checked > 5


def _drawn(app: AppTest) -> Iterator[pd.DataFrame]:
    """Give the rows of every chart; Streamlit sends them beside its spec."""
    for chart in app.get("vega_lite_chart"):
        assert json.loads(chart.proto.spec)
        for each in chart.proto.datasets:
            yield convert_arrow_bytes_to_pandas_df(each.data.data)


def test_a_number_that_is_not_there_is_found_out() -> None:
    assert extra([0.1, 0.1], [0.1, 0.2])
    assert extra([math.nextafter(0.1, 1)], [0.1])
    assert not extra([float("nan"), 0.1], [0.1, float("nan")])
