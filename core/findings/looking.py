"""Whether training for looking makes students look more alike, and what it costs: λ beside none, exploratory."""

from typing import Any

import pandas as pd

from core.config import Config
from core.findings.claims import verdict
from core.findings.question import Question
from core.findings.rows import Analysis
from core.findings.wording import LIMIT, nice_name, signed, span, students_named

TITLE = "Does training for looking make it look more alike?"


def looking(summary: pd.DataFrame, config: Config) -> Question | None:
    """Answer it at the lowest α and the largest λ, by rank alignment beside accuracy.

    None where the study has no λ above 0, or no distilled students of other architectures than the teacher's.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of the whole study (`core.summarise.COLUMNS`), not of one λ.
    config : Config
    """
    rows = summary[(summary["kind"] == "looking") & summary["estimate"].notna()]
    ranks, right, maps = (_of(rows, measure, config) for measure in ("rank_alignment", "accuracy", "map_similarity"))
    if ranks.empty or right.empty:
        return None
    weight, alpha = ranks["explanation_weight"].max(), ranks["alpha"].min()
    together = {
        name: _one(table, weight, alpha) for name, table in (("ranks", ranks), ("right", right), ("maps", maps))
    }
    limit = LIMIT if len(config.students.seeds) == 1 else ""
    sentence = (
        f"Trained to look where the teacher looks too (λ = {weight:g}, α = {alpha:g}), {students_named(config)} "
        f"{_more(together['ranks'])}, and {_cost(together['right'])}.{_similar(together['maps'])}{limit}"
    )
    every = ranks.merge(right, on=["architecture", "alpha", "explanation_weight"], suffixes=("", "_right"))
    if every["architecture"].nunique() == 2:  # then their mean is the one there is
        every = every[every["architecture"] != ""]
    each = tuple(_alone(row) for row in every.itertuples())
    return Question(TITLE, sentence, each, exploratory=True)


def _of(rows: pd.DataFrame, measure: str, config: Config) -> pd.DataFrame:
    """Return a measure's rows by the primary analysis, or by the study's first method where it lacks that one's."""
    methods: list[str] = list(config.explain.methods)
    primary = Analysis()
    chosen = primary if primary.method in methods else primary._replace(method=methods[0])
    method, importance, outside = chosen.keys(measure)
    wanted = {"measure": measure, "method": method, "importance": importance, "outside": outside}
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _one(rows: pd.DataFrame, weight: float, alpha: float) -> Any:
    rows = rows[(rows["explanation_weight"] == weight) & (rows["alpha"] == alpha) & (rows["architecture"] == "")]
    return next(rows.itertuples(), None)


def _more(row: Any) -> str:
    about, way = f"{signed(row.estimate, 3)} ({span(row, 1, 3)})", verdict(row.low, row.high)
    if way == "not settled":
        return f"rank the parts no more like it, nor less, as far as this study can tell: {about}"
    return f"rank the parts {'more' if way == 'supported' else 'less'} like it than without: {about}"


def _cost(row: Any) -> str:
    about, points = span(row, 100, 1), f"{abs(row.estimate) * 100:.1f} points"
    way = verdict(row.low, row.high)
    if way == "not settled":
        return f"what that costs in accuracy is not settled: {signed(row.estimate * 100, 1)} points ({about})"
    return f"that {'costs' if way == 'contradicted' else 'adds'} {points} of accuracy ({about})"


def _similar(row: Any) -> str:
    if row is None:
        return ""
    about, way = span(row, 1, 3), verdict(row.low, row.high)
    if way == "not settled":
        change = f"{signed(row.estimate, 3)} ({about})"
        return f" Whether their maps are more similar to the teacher's is not settled: {change}."
    moves = "rises" if way == "supported" else "falls"
    return f" The similarity of the maps {moves} by {abs(row.estimate):.3f} ({about})."


def _alone(row: Any) -> str:
    """Tell one network, or all of them on average, at one α and λ."""
    who = nice_name(row.architecture) if row.architecture else "On average"
    points = f"{signed(row.estimate_right * 100, 1)} points"
    right = span(row._replace(low=row.low_right, high=row.high_right), 100, 1, "interval")
    return (
        f"{who}, α = {row.alpha:g}, λ = {row.explanation_weight:g}: rank alignment {signed(row.estimate, 3)} "
        f"({span(row, 1, 3, 'interval')}), accuracy {points} ({right})"
    )
