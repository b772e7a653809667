"""Two studies beside each other: their numbers, and the differences of those that both have."""

from typing import Any

import pandas as pd

from core.config import Config
from core.figures import tables
from core.figures.tables import View
from core.findings import Finding

COMPARED = {
    "accuracy": ("", ""),
    "rank_alignment": ("density", ""),
    "focus": ("density", "parts"),
    "logit_alignment": ("", ""),
}
"""The measures of the claims, with the importance and the outside that judge them."""
UNDISTILLED = "no distillation"
"""What a finding's rows are the difference from (`core.summarise`)."""
NUMBERS = ["estimate", "low", "high"]


def differences(first: View, second: View, measure: str) -> pd.DataFrame:
    """Return the students that both studies have: network, alpha, the numbers of each (`_1`, `_2`), first less second.

    `low` and `high` of the difference are by `apart`; NaN where either study has no interval.
    """
    rows = [tables.estimates(view, measure, *COMPARED[measure]) for view in (first, second)]
    rows = [each[each["role"].isin(["student", "retrained"])][["network", "alpha", *NUMBERS]] for each in rows]
    both = rows[0].merge(rows[1], on=["network", "alpha"], suffixes=("_1", "_2"))
    return _apart(both.sort_values("alpha", ascending=False, kind="stable"))


def effects(first: View, second: View) -> pd.DataFrame:
    """Return what distillation at the lowest α changes on average in each study, a row a measure; columns as above."""
    found = []
    for measure, (importance, outside) in COMPARED.items():
        rows = [
            tables.of(view.summary, measure, view.method, importance, outside, UNDISTILLED) for view in (first, second)
        ]
        rows = [each[(each["kind"] == "finding") & (each["architecture"] == "")][NUMBERS] for each in rows]
        if all(len(each) for each in rows):
            numbers = {f"{name}_{i}": each[name].iloc[0] for i, each in enumerate(rows, 1) for name in NUMBERS}
            found.append({"measure": measure, **numbers})
    return _apart(pd.DataFrame(found)) if found else pd.DataFrame()


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    difference, low, high = apart(*(table[f"{name}_{i}"] for i in (1, 2) for name in NUMBERS))
    return table.assign(estimate=difference, low=low, high=high).reset_index(drop=True)


def apart(
    first: pd.Series, low_1: pd.Series, high_1: pd.Series, second: pd.Series, low_2: pd.Series, high_2: pd.Series
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return first less second with its interval, from those of two numbers that were found independently.

    The distances of each number from its ends are added as squares, each on its own side (MOVER: Zou and Donner 2008,
    Statistics in Medicine 27, 1693-1702). Two studies of the same images are not quite independent: theirs go up and
    down together, so the interval is, if anything, too wide.
    """
    difference = first - second
    down = ((first - low_1) ** 2 + (high_2 - second) ** 2) ** 0.5
    up = ((high_1 - first) ** 2 + (second - low_2) ** 2) ** 0.5
    return difference, difference - down, difference + up


def agreement(first: list[Finding], second: list[Finding], names: tuple[str, str]) -> str:
    """Say in one sentence on which claims two studies come to the same."""
    other = {finding.claim: finding for finding in second}
    pairs = [(finding, other[finding.claim]) for finding in first if finding.claim in other]
    if not pairs:
        return f"'{names[0]}' and '{names[1]}' have no claim in common."
    same = sum(a.verdict == b.verdict for a, b in pairs)
    against = sum({a.verdict, b.verdict} == {"supported", "contradicted"} for a, b in pairs)
    claims = "the one claim" if len(pairs) == 1 else f"{same} of the {len(pairs)} claims"
    if len(pairs) == 1:
        said = f"'{names[0]}' and '{names[1]}' judge {claims} that both ask {'alike' if same else 'differently'}"
    else:
        said = f"'{names[0]}' and '{names[1]}' judge {claims} that both ask alike"
    if against:
        return f"{said}, and contradict each other on {against}."
    return f"{said}, and contradict each other on none." if same < len(pairs) else f"{said}."


def settings_apart(first: Config, second: Config) -> list[tuple[str, Any, Any]]:
    """Return the settings that two studies do not share: key, the first's, the second's; names and words aside."""
    flat = [_flat(config.model_dump(exclude={"name", "description"})) for config in (first, second)]
    return [(key, flat[0][key], flat[1][key]) for key in flat[0] if flat[0][key] != flat[1][key]]


def _flat(tree: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found
