"""Which values an estimate is made of: the students of an architecture and α, and what distillation changed in them."""

from dataclasses import replace

import numpy as np

from core.study import Study
from core.values import Values


def smaller(study: Study) -> list[str]:
    """Return the architectures that the claims are about: all but the teacher's."""
    return [a for a in study.config.students.architectures if a != study.config.teacher.architecture]


def trained_once(study: Study) -> bool:
    """Whether the study has one seed, so that nothing but its images gives an interval."""
    return len(study.config.students.seeds) == 1


def of_students(
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


def differences(
    study: Study, values: Values, architecture: str, alpha: float, subset: str = "all", less: float = 1.0
) -> tuple[dict[int, np.ndarray], int]:
    """Students at an α less those at another, undistilled by default, by seed, and how many images they keep.

    A subset holds what both are right on.
    """
    if alpha == less or less not in study.config.students.alphas:
        return {}, 0
    distilled, _ = of_students(study, values, architecture, alpha, subset)
    plain, _ = of_students(study, values, architecture, less, subset)
    found = {seed: distilled[seed] - plain[seed] for seed in distilled if seed in plain}
    right = replace(values, values=values.right)
    both = {s: right.of(architecture, alpha)[s] & right.of(architecture, less)[s] for s in found}
    kept = sum(int(both[seed].sum()) if subset != "all" else len(both[seed]) for seed in found)
    return found, kept
