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


def associations(study: Study, found: dict[Keys, Values]) -> Iterator[Row]:
    """Give the rows of kind "association": Spearman's ρ of logit alignment and rank alignment.

    `subset` "cells": over the means of the networks, the teacher left out, seed by seed. "images": over the images of
    a network; the mean over all networks of a seed (architecture ""), and each by itself. Each plain and with accuracy
    held fixed. Over several seeds the interval is Student's t, with one it is a bootstrap over images.
    """
    logit, accuracy = found[Keys("logit_alignment")], found[Keys("accuracy")]
    students = [cell for cell in grid(study.config) if cell != study.teacher]
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
        for where, fixed, estimate in _within(three, students, seeds):
            yield "association", named, estimate, {**where, "subset": "images", "control": fixed}


def _across(three: tuple[Values, Values, Values], students: list[Cell], seeds: list[int]) -> list[Estimate]:
    """Over the means of the networks: plain, and with accuracy held fixed."""
    found = []
    for seed in seeds:
        cells = [cell for cell in students if cell.seed == seed]
        means = [np.array([[known_mean(v.values[v.cells.index(cell)]) for cell in cells]]) for v in three]
        found.append((spearman(*means[:2])[0], partial_spearman(*means)[0]))
    if len(seeds) > 1:
        return [mean_over_seeds(np.array(values)) for values in zip(*found, strict=True)]
    pools = [bootstrap_means(v.values[[v.cells.index(cell) for cell in students]], v.often).T for v in three]
    spans = interval(spearman(*pools[:2])), interval(partial_spearman(*pools))
    return [Estimate(float(v), *span, len(students), 0) for v, span in zip(found[0], spans, strict=True)]


def _within(
    three: tuple[Values, Values, Values], students: list[Cell], seeds: list[int]
) -> Iterator[tuple[dict[str, Any], str, Estimate]]:
    """Over the images of each network: all networks together, then each architecture and α."""
    logit, rank, accuracy = three
    rows = np.searchsorted(logit.images, rank.images)
    drawn = rank.drawn[:SAMPLES] if len(seeds) == 1 else rank.drawn[:0]
    by_cell = {}
    for cell in students:
        x, y, z = (v.values[v.cells.index(cell)] for v in (logit, rank, accuracy))
        x, z = x[rows], z[rows]
        samples = [np.array([x]), np.array([y]), np.array([z])], [x[drawn], y[drawn], z[drawn]]
        by_cell[cell] = [
            np.concatenate([spearman(a, b) for a, b, _ in samples]),
            np.concatenate([partial_spearman(a, b, c) for a, b, c in samples]),
        ]
    groups: dict[tuple[str, float | None], list[Cell]] = {("", None): students}
    for cell in students:
        groups.setdefault((cell.architecture, cell.alpha), []).append(cell)
    for (architecture, alpha), cells in groups.items():
        where = {"architecture": architecture, "alpha": alpha, "seed": "all"} if architecture else {}
        for place, fixed in enumerate(FIXED):
            own = {seed: [by_cell[cell][place] for cell in cells if cell.seed == seed] for seed in seeds}
            means = [known_mean(np.stack(values), 0) for values in own.values() if values]
            if len(seeds) > 1:
                estimate = mean_over_seeds(np.array([each[0] for each in means]))
            else:
                estimate = Estimate(float(means[0][0]), *interval(means[0][1:]), len(rows), 0)
            yield where, fixed, estimate
