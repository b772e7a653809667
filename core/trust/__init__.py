"""How far one map may be trusted."""

from core.trust.checks import CHECKS, FAULTS, LEVELS, RANDOM, SHARES, STEPS, Check, Level, Trust, areas, badge
from core.trust.run import correlation, curves, order, randomisation, trust

__all__ = [
    "CHECKS",
    "FAULTS",
    "LEVELS",
    "RANDOM",
    "SHARES",
    "STEPS",
    "Check",
    "Level",
    "Trust",
    "areas",
    "badge",
    "correlation",
    "curves",
    "order",
    "randomisation",
    "trust",
]
