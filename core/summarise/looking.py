"""Rows of networks that also learned to look where the teacher looks, and of what that changed in them."""

from collections.abc import Iterator
from typing import Any

from core.estimates import claimed
from core.study import Study
from core.summarise.levels import normalised
from core.summarise.measured import measured, spreads
from core.summarise.row import summary_row
from core.summarise.students import of_students, smaller, trained_once
from core.values import Keys, Values

CHANGED = ("accuracy", "logit_alignment", "rank_alignment", "map_similarity", "focus")
"""The measures of which it is asked what learning to look changes."""


def looking(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """Give for every λ above 0 what is given of distilled networks without it, then the same less those.

    Claims are judged without it, so there are no rows of them here.
    """
    for weight in filter(None, study.config.students.explanation_weights):
        of_weight = {keys: values.at(weight) for keys, values in found.items()}
        for station in (measured, normalised, spreads):
            for row in station(study, of_weight):
                if row["kind"] != "finding" and row.get("alpha") is not None and row["alpha"] < 1:
                    yield {**row, "explanation_weight": weight}
        for keys, values in found.items():
            if keys.measure in CHANGED and not keys.control:
                yield from _changes(study, values, weight)


def _changes(study: Study, values: Values, weight: float) -> Iterator[dict[str, Any]]:
    where: dict[str, Any] = {"explanation_weight": weight, "seed": "all", "control": "λ = 0"}
    for alpha in study.config.students.alphas:
        if alpha == 1:
            continue
        each = {}
        for architecture in smaller(study):
            looks, plain = (of_students(study, values.at(w), architecture, alpha)[0] for w in (weight, 0.0))
            if found := [looks[seed] - plain[seed] for seed in looks if seed in plain]:
                each[architecture] = found
        every = {architecture: sum(map(len, seeds)) for architecture, seeds in each.items()}
        for architecture, estimate in claimed(each, values.often, every, trained_once(study)):
            yield summary_row("looking", values.keys, estimate, {**where, "alpha": alpha, "architecture": architecture})
