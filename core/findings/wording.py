"""Numbers and networks in words."""

from typing import Any

import pandas as pd

from core.config import Config

# From small to large.
NAMES = {"resnet18": "ResNet18", "resnet34": "ResNet34", "resnet50": "ResNet50", "resnet101": "ResNet101"}
LIMIT = " These networks only: each was trained once."
"""What a study of one seed can speak of: training again may move a number further than distillation does."""


def nice_name(architecture: str) -> str:
    """Return an architecture's name as people write it."""
    return NAMES.get(architecture, architecture)


def students_named(config: Config) -> str:
    """Return what the claims are about: the students of other architectures than the teacher's."""
    sizes = list(NAMES)
    others = {*config.students.architectures} - {config.teacher.architecture}
    known = {config.teacher.architecture, *others} <= set(sizes)
    if known and all(sizes.index(name) < sizes.index(config.teacher.architecture) for name in others):
        return "students smaller than the teacher"
    return "students of the other architectures"


def span(row: Any, scale: float, digits: int, name: str = "95 % interval") -> str:
    """Return "95 % interval +0.1 to +0.2"."""
    return f"{name} {between(row.low * scale, row.high * scale, digits)}"


def between(low: float, high: float, digits: int) -> str:
    """Return the ends of an interval of a difference."""
    return "unknown" if pd.isna(low) or pd.isna(high) else f"{signed(low, digits)} to {signed(high, digits)}"


def signed(value: float, digits: int) -> str:
    """Write a difference with its sign, a true minus; one that rounds to nothing has none."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def level(value: float, share: bool) -> str:
    """Write a measure: 71.2% of a share, .71 as 0.71 of anything else."""
    return (f"{value:.1%}" if share else f"{value:.2f}").replace("-", "−")


def with_interval(row: Any, share: bool) -> str:
    """Write a measure with the ends of its interval."""
    if pd.isna(row.low):
        return level(row.estimate, share)
    return f"{level(row.estimate, share)} [{level(row.low, share)}, {level(row.high, share)}]"


def listed(words: list[str]) -> str:
    """Join words as a sentence does."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
