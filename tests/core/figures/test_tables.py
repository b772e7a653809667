"""What a figure shows is what the summary says, row for row."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.figures import tables
from core.figures.effects import effects
from core.figures.tables import View
from core.study import open_study
from tests.rows import with_rows

pytestmark = pytest.mark.usefixtures("shared")


def view(name: str = "wide") -> View:
    study = open_study(name)
    return tables.whole(study.summary(), study.config)


def grown(shown: View, *rows: dict[str, Any]) -> View:
    return replace(shown, summary=with_rows(shown.summary, *rows))


def test_a_whole_study_is_shown_by_the_primary_method() -> None:
    shown = view()
    assert shown.method == "integrated_gradients"
    assert shown.alphas == [1.0, 0.5, 0.1]
    assert shown.architectures == shown.config.students.architectures


@pytest.mark.parametrize(
    ("measure", "keys"), [("accuracy", ("", "")), ("rank_alignment", ("density", "")), ("focus", ("mass", "image"))]
)
def test_every_group_is_one_row_with_the_summary_s_numbers(measure: str, keys: tuple[str, str]) -> None:
    shown = view()
    pupils = tables.students(tables.estimates(shown, measure, *keys))
    rows = shown.summary
    found = rows[(rows["kind"] == "group") & (rows["measure"] == measure) & (rows["importance"] == keys[0])]
    found = found[found["subset"] == "all"]
    found = found[(found["outside"] == keys[1]) & (found["method"] == (shown.method if keys[0] else ""))]
    columns = ["estimate", "low", "high"]
    key = ["alpha", "estimate"]
    np.testing.assert_array_equal(pupils.sort_values(key)[columns], found.sort_values(key)[columns])
    assert pupils["network"].to_list() == ["ResNet34"] * 3 + ["ResNet18"] * 3
    assert pupils["alpha"].to_list() == [1.0, 0.5, 0.1] * 2


def test_fewer_networks_leave_the_teacher_s_line() -> None:
    table = tables.estimates(replace(view(), architectures=["resnet18"], alphas=[0.1]), "accuracy")
    assert table["role"].to_list() == ["student", "teacher"]
    assert tables.teacher_value(table) == table["estimate"].iloc[1]


def test_the_size_of_parts_may_be_a_single_row_without_a_network() -> None:
    shown = view()
    old = tables.control(shown, "area", "density")["estimate"].mean()
    keys = {"measure": "rank_alignment", "method": shown.method, "importance": "density", "subset": "all"}
    summary = shown.summary[shown.summary["control"] != "area"]
    new = grown(replace(shown, summary=summary), {"kind": "control", "control": "area", "estimate": 0.25, **keys})
    assert tables.control(new, "area", "density")["estimate"].to_list() == [0.25]
    assert np.isfinite(old)


def test_an_imported_network_has_its_own_name() -> None:
    keys = {"kind": "cell", "architecture": "resnet18", "measure": "accuracy", "subset": "all", "estimate": 0.1}
    shown = grown(view(), {"cell": "mine", **keys})
    assert tables.names(shown) == ["ResNet34", "ResNet18", "mine"]
    assert tables.estimates(shown, "accuracy").query("role == 'imported'")["network"].to_list() == ["mine"]


def test_outputs_and_explanations_are_paired_by_network() -> None:
    shown = view()
    both = tables.together(shown)
    logit = tables.students(tables.estimates(shown, "logit_alignment"))
    assert both["estimate_logit"].to_list() == logit["estimate"].to_list()
    assert len(both) == 6


def test_associations_are_those_of_the_whole_study() -> None:
    keys = {"kind": "association", "measure": "logit_alignment~rank_alignment", "method": "integrated_gradients"}
    one_cell = {"architecture": "resnet18", "importance": "density", "subset": "images", "estimate": 0.9, **keys}
    shown = grown(view(), one_cell, {**one_cell, "alpha": 0.1})
    found = tables.associations(shown)
    assert len(found) == 5
    assert 0.9 not in found["ρ"].to_list()


def test_effects_are_findings_of_each_method() -> None:
    shown = view()
    table = tables.effects(shown)
    rows = shown.summary
    rows = rows[(rows["kind"] == "finding") & (rows["measure"] == "rank_alignment") & (rows["importance"] == "density")]
    rows = rows[(rows["subset"] == "all") & rows["estimate"].notna()]
    np.testing.assert_array_equal(table[["estimate", "low", "high"]], rows[["estimate", "low", "high"]])
    assert set(table["network"]) == {"ResNet18", "on average"}
    spec = effects(table, "Change in rank alignment")
    ranges = [layer["encoding"]["color"]["scale"]["domain"] for layer in spec["layer"] if "color" in layer["encoding"]]
    assert all(methods == list(dict.fromkeys(table["method"])) for methods in ranges)
