"""Whether outputs and explanations move together: across networks, and across the images of one (the fourth claim)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.cells import Cell, grid
from core.estimates import (
    Estimate,
    bootstrap_means,
    interval,
    known_mean,
    mean_over_seeds,
    partial_spearman,
    spearman,
)
from core.study import Study
from core.values import Keys, Values

FIXED = ("", "accuracy")
"""What is held fixed."""
SAMPLES = 300
"""Of the bootstrap where one seed leaves nothing else: each is a rank correlation over all images of every network."""

Row = tuple[str, Keys, Estimate, dict[str, Any]]
Three = tuple[Values, Values, Values]
"""Logit alignment, rank alignment, accuracy."""


def associations(study: Study, found: dict[Keys, Values]) -> Iterator[Row]:
    """Give the rows of kind "association": Spearman's ρ of logit alignment and rank alignment.

    `subset` "cells": over the means of the networks, the teacher left out, seed by seed. "images": over the images of a
    network, averaged over all networks of a seed (architecture ""), over those of an architecture (α NaN, the interval
    with Bonferroni's correction for the architectures), and each network by itself. Both plain and with accuracy held
    fixed. "both right": as "images", of those that teacher and network get right, where there is nothing to hold.
    Networks that learned to look are in none of them. Over several seeds the interval is Student's t, with one it is a
    bootstrap over images.
    """
    logit, accuracy = found[Keys("logit_alignment")], found[Keys("accuracy")]
    students = [cell for cell in grid(study.config) if cell != study.teacher and not cell.explanation_weight]
    if not students:
        return
    for keys, rank in found.items():
        if keys.measure != "rank_alignment" or keys.control:
            continue
        named = keys._replace(measure="logit_alignment~rank_alignment")
        seeds = study.config.students.seeds
        three = (logit, rank, accuracy)
        for fixed, values in zip(FIXED, _across(three, students, seeds), strict=True):
            yield "association", named, values, {"subset": "cells", "control": fixed}
        for where, estimate in _within(three, students, seeds):
            yield "association", named, estimate, where


def _across(three: Three, students: list[Cell], seeds: list[int]) -> list[Estimate]:
    """Over the means of the networks: plain, and with accuracy held fixed."""
    found = []
    for seed in seeds:
        cells = [cell for cell in students if cell.seed == seed]
        means = [np.array([[known_mean(v.values[v.cells.index(cell)]) for cell in cells]]) for v in three]
        found.append(np.array([spearman(*means[:2])[0], partial_spearman(*means)[0]]))
    if len(seeds) > 1:
        return [mean_over_seeds(values) for values in np.array(found).T]
    pools = [bootstrap_means(v.values[[v.cells.index(cell) for cell in students]], v.often).T for v in three]
    samples = spearman(*pools[:2]), partial_spearman(*pools)
    return [_bootstrapped(np.append(v, s), len(students)) for v, s in zip(found[0], samples, strict=True)]


def _within(three: Three, students: list[Cell], seeds: list[int]) -> Iterator[tuple[dict[str, Any], Estimate]]:
    """Over the images of each network: all networks together, each architecture, and each architecture and α."""
    rank = three[1]
    drawn = rank.drawn[:SAMPLES] if len(seeds) == 1 else rank.drawn[:0]
    by_cell = {cell: _of_one(three, cell, drawn) for cell in students}
    groups: dict[tuple[str, float | None], list[Cell]] = {("", None): students}
    for cell in students:
        groups.setdefault((cell.architecture, None), []).append(cell)
        groups.setdefault((cell.architecture, cell.alpha), []).append(cell)
    architectures = len({cell.architecture for cell in students})
    for (architecture, alpha), cells in groups.items():
        level = 1 - 0.05 / architectures if architecture and alpha is None else 0.95
        for (subset, fixed), first in by_cell[cells[0]].items():
            of_seed = [[by_cell[cell][subset, fixed] for cell in cells if cell.seed == seed] for seed in seeds]
            means = np.stack(
                [known_mean(np.stack(each), 0) if each else np.full_like(first, np.nan) for each in of_seed]
            )
            one = len(seeds) == 1
            estimate = _bootstrapped(means[0], len(rank.images), level) if one else mean_over_seeds(means[:, 0], level)
            where = {"architecture": architecture, "alpha": alpha, "seed": "all" if architecture else ""}
            yield {**where, "subset": subset, "control": fixed}, estimate


def _of_one(three: Three, cell: Cell, drawn: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return (subset, held fixed) -> ρ over the images of one network: of all of them, then of every sample."""
    logit, rank, _ = three
    rows = np.searchsorted(logit.images, rank.images)
    x, y, z = (v.values[v.cells.index(cell)] for v in three)
    x, z = x[rows], z[rows]
    right = np.where(rank.right[rank.cells.index(cell)], y, np.nan)
    sets = [[values[None], values[drawn]] for values in (x, y, z, right)]
    return {
        ("images", ""): np.concatenate([spearman(a, b) for a, b, *_ in zip(*sets, strict=True)]),
        ("images", "accuracy"): np.concatenate([partial_spearman(a, b, c) for a, b, c, _ in zip(*sets, strict=True)]),
        ("both right", ""): np.concatenate([spearman(a, r) for a, _, _, r in zip(*sets, strict=True)]),
    }


def _bootstrapped(values: np.ndarray, n: int, level: float = 0.95) -> Estimate:
    """Return an estimate of a statistic (the first value) and its samples (the others); unknown without the first."""
    span = interval(values[1:], level) if np.isfinite(values[0]) else (np.nan, np.nan)
    return Estimate(float(values[0]), *span, n, 0)
