"""How far one map may be trusted: what is asked of it; `core.trust.run` asks, with torch."""

from core.trust.checks import CHECKS, FAULTS, LEVELS, RANDOM, SHARES, STEPS, Check, Level, Trust, areas, badge

__all__ = ["CHECKS", "FAULTS", "LEVELS", "RANDOM", "SHARES", "STEPS", "Check", "Level", "Trust", "areas", "badge"]
