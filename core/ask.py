"""What can be asked of networks while somebody waits."""

from dataclasses import dataclass

from core.config import Baseline, Score


@dataclass(frozen=True)
class Ask:
    """How an image is to be explained."""

    target: str = "teacher"
    """"teacher": the teacher's top class, for all. "own": each network's own. "label": the image's. Or a class."""
    score: Score = "logit"
    baseline: Baseline = "mean"
    tolerance: float = 0.1
    """Integrated gradients are refined until the map's level difference d is under it."""
