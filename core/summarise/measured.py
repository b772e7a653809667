"""Rows of networks, of the means of their seeds, and of what distillation changes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.estimates import Estimate, claimed, mean_over_images, means_over_images, over
from core.study import Study
from core.summarise.levels import levels
from core.summarise.row import summary_row
from core.summarise.students import differences, of_students, smaller, trained_once
from core.values import Keys, Values

QUANTILES = (5, 25, 50, 75, 95)
COMPARED = ("integrated_gradients", "saliency")
"""The methods that research question 1 asks of."""
CLAIMED = ("accuracy", "rank_alignment", "focus")
"""The measures of the claims that are contrasts."""


def measured(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """Give every measure of networks, of their means, and of what distillation changes; also where both are right."""
    for values in found.values():
        if values.keys.control == "area":
            yield summary_row("control", values.keys, mean_over_images(values.values[0], values.often), {})
            continue
        yield from _cells(study, values)
        yield from levels(study, values)
        if values.keys.control:
            yield from _groups(study, values, "control")
            continue
        yield from _groups(study, values, "group")
        yield from _contrasts(study, values)
        if values.keys.measure not in ("accuracy", "top1_agreement"):  # there it is 1 by definition
            yield from _groups(study, values, "group", "both right")
            yield from levels(study, values, "both right")
            yield from _contrasts(study, values, "both right")


def _cells(study: Study, values: Values) -> Iterator[dict[str, Any]]:
    """Every network by itself; the untrained are controls."""
    estimates = means_over_images(values.values, values.often)
    for cell, estimate in zip(values.cells, estimates, strict=True):
        where = {"architecture": cell.architecture, "alpha": cell.alpha, "seed": "" if cell.seed is None else cell.seed}
        if values.keys.control:
            if cell.own_name:
                yield summary_row("control", values.keys, estimate, {**where, "cell": cell.name})
        elif cell.untrained:
            yield summary_row("control", values.keys, estimate, {**where, "control": "random network"})
        else:
            yield summary_row("cell", values.keys, estimate, {**where, "cell": cell.name})


def _groups(study: Study, values: Values, kind: str, subset: str = "all") -> Iterator[dict[str, Any]]:
    teacher, students = study.teacher, study.config.students
    for architecture in students.architectures:
        for alpha in students.alphas:
            by_seed, kept = of_students(study, values, architecture, alpha, subset)
            if not by_seed:
                continue
            estimate = over(list(by_seed.values()), values.often, kept=kept, alone=trained_once(study))
            where = {"architecture": architecture, "alpha": alpha, "seed": "all", "subset": subset}
            yield summary_row(kind, values.keys, estimate, where)
            again = (architecture, alpha) == (teacher.architecture, teacher.alpha)
            if again and kind == "group" and subset == "all" and values.keys.measure != "accuracy":
                yield summary_row("control", values.keys, estimate, {**where, "control": "retrained teacher"})


def _contrasts(study: Study, values: Values, subset: str = "all") -> Iterator[dict[str, Any]]:
    if values.keys.measure == "win_rate":  # it is one already
        return
    where: dict[str, Any] = {"seed": "all", "control": "no distillation", "subset": subset}
    for architecture in study.config.students.architectures:
        for alpha in study.config.students.alphas:
            found, kept = differences(study, values, architecture, alpha, subset)
            if found:
                estimate = over(list(found.values()), values.often, kept=kept, alone=trained_once(study))
                yield summary_row(
                    "contrast", values.keys, estimate, {**where, "architecture": architecture, "alpha": alpha}
                )
    alpha = min(study.config.students.alphas)
    each = {a: differences(study, values, a, alpha, subset) for a in smaller(study)}
    each = {architecture: found for architecture, found in each.items() if found[0]}
    by_architecture = {architecture: list(found.values()) for architecture, (found, _) in each.items()}
    where |= {"alpha": alpha}
    left = {architecture: count for architecture, (_, count) in each.items()}
    for architecture, estimate in claimed(by_architecture, values.often, left, trained_once(study)):
        yield summary_row("finding", values.keys, estimate, {**where, "architecture": architecture})


def doses(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """Ask whether stronger distillation does more: what the claims are about at the lowest α, less at the next.

    Of a study of fewer than three α nothing: with two, the next is no distillation, which is what the claims ask.
    """
    alphas = sorted(study.config.students.alphas)
    if len(alphas) < 3:
        return
    strongest, milder = alphas[:2]
    for keys, values in found.items():
        if keys.measure not in CLAIMED or keys.control:
            continue
        each = {name: differences(study, values, name, strongest, less=milder) for name in smaller(study)}
        each = {name: given for name, given in each.items() if given[0]}
        seeds = {name: list(given.values()) for name, (given, _) in each.items()}
        kept = {name: count for name, (_, count) in each.items()}
        where = {"alpha": strongest, "seed": "all", "control": f"α = {milder:g}"}
        for architecture, estimate in claimed(seeds, values.often, kept, trained_once(study)):
            yield summary_row("dose", keys, estimate, {**where, "architecture": architecture})


def questions(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """Ask whether distillation moves both methods alike: its effect on one less its effect on the other."""
    alpha = min(study.config.students.alphas)
    for keys, values in found.items():
        other = found.get(keys._replace(method=COMPARED[1]))
        if keys.method != COMPARED[0] or keys.control or other is None or keys.measure == "win_rate":
            continue
        each = {}
        for architecture in smaller(study):
            one, two = (differences(study, v, architecture, alpha)[0] for v in (values, other))
            if one:
                each[architecture] = [one[seed] - two[seed] for seed in one]
        where = {"alpha": alpha, "seed": "all", "control": "no distillation", "method": "~".join(COMPARED)}
        every = {architecture: sum(len(values) for values in seeds) for architecture, seeds in each.items()}
        for architecture, estimate in claimed(each, values.often, every, trained_once(study)):
            yield summary_row("question", keys, estimate, {**where, "architecture": architecture})


def spreads(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """How rank alignment spreads over the images of each network of the first seed."""
    for keys, values in found.items():
        if keys.measure != "rank_alignment" or keys.control:
            continue
        for cell, row in zip(values.cells, values.values, strict=True):
            known = row[~np.isnan(row)]
            if cell.untrained or cell == study.teacher or cell.seed not in (None, study.teacher.seed) or not len(known):
                continue
            where = {"cell": cell.name, "architecture": cell.architecture, "alpha": cell.alpha}
            for q, value in zip(QUANTILES, np.percentile(known, QUANTILES), strict=True):
                estimate = Estimate(float(value), np.nan, np.nan, len(known), len(row) - len(known))
                yield summary_row("quantile", keys, estimate, {**where, "control": f"p{q}"})
