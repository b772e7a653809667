"""What the page that compares two studies is put together from."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from core.comparison import COMPARED, settings_apart
from core.figures import compared, tables
from core.figures.encoding import FORMATS, written
from core.findings import Finding
from core.measures import MEASURES
from core.study import Study, cache_folder, study_names
from dashboard import charts, loaded, words
from dashboard.names import plain
from dashboard.state import Choices
from dashboard.widgets import choose

differences_chart = charts.built_once(compared.differences)


def others(study: Study) -> list[str]:
    """Return the finished studies that a study can be compared with."""
    folder = cache_folder() / "studies"
    return [name for name in study_names() if name != study.folder.name and _finished(folder / name)]


def shared_method(chosen: str, first: Study, second: Study) -> str:
    """Return the method that both studies are shown by: the chosen one, else one that both have; "" without any.

    Where it is another than the one chosen on the left, that is said, and which one is the person's choice.
    """
    there = second.config.explain.methods
    if chosen in there:
        return chosen
    both = [method for method in first.config.explain.methods if method in there]
    lacks = f"{plain(second.folder.name)} was not explained by {words.method_within(chosen)}"
    if not both:
        st.info(f"{lacks}, nor by any other method of {plain(first.folder.name)}: where they look is not compared.")
        return ""
    st.info(f"{lacks}: both are shown by a method that both have.")
    return choose("compared_method", "Method that both have", both, both[0], words.method_label)


def measured(method: str) -> list[str]:
    """Return the measures that two studies can be compared by: without a method, those that need none."""
    return [measure for measure, (importance, _) in COMPARED.items() if method or not importance]


def view(study: Study, method: str) -> tables.View:
    """Return all of a study at λ = 0, by this method and no other."""
    whole = tables.whole(loaded.summary(study), study.config)
    return replace(whole, method=method)


def shown(choices: Choices, method: str) -> tables.View:
    """Return what the person chose of the first study, at λ = 0 as the second, by this method."""
    return replace(replace(choices, weight=0.0).view, method=method)


def findings(first: list[Finding], second: list[Finding], names: tuple[str, str]) -> None:
    """Draw every claim with what the two studies say to it, side by side."""
    claims = {finding.claim: finding.title for finding in (*second, *first)}
    for claim, title in sorted(claims.items()):
        with st.container(border=True):
            st.markdown(f"**{title}**")
            for place, name, found in zip(st.columns(2), names, (first, second), strict=True):
                with place:
                    _judged(name, next((each for each in found if each.claim == claim), None))


def _judged(name: str, finding: Finding | None) -> None:
    if finding is None:
        st.markdown(f"**{plain(name)}**")
        st.markdown("Not asked: its grid, or its measures, do not have what this takes.")
        return
    text, colour = words.VERDICTS[finding.verdict]
    st.markdown(f"**{plain(name)}** :{colour}-badge[{text}]")
    st.markdown(finding.sentence)


def columns(names: tuple[str, str], others: set[str]) -> tuple[str, str]:
    """Return what the columns of two studies are called beside others: their names, unless another has that name."""
    first, second = (f"study {name}" if name in others else name for name in names)
    return first, second


def effects_table(table: pd.DataFrame, names: tuple[str, str]) -> None:
    """Draw what distillation changes in each study, and by how much more in the first."""
    first, second = columns(names, {"Measure", "Difference"})
    rows = {
        "Measure": table["measure"].map(_in_points),
        first: _with_interval(table, "_1"),
        second: _with_interval(table, "_2"),
        "Difference": _with_interval(table, ""),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="What distillation changes in each study")


def _with_interval(table: pd.DataFrame, which: str) -> list[str]:
    columns = zip(table["measure"], *(table[f"{name}{which}"] for name in ("estimate", "low", "high")), strict=True)
    return [
        f"{_signed(estimate, measure)} ({_signed(low, measure)} to {_signed(high, measure)})"
        for measure, estimate, low, high in columns
    ]


def _in_points(measure: str) -> str:
    return MEASURES[measure].label + (", in points" if measure in FORMATS else "")


def _signed(value: float, measure: str) -> str:
    return written(value, f"+{FORMATS.get(measure, '.2f')}").removesuffix("%")


def numbers(table: pd.DataFrame, measure: str, names: tuple[str, str]) -> None:
    """Offer the numbers behind the chart as a table and as CSV."""
    with st.expander("The numbers"):
        called = columns(names, {"network", "α", "difference", "low", "high"})
        new = {"alpha": "α", "estimate": "difference", "estimate_1": called[0], "estimate_2": called[1]}
        new |= {f"{end}_{i}": f"{name}, {end}" for i, name in enumerate(called, 1) for end in ("low", "high")}
        share = "%" in FORMATS.get(measure, "")
        renamed = table.rename(columns=new)
        renamed[renamed.columns[2:]] *= 100 if share else 1
        number = st.column_config.NumberColumn(format="%.1f %%" if share else "%.3f")
        form = dict.fromkeys(renamed.columns[2:], number)
        alt = f"{MEASURES[measure].label} of the networks that both studies have"
        st.dataframe(renamed, hide_index=True, height="content", column_config=form, alt=alt)
        file = f"{names[0]}-less-{names[1]}-{measure}.csv"
        st.download_button("Download as CSV", table.to_csv(index=False), file, "text/csv", on_click="ignore")


def settings(first: Study, second: Study) -> None:
    """Draw the settings in which two studies differ."""
    apart = settings_apart(first.config, second.config)
    if not apart:
        st.markdown("They have the same settings: what differs, differs from run to run.")
        return
    names = columns((first.folder.name, second.folder.name), {"Setting"})
    rows = pd.DataFrame([(key, _text(a), _text(b)) for key, a, b in apart], columns=["Setting", *names])
    st.dataframe(rows, hide_index=True, height="content", alt="Settings in which the two studies differ")


def _text(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _finished(folder: Path) -> bool:
    return (folder / "summary.parquet").exists()
