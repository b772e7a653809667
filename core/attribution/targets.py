"""Which class is explained."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from core.errors import unknown

Policy: TypeAlias = Literal["teacher", "label", "own"]


def pick_targets(policy: Policy, labels: np.ndarray, teacher_logits: np.ndarray, own_logits: np.ndarray) -> np.ndarray:
    """Choose the class to explain on every image.

    Parameters
    ----------
    policy : "teacher", "label" or "own"
        The teacher's top class, the annotated class, or the explained network's own top class.
    labels : ndarray
        (N,) int.
    teacher_logits, own_logits : ndarray
        (N, classes).

    Returns
    -------
    ndarray
        (N,) int64.

    Raises
    ------
    UserError
        There is no such policy.
    """
    choices: dict[str, Callable[[], np.ndarray]] = {
        "teacher": lambda: np.argmax(teacher_logits, axis=1),
        "label": lambda: np.asarray(labels),
        "own": lambda: np.argmax(own_logits, axis=1),
    }
    if policy not in choices:
        raise unknown("target", policy, choices)
    return choices[policy]().astype(np.int64)
