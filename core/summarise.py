"""Every number that is shown, with its interval: the per-image measures of a study, gathered into summary.parquet."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from core.associations import associations
from core.cells import Cell, grid
from core.controls import normalised_alignment
from core.cost_measures import cost_rows
from core.estimates import (
    Estimate,
    bootstrap_means,
    interval,
    known_mean,
    mean_over_images,
    mean_over_seeds,
    means_over_images,
)
from core.study import Study
from core.values import Keys, Values, load_values

COLUMNS = [
    "kind",
    "cell",
    "architecture",
    "alpha",
    "seed",
    "method",
    "measure",
    "importance",
    "outside",
    "subset",
    "control",
    "estimate",
    "low",
    "high",
    "n",
    "skipped",
]
"""Of summary.parquet. Text is "" where it does not apply. `kind` is

cell         one network, with an interval over images
group        mean over the seeds of an architecture and α
contrast     the same less α = 1.0, paired by seed
finding      the contrast at the lowest α: each smaller student (Bonferroni over them), and "" for all of them together
control      what a number is compared with: shuffled, area, random network, retrained teacher
normalised   an alignment between chance (0) and a retrained teacher (1)
mean         what sentences tell of all smaller students together, by `control`: "", "shuffled" or "normalised" at
             each α; "random network", one draw of each, without an interval
question     a finding by integrated gradients less the same by saliency
association  how two measures go together
part         share of the looking that a part receives; `subset` is the part
quantile     how rank alignment spreads over images; `control` is p5 … p95
cost         what a network costs (`core.costs`); latencies with their quartiles, measured once
"""

QUANTILES = (5, 25, 50, 75, 95)
COMPARED = ("integrated_gradients", "saliency")
"""The methods that research question 1 asks of."""


def summarise(study: Study) -> pd.DataFrame:
    """Gather a study's measures into one row a number (`COLUMNS`).

    Where a study has several seeds an interval over them is Student's t; with one seed it is a bootstrap over images,
    stratified by class, and speaks of these very networks only. The teacher's own cell is in no estimate of alignment.
    """
    found = load_values(study)
    rows = [row for part in (_measured, _questions, _normalised, _spreads) for row in part(study, found)]
    rows += [_row(*row) for row in associations(study, found)]
    rows += _parts(study)
    table = pd.concat([pd.DataFrame(rows, columns=COLUMNS), cost_rows(study.costs())], ignore_index=True)
    text = ["kind", "cell", "architecture", "seed", "method", "measure", "importance", "outside", "subset", "control"]
    table[text] = table[text].fillna("").astype(str)
    return table.astype({"alpha": float, "n": int, "skipped": int})


def _row(kind: str, keys: Keys, estimate: Estimate, more: dict[str, Any]) -> dict[str, Any]:
    value, low, high, n, skipped = estimate
    numbers = {"estimate": value, "low": low, "high": high, "n": n, "skipped": skipped}
    return {"kind": kind, **keys._asdict(), "subset": "all", **numbers, **more}


def over(
    seeds: list[np.ndarray], often: np.ndarray, level: float = 0.95, kept: int | None = None, alone: bool = True
) -> Estimate:
    """Estimate a mean over seeds where there are several, over images where there is one.

    Parameters
    ----------
    seeds : list of ndarray, (N,)
        Values of each seed's images, NaN where undefined.
    often : ndarray, (B, N)
        From `core.estimates.how_often`.
    level : float
        Coverage that is asked for.
    kept : int, optional
        Images of all seeds together that a subset leaves; all by default.
    alone : bool
        Whether one seed is all that the study has. Of a study of several, one that stands alone has no interval.
    """
    if len(seeds) == 1 and alone:
        found = mean_over_images(seeds[0], often, level)
    else:
        found = mean_over_seeds(np.array([known_mean(values) for values in seeds]), level)
    unknown = int(sum(np.isnan(values).sum() for values in seeds))
    total = sum(len(values) for values in seeds)
    return found._replace(skipped=unknown - (total - (total if kept is None else kept)))


def _measured(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    for values in found.values():
        if values.keys.control == "area":
            yield _row("control", values.keys, mean_over_images(values.values[0], values.often), {})
            continue
        yield from _cells(study, values)
        yield from _levels(study, values)
        if values.keys.control:
            yield from _groups(study, values, "control")
            continue
        yield from _groups(study, values, "group")
        yield from _contrasts(study, values)
        if values.keys.measure not in ("accuracy", "top1_agreement"):  # there it is 1 by definition
            yield from _groups(study, values, "group", "both right")
            yield from _levels(study, values, "both right")
            yield from _contrasts(study, values, "both right")


def _cells(study: Study, values: Values) -> Iterator[dict[str, Any]]:
    """Every network by itself; the untrained are controls."""
    estimates = means_over_images(values.values, values.often)
    for cell, estimate in zip(values.cells, estimates, strict=True):
        where = {"architecture": cell.architecture, "alpha": cell.alpha, "seed": "" if cell.seed is None else cell.seed}
        if values.keys.control:
            if cell.own_name:
                yield _row("control", values.keys, estimate, {**where, "cell": cell.name})
        elif cell.untrained:
            yield _row("control", values.keys, estimate, {**where, "control": "random network"})
        else:
            yield _row("cell", values.keys, estimate, {**where, "cell": cell.name})


def _groups(study: Study, values: Values, kind: str, subset: str = "all") -> Iterator[dict[str, Any]]:
    teacher, students = study.teacher, study.config.students
    for architecture in students.architectures:
        for alpha in students.alphas:
            by_seed, kept = _students(study, values, architecture, alpha, subset)
            if not by_seed:
                continue
            estimate = over(list(by_seed.values()), values.often, kept=kept, alone=_alone(study))
            where = {"architecture": architecture, "alpha": alpha, "seed": "all", "subset": subset}
            yield _row(kind, values.keys, estimate, where)
            again = (architecture, alpha) == (teacher.architecture, teacher.alpha)
            if again and kind == "group" and subset == "all" and values.keys.measure != "accuracy":
                yield _row("control", values.keys, estimate, {**where, "control": "retrained teacher"})


def _students(
    study: Study, values: Values, architecture: str, alpha: float, subset: str = "all"
) -> tuple[dict[int, np.ndarray], int]:
    """Values by seed, less the teacher's own cell except for its accuracy, and how many images they keep."""
    chosen = values if subset == "all" else values.both_right()
    by_seed, right = chosen.of(architecture, alpha), replace(values, values=values.right).of(architecture, alpha)
    teacher = study.teacher
    if values.keys.measure != "accuracy" and (architecture, alpha) == (teacher.architecture, teacher.alpha):
        by_seed.pop(teacher.seed or 0, None)
    kept = sum(int(right[seed].sum()) if subset != "all" else len(right[seed]) for seed in by_seed)
    return by_seed, kept


def _differences(
    study: Study, values: Values, architecture: str, alpha: float, subset: str = "all"
) -> tuple[dict[int, np.ndarray], int]:
    """Distilled less undistilled by seed, and how many images they keep: a subset holds what both are right on."""
    if alpha == 1 or 1.0 not in study.config.students.alphas:
        return {}, 0
    distilled, _ = _students(study, values, architecture, alpha, subset)
    plain, _ = _students(study, values, architecture, 1.0, subset)
    found = {seed: distilled[seed] - plain[seed] for seed in distilled if seed in plain}
    right = replace(values, values=values.right)
    both = {s: right.of(architecture, alpha)[s] & right.of(architecture, 1.0)[s] for s in found}
    kept = sum(int(both[seed].sum()) if subset != "all" else len(both[seed]) for seed in found)
    return found, kept


def _contrasts(study: Study, values: Values, subset: str = "all") -> Iterator[dict[str, Any]]:
    if values.keys.measure == "win_rate":  # it is one already
        return
    where: dict[str, Any] = {"seed": "all", "control": "no distillation", "subset": subset}
    for architecture in study.config.students.architectures:
        for alpha in study.config.students.alphas:
            found, kept = _differences(study, values, architecture, alpha, subset)
            if found:
                estimate = over(list(found.values()), values.often, kept=kept, alone=_alone(study))
                yield _row("contrast", values.keys, estimate, {**where, "architecture": architecture, "alpha": alpha})
    alpha = min(study.config.students.alphas)
    each = {a: _differences(study, values, a, alpha, subset) for a in smaller(study)}
    each = {architecture: found for architecture, found in each.items() if found[0]}
    by_architecture = {architecture: list(found.values()) for architecture, (found, _) in each.items()}
    where |= {"alpha": alpha}
    left = {architecture: count for architecture, (_, count) in each.items()}
    for architecture, estimate in claimed(by_architecture, values.often, left, _alone(study)):
        yield _row("finding", values.keys, estimate, {**where, "architecture": architecture})


def _levels(study: Study, values: Values, subset: str = "all") -> Iterator[dict[str, Any]]:
    """Give the mean over the architectures of the claims at each α, and of their untrained networks."""
    where: dict[str, Any] = {"seed": "all", "subset": subset}
    for alpha in study.config.students.alphas:
        each = {name: _students(study, values, name, alpha, subset) for name in smaller(study)}
        each = {name: found for name, found in each.items() if found[0]}
        if each:
            estimate = together([list(found.values()) for found, _ in each.values()], values.often, _alone(study))
            total = sum(len(image) for found, _ in each.values() for image in found.values())
            unknown = sum(int(np.isnan(image).sum()) for found, _ in each.values() for image in found.values())
            skipped = unknown - (total - sum(kept for _, kept in each.values()))
            yield _row("mean", values.keys, estimate._replace(skipped=skipped), {**where, "alpha": alpha})
    untrained = [i for i, cell in enumerate(values.cells) if cell.untrained and cell.architecture in smaller(study)]
    if untrained and subset == "all" and not values.keys.control:
        estimate = together([[values.values[i]] for i in untrained], values.often, alone=True)
        # One draw of each: the images' interval would say nothing of another.
        known = int((~np.isnan(values.values[untrained])).any(1).sum())
        estimate = estimate._replace(low=np.nan, high=np.nan, n=known)
        yield _row("mean", values.keys, estimate, {**where, "control": "random network"})


def smaller(study: Study) -> list[str]:
    """Return the architectures that the claims are about: all but the teacher's."""
    return [a for a in study.config.students.architectures if a != study.config.teacher.architecture]


def claimed(
    differences: dict[str, list[np.ndarray]], often: np.ndarray, kept: dict[str, int], alone: bool
) -> Iterator[tuple[str, Estimate]]:
    """Estimate differences for each architecture by itself, Bonferroni over them, and "" for their mean.

    Parameters
    ----------
    differences : dict
        Architecture -> values of each seed's images, (N,) each.
    often, alone
        As `over`.
    kept : dict
        Architecture -> images of all seeds together that a subset leaves.
    """
    if not differences:
        return
    own = {name: over(d, often, 1 - 0.05 / len(differences), kept[name], alone) for name, d in differences.items()}
    yield from own.items()
    skipped = sum(estimate.skipped for estimate in own.values())
    yield "", together(list(differences.values()), often, alone)._replace(skipped=skipped)


def together(architectures: list[list[np.ndarray]], often: np.ndarray, alone: bool) -> Estimate:
    """Estimate the mean over architectures, each with the values of its seeds' images, (N,) each, of the same seeds.

    Every architecture counts alike, however few of its images a subset leaves.
    """
    by_seed = [np.stack(per) for per in zip(*architectures, strict=True)]
    if len(by_seed) == 1 and alone:
        samples = bootstrap_means(by_seed[0], often).mean(0)
        value, count = float(known_mean(by_seed[0], 1).mean()), int((~np.isnan(by_seed[0])).any(0).sum())
        return Estimate(value, *interval(samples), count, 0)
    return mean_over_seeds(np.array([known_mean(values, 1).mean() for values in by_seed]))


def _alone(study: Study) -> bool:
    return len(study.config.students.seeds) == 1


def _questions(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
    """Ask whether distillation moves both methods alike: its effect on one less its effect on the other."""
    alpha = min(study.config.students.alphas)
    for keys, values in found.items():
        other = found.get(keys._replace(method=COMPARED[1]))
        if keys.method != COMPARED[0] or keys.control or other is None or keys.measure == "win_rate":
            continue
        each = {}
        for architecture in smaller(study):
            one, two = (_differences(study, v, architecture, alpha)[0] for v in (values, other))
            if one:
                each[architecture] = [one[seed] - two[seed] for seed in one]
        where = {"alpha": alpha, "seed": "all", "control": "no distillation", "method": "~".join(COMPARED)}
        every = {architecture: sum(len(values) for values in seeds) for architecture, seeds in each.items()}
        for architecture, estimate in claimed(each, values.often, every, _alone(study)):
            yield _row("question", keys, estimate, {**where, "architecture": architecture})


def _normalised(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
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
                    yield _row("normalised", keys, estimate, where)
            estimate = normalised_alignment(*np.mean(of_all, axis=0)) if of_all else None
            if estimate is not None:
                yield _row("mean", keys, estimate, {"alpha": alpha, "seed": "all", "control": "normalised"})


def _means(study: Study, values: Values, architecture: str, alpha: float) -> dict[int, float]:
    by_seed, _ = _students(study, values, architecture, alpha)
    return {seed: float(known_mean(each)) for seed, each in by_seed.items()}


def _spreads(study: Study, found: dict[Keys, Values]) -> Iterator[dict[str, Any]]:
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
                yield _row("quantile", keys, estimate, {**where, "control": f"p{q}"})


def _parts(study: Study) -> list[dict[str, Any]]:
    """Which share of its looking each part receives, over seeds; the teacher's with an interval over images."""
    tables: dict[tuple[str, float | None], list[tuple[Cell, pd.DataFrame]]] = {}
    for cell in grid(study.config):
        key: tuple[str, float | None] = ("", None) if cell == study.teacher else (cell.architecture, cell.alpha)
        tables.setdefault(key, []).append((cell, study.parts(cell).set_index(["method", "part"])))
    rows = []
    for (architecture, alpha), cells in tables.items():
        where: dict[str, Any] = {"architecture": architecture, "alpha": alpha, "seed": "all"}
        if not architecture:
            teacher = cells[0][0]
            where = {"cell": teacher.name, "architecture": teacher.architecture, "alpha": 1.0, "seed": teacher.seed}
        for method, part in cells[0][1].index:
            one = [table.loc[(method, part)] for _, table in cells if (method, part) in table.index]
            if len(one) == 1:
                half = 1.96 * one[0]["error"]
                estimate = Estimate(one[0]["mean"], one[0]["mean"] - half, one[0]["mean"] + half, int(one[0]["n"]), 0)
            else:
                estimate = mean_over_seeds(np.array([each["mean"] for each in one]))
            rows.append(_row("part", Keys("part_share", str(method)), estimate, {**where, "subset": str(part)}))
    return rows
