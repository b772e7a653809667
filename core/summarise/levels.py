"""Rows of all smaller students together, and of where alignments stand between chance and a teacher trained again."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.controls import normalised_alignment
from core.estimates import known_mean, together, undefined
from core.study import Study
from core.summarise.row import summary_row
from core.summarise.students import of_students, smaller, trained_once
from core.values import Keys, Values


def levels(study: Study, values: Values, subset: str = "all") -> Iterator[dict[str, Any]]:
    """Give the mean over the architectures of the claims at each α, and of their untrained networks."""
    where: dict[str, Any] = {"seed": "all", "subset": subset}
    for alpha in study.config.students.alphas:
        each = {name: of_students(study, values, name, alpha, subset) for name in smaller(study)}
        each = {name: found for name, found in each.items() if found[0]}
        if each:
            estimate = together([list(found.values()) for found, _ in each.values()], values.often, trained_once(study))
            skipped = undefined(
                [v for found, _ in each.values() for v in found.values()], sum(k for _, k in each.values())
            )
            yield summary_row("mean", values.keys, estimate._replace(skipped=skipped), {**where, "alpha": alpha})
    untrained = [i for i, cell in enumerate(values.cells) if cell.untrained and cell.architecture in smaller(study)]
    if untrained and subset == "all" and not values.keys.control:
        estimate = together([[values.values[i]] for i in untrained], values.often, alone=True)
        # One draw of each: the images' interval would say nothing of another.
        known = int((~np.isnan(values.values[untrained])).any(1).sum())
        estimate = estimate._replace(low=np.nan, high=np.nan, n=known)
        yield summary_row("mean", values.keys, estimate, {**where, "control": "random network"})


def normalised(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """Place alignments between chance (0) and a teacher trained again (1): each student, and the smaller on average."""
    teacher = study.teacher
    for keys, values in found.items():
        chance = found.get(keys._replace(control="shuffled"))
        if keys.control or chance is None or not keys.measure.endswith("alignment"):
            continue
        again = [_means(study, v, teacher.architecture, 1.0) for v in (values, chance)]
        if len(again[0]) < 2:
            continue
        for alpha in study.config.students.alphas:
            of_all = []
            for architecture in study.config.students.architectures:
                if (architecture, alpha) == (teacher.architecture, 1.0):
                    continue
                own = [_means(study, v, architecture, alpha) for v in (values, chance)]
                seeds = [seed for seed in own[0] if seed in again[0]]
                numbers = np.array([[by_seed[seed] for seed in seeds] for by_seed in (*own, *again)])
                if architecture in smaller(study):
                    of_all.append(numbers)
                estimate = normalised_alignment(*numbers)
                if estimate is not None:
                    where = {"architecture": architecture, "alpha": alpha, "seed": "all"}
                    yield summary_row("normalised", keys, estimate, where)
            estimate = normalised_alignment(*np.mean(of_all, axis=0)) if of_all else None
            if estimate is not None:
                yield summary_row("mean", keys, estimate, {"alpha": alpha, "seed": "all", "control": "normalised"})


def _means(study: Study, values: Values, architecture: str, alpha: float) -> dict[int, float]:
    by_seed, _ = of_students(study, values, architecture, alpha)
    return {seed: float(known_mean(each)) for seed, each in by_seed.items()}
