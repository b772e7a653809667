"""What can be asked of networks while somebody waits."""

from dataclasses import dataclass
from typing import get_args

from core.config import Baseline, Score
from core.errors import UserError, unknown


@dataclass(frozen=True)
class Ask:
    """How an image is to be explained.

    Raises
    ------
    UserError
        There is no such score or baseline, or the tolerance is not between 0 and 1.
    """

    target: str = "teacher"
    """"teacher": the teacher's top class, for all. "own": each network's own. "label": the image's. Or a class."""
    score: Score = "logit"
    baseline: Baseline = "mean"
    tolerance: float = 0.1
    """Integrated gradients are refined until the map's level difference d is under it."""

    def __post_init__(self) -> None:
        for kind, name, known in (("score", self.score, Score), ("baseline", self.baseline, Baseline)):
            if name not in get_args(known):
                raise unknown(kind, name, get_args(known))
        if not 0 <= self.tolerance <= 1:
            raise UserError(f"A tolerance is a number from 0 to 1, not {self.tolerance}.")
