"""Whether stronger distillation does more, as the poster has it: the lowest α beside the next."""

from typing import Any

import pandas as pd

from core.config import Config
from core.findings.claims import verdict
from core.findings.rows import Analysis, Rows
from core.findings.wording import LIMIT, signed, span, students_named

TOLD = {
    "accuracy": ("accuracy", 100, 1, " points"),
    "rank_alignment": ("rank alignment", 1, 3, ""),
    "focus": ("focus", 100, 1, " points"),
}
"""Each measure in words, by what its numbers are multiplied, their decimals and their unit."""


def dose(summary: pd.DataFrame, config: Config) -> str:
    """Say by the primary analysis what the lowest α does beyond the next; "" where a study has fewer than three α.

    The claims ask another question: what the lowest α does beyond no distillation.
    """
    rows = Rows(summary, config, Analysis())
    found = {measure: row for measure in TOLD if (row := rows.dose(measure)) is not None}
    if not found:
        return ""
    first = next(iter(found.values()))
    changes = "; ".join(_change(row, *TOLD[measure]) for measure, row in found.items())
    limit = LIMIT if len(config.students.seeds) == 1 else ""
    return (
        f"Whether stronger distillation does more is a question of its own. From {first.control} to α = "
        f"{first.alpha:g}, on average over {students_named(config)}: {changes}.{limit}"
    )


def _change(row: Any, name: str, scale: float, digits: int, unit: str) -> str:
    judged, about = verdict(row.low, row.high), span(row, scale, digits)
    if judged == "not settled":
        return f"{name} changes by {signed(row.estimate * scale, digits)}{unit} ({about}), not settled"
    way = "rises" if judged == "supported" else "falls"
    return f"{name} {way} by {abs(row.estimate) * scale:.{digits}f}{unit} ({about})"
