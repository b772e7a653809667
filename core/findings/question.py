"""Whether distillation moves saliency and integrated gradients alike: research question 1."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.config import Config
from core.findings.rows import at_weight
from core.findings.wording import level, nice_name, signed, span, students_named


@dataclass(frozen=True)
class Question:
    """A question, its answer in a sentence, and the same for each architecture by itself."""

    title: str
    sentence: str
    each: tuple[str, ...]
    exploratory: bool = False
    """Whether it was asked beside the analysis that was fixed beforehand, and proves nothing."""


METHODS = ("integrated_gradients", "saliency")


def question(summary: pd.DataFrame, config: Config) -> Question | None:
    """Answer it by the interval of the difference between distillation's effects on rank alignment.

    None where the study lacks one of the methods, or has nothing to compare.
    """
    summary = at_weight(summary, 0.0)
    rows = summary[
        (summary["measure"] == "rank_alignment")
        & (summary["importance"] == "density")
        & (summary["subset"] == "all")
        & summary["estimate"].notna()
    ]
    asked = rows[rows["kind"] == "question"]
    all_together = asked[asked["architecture"] == ""]
    if all_together.empty:
        return None
    row: Any = next(all_together.itertuples())
    effects = rows[(rows["kind"] == "finding") & (rows["architecture"] == "")].set_index("method")
    gradients, saliency = (
        signed(effects["estimate"][method], 3) + _ends(rows, method, row.alpha) for method in METHODS
    )
    about = f"{signed(row.estimate, 3)} ({span(row, 1, 3)})"
    who = students_named(config)
    if row.low <= 0 <= row.high or pd.isna(row.low):
        verdict = "whether it moves one more than the other is not settled"
    else:
        verdict = _more(effects, *METHODS[:: 1 if row.estimate > 0 else -1])
    sentence = (
        f"Distilling {who} at α = {row.alpha:g} changes rank alignment by {gradients} as integrated gradients see it "
        f"and by {saliency} as saliency does: {verdict}, a difference of {about}."
    )
    alone: list[Any] = list(asked[asked["architecture"] != ""].itertuples())
    each = tuple(
        f"{nice_name(one.architecture)}: {signed(one.estimate, 3)} ({span(one, 1, 3, 'interval')})" for one in alone
    )
    return Question("Does distillation move saliency and integrated gradients alike?", sentence, each)


def _more(effects: pd.DataFrame, first: str, second: str) -> str:
    """Say how distillation does more for one method than for the other: a direction where its interval has it."""
    (up, down), (also_up, also_down) = (
        (effects["low"][method] > 0, effects["high"][method] < 0) for method in (first, second)
    )
    one, other = (name.replace("_", " ") for name in (first, second))
    if up and also_down:
        return f"it brings {one} nearer the teacher's, and takes {other} further from it"
    if up and also_up:
        return f"it moves {one} further towards the teacher's than {other}"
    if up:
        return f"it brings {one} nearer the teacher's, and whether it moves {other} is not settled"
    if down:
        return f"it takes {other} further from the teacher's than it takes {one}"
    if also_down:
        return f"it takes {other} further from the teacher's, and whether it moves {one} is not settled"
    return f"it does more for {one} than for {other}, though whether it moves either is not settled"


def _ends(rows: pd.DataFrame, method: str, alpha: float) -> str:
    """Say from where to where rank alignment goes by a method, "" where the summary does not have it."""
    levels = rows[(rows["kind"] == "mean") & (rows["method"] == method) & (rows["control"] == "")]
    found = levels.set_index("alpha")["estimate"]
    return f" ({level(found[1.0], False)} to {level(found[alpha], False)})" if {1.0, alpha} <= {*found.index} else ""
