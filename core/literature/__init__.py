"""What others found, to stand beside a study's own numbers: other networks on other images, so directions only."""

from core.literature.beside import agreement, directions, findings_beside, poster_logits, win_rates
from core.literature.published import (
    ELSEWHERE,
    NO_WIN_RATE,
    OJHA,
    OTHERS,
    POSTER,
    POSTER_FINDINGS,
    POSTER_LOGIT_ALIGNMENT,
    Published,
    Reference,
    Value,
    everything,
)

__all__ = [
    "ELSEWHERE",
    "NO_WIN_RATE",
    "OJHA",
    "OTHERS",
    "POSTER",
    "POSTER_FINDINGS",
    "POSTER_LOGIT_ALIGNMENT",
    "Published",
    "Reference",
    "Value",
    "agreement",
    "directions",
    "everything",
    "findings_beside",
    "poster_logits",
    "win_rates",
]
