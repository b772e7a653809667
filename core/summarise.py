"""Every number that is shown, with its interval: the per-image measures of a study, gathered into summary.parquet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from core.cells import Cell, grid
from core.estimates import (
    Estimate,
    bootstrap_means,
    interval,
    known_mean,
    mean_over_images,
    mean_over_seeds,
    partial_spearman,
    resamples,
    spearman,
)
from core.study import Study

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
"""Of summary.parquet. `kind` is cell, control (a cell's, by chance), group (mean over seeds), contrast (less α = 1.0 of
the same architecture and seed), finding (a contrast of the primary analysis; architecture "" over the smaller students)
or association (between two measures). Text is "" where it does not apply."""

CONTROLS = ("shuffled", "area")
PRIMARY = {
    "accuracy": ("", "", ""),
    "rank_alignment": ("integrated_gradients", "density", ""),
    "focus": ("integrated_gradients", "density", "parts"),
}
"""Method, importance and outside of the one analysis that a claim is judged by (MEASURES.md, "Estimates")."""

Keys = tuple[str, str, str, str]
"""Measure, method, importance, outside."""


@dataclass(frozen=True)
class Values:
    """All cells' per-image values of one measure: `values` (cells, N) beside `cells` and the images' classes."""

    keys: Keys
    cells: list[Cell]
    images: np.ndarray
    values: np.ndarray
    drawn: np.ndarray

    def of(self, architecture: str, alpha: float) -> dict[int, np.ndarray]:
        """Return seed -> (N,) of one architecture and α."""
        return {
            cell.seed: values
            for cell, values in zip(self.cells, self.values, strict=True)
            if (cell.architecture, cell.alpha) == (architecture, alpha) and cell.seed is not None
        }


def summarise(study: Study) -> pd.DataFrame:
    """Gather a study's measures into one row a number (`COLUMNS`).

    Where a study has several seeds an interval over them is Student's t; with one seed it is a bootstrap over images,
    stratified by class, and speaks of these very networks only. The teacher's own cell is in no estimate of alignment.
    """
    rows = list(_rows(study))
    table = pd.DataFrame(rows, columns=COLUMNS)
    text = ["kind", "cell", "architecture", "seed", "method", "measure", "importance", "outside", "subset", "control"]
    table[text] = table[text].fillna("").astype(str)
    return table.astype({"alpha": float, "n": int, "skipped": int})


def load_values(study: Study) -> dict[Keys, Values]:
    """Return every measure's values over cells and images."""
    tables = {cell: study.measures(cell) for cell in study.cells}
    keys = ["measure", "method", "importance", "outside"]
    labels = study.images().set_index("id")["label"]
    found: dict[Keys, Values] = {}
    drawn: dict[bytes, np.ndarray] = {}
    grouped = {cell: dict(iter(t.groupby(keys, observed=True))) for cell, t in tables.items()}
    for name_of, first in grouped[study.teacher].items():
        measure, method, importance, outside = (str(part) for part in cast(tuple[Any, ...], name_of))
        key: Keys = (measure, method, importance, outside)
        images = first["image"].to_numpy()
        name = images.tobytes()
        if name not in drawn:
            drawn[name] = resamples(labels.loc[images].to_numpy())
        values = np.stack([grouped[cell][key]["value"].to_numpy(float) for cell in tables])
        found[key] = Values(key, list(tables), images, values, drawn[name])
    return found


def _row(kind: str, keys: Keys, estimate: Estimate, **more: Any) -> dict[str, Any]:
    measure, method, importance, outside = keys
    control = more.pop("control", "")
    for name in CONTROLS:
        if measure.endswith(f"_{name}"):
            kind, measure, control = "control", measure.removesuffix(f"_{name}"), name
    value, low, high, n, skipped = estimate
    return {
        "kind": kind,
        "measure": measure,
        "method": method,
        "importance": importance,
        "outside": outside,
        "subset": "all",
        "control": control,
        "estimate": value,
        "low": low,
        "high": high,
        "n": n,
        "skipped": skipped,
        **more,
    }


def _over(seeds: list[np.ndarray], drawn: np.ndarray, level: float = 0.95) -> Estimate:
    """Estimate over seeds where there are several, over images where there is one."""
    if len(seeds) == 1:
        return mean_over_images(seeds[0], drawn, level)
    means = np.array([known_mean(v) for v in seeds])
    skipped = int(sum(np.isnan(v).sum() for v in seeds))
    return mean_over_seeds(means, level)._replace(skipped=skipped)


def _rows(study: Study) -> Iterator[dict[str, Any]]:
    found = load_values(study)
    students = study.config.students
    for key, all_values in found.items():
        control = key[0].endswith(CONTROLS)
        for cell, values in zip(all_values.cells, all_values.values, strict=True):
            yield _row(
                "cell",
                key,
                mean_over_images(values, all_values.drawn),
                cell=cell.name,
                architecture=cell.architecture,
                alpha=cell.alpha,
                seed="" if cell.seed is None else str(cell.seed),
            )
        for architecture in students.architectures:
            for alpha in students.alphas:
                by_seed = _students(study, all_values, architecture, alpha)
                if by_seed and not control:
                    where = {"architecture": architecture, "alpha": alpha, "seed": "all"}
                    yield _row("group", key, _over(list(by_seed.values()), all_values.drawn), **where)
                    differences = _differences(study, all_values, architecture, alpha)
                    if differences:
                        estimate = _over(differences, all_values.drawn)
                        yield _row("contrast", key, estimate, **where, control="no distillation")
    for measure, primary in PRIMARY.items():
        if (measure, *primary) in found:
            yield from _claim(study, found[(measure, *primary)])
    for method in study.config.explain.methods:
        for importance in ("density", "mass"):
            yield from _associations(study, found, method, importance)


def _students(study: Study, values: Values, architecture: str, alpha: float) -> dict[int, np.ndarray]:
    """Values by seed, less the teacher's own cell except for its accuracy."""
    by_seed = values.of(architecture, alpha)
    teacher = study.teacher
    if values.keys[0] != "accuracy" and (architecture, alpha) == (teacher.architecture, teacher.alpha):
        by_seed.pop(teacher.seed or 0, None)
    return by_seed


def _differences(study: Study, values: Values, architecture: str, alpha: float) -> list[np.ndarray]:
    if alpha == 1:
        return []
    distilled = _students(study, values, architecture, alpha)
    plain = _students(study, values, architecture, 1.0)
    return [distilled[seed] - plain[seed] for seed in distilled if seed in plain]


def _claim(study: Study, values: Values) -> Iterator[dict[str, Any]]:
    """Give the strongest distillation less none: each smaller student, Bonferroni over them, and all together."""
    alpha = min(study.config.students.alphas)
    smaller = [a for a in study.config.students.architectures if a != study.config.teacher.architecture]
    differences = {a: _differences(study, values, a, alpha) for a in smaller}
    differences = {a: d for a, d in differences.items() if d}
    if not differences:
        return
    where = {"alpha": alpha, "seed": "all", "control": "no distillation"}
    for architecture, each in differences.items():
        estimate = _over(each, values.drawn, 1 - 0.05 / len(differences))
        yield _row("finding", values.keys, estimate, architecture=architecture, **where)
    together = [known_mean(np.stack(per), 0) for per in zip(*differences.values(), strict=True)]
    yield _row("finding", values.keys, _over(together, values.drawn), architecture="", **where)


def _associations(study: Study, found: dict[Keys, Values], method: str, importance: str) -> Iterator[dict[str, Any]]:
    """Ask whether outputs and explanations move together: across cells, and across the images of a cell."""
    logit, accuracy = found[("logit_alignment", "", "", "")], found[("accuracy", "", "", "")]
    rank = found[("rank_alignment", method, importance, "")]
    students = [i for i, cell in enumerate(rank.cells) if cell in set(grid(study.config)) and cell != study.teacher]
    if not students:
        return
    keys = ("logit_alignment~rank_alignment", method, importance, "")
    pools = [np.stack([bootstrap_means(v.values[i], v.drawn) for i in students], 1) for v in (logit, rank, accuracy)]
    plain = [np.array([[known_mean(v.values[i]) for i in students]]) for v in (logit, rank, accuracy)]
    count = len(students)
    for control, statistic in (("", lambda x, y, z: spearman(x, y)), ("accuracy", partial_spearman)):
        value = float(statistic(*plain)[0])
        estimate = Estimate(value, *interval(statistic(*pools)), count, 0)
        yield _row("association", keys, estimate, subset="cells", control=control)

    rows = np.searchsorted(logit.images, rank.images)
    each: list[tuple[np.ndarray, np.ndarray]] = []
    for i in students:
        x, y, z = logit.values[i][rows], rank.values[i], accuracy.values[i][rows]
        every = np.vstack([np.arange(len(rows))[None], rank.drawn])
        each.append((spearman(x[every], y[every]), partial_spearman(x[every], y[every], z[every])))
    for control, which in (("", 0), ("accuracy", 1)):
        over_cells = known_mean(np.stack([pair[which] for pair in each]), 0)
        estimate = Estimate(float(over_cells[0]), *interval(over_cells[1:]), len(rows), 0)
        yield _row("association", keys, estimate, subset="images", control=control)
