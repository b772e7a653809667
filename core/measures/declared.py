"""The measures by name, with what a page and a report need to know of each."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Measure:
    """What a page and a report need to know of a measure."""

    name: str
    label: str
    sentence: str
    range: tuple[float, float]
    higher_is: Literal["better", "closer", "further", "neither"]
    """Closer: to the teacher."""
    poster_figure: int | None
    chance: float | None = None
    """What it is by chance, where that needs no control to find out."""


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            name="accuracy",
            label="Accuracy",
            sentence="Share of the test images on which the network's first choice is the annotated class.",
            range=(0.0, 1.0),
            higher_is="better",
            poster_figure=1,
        ),
        Measure(
            name="rank_alignment",
            label="Rank alignment",
            sentence="Do student and teacher order the parts of an image alike, from most to least important? "
            "1 the same order, 0 no relation, −1 the reverse (Spearman's ρ).",
            range=(-1.0, 1.0),
            higher_is="closer",
            poster_figure=2,
        ),
        Measure(
            name="focus",
            label="Focus",
            sentence="Share of what the student looks at that lies on the parts most important to the teacher.",
            range=(0.0, 1.0),
            higher_is="neither",
            poster_figure=None,
        ),
        Measure(
            name="focus_ratio",
            label="Focus ratio",
            sentence="What the student looks at on the teacher's most important parts, divided by all the rest it "
            "looks at. A few images rule its mean, so it is here for comparison with the poster; prefer focus.",
            range=(0.0, np.inf),
            higher_is="neither",
            poster_figure=3,
        ),
        Measure(
            name="enrichment",
            label="Enrichment",
            sentence="Focus beside what the size of those parts alone would give: 1 is looking everywhere alike, "
            "2 is looking twice as hard at the teacher's most important parts.",
            range=(0.0, np.inf),
            higher_is="neither",
            poster_figure=None,
        ),
        Measure(
            name="logit_alignment",
            label="Logit alignment",
            sentence="Do student and teacher order all the classes alike, from most to least likely? "
            "1 the same order, 0 no relation, −1 the reverse (Spearman's ρ).",
            range=(-1.0, 1.0),
            higher_is="closer",
            poster_figure=4,
        ),
        Measure(
            name="map_similarity",
            label="Map similarity",
            sentence="Do student and teacher look at the same pixels? 1 the same map, 0 nothing in common "
            "(cosine of the two maps).",
            range=(0.0, 1.0),
            higher_is="closer",
            poster_figure=None,
        ),
        Measure(
            name="win_rate",
            label="Win rate",
            sentence="Share of the images on which the distilled student's map is nearer the teacher's than the map "
            "of the same network trained without distillation.",
            range=(0.0, 1.0),
            higher_is="closer",
            poster_figure=None,
            chance=0.5,
        ),
        Measure(
            name="top1_agreement",
            label="Top-1 agreement",
            sentence="Share of the images on which student and teacher choose the same class, right or wrong.",
            range=(0.0, 1.0),
            higher_is="closer",
            poster_figure=None,
        ),
        Measure(
            name="top5_agreement",
            label="Top-5 agreement",
            sentence="How many of the teacher's five likeliest classes are among the student's five likeliest, as a "
            "share.",
            range=(0.0, 1.0),
            higher_is="closer",
            poster_figure=None,
        ),
        Measure(
            name="kl",
            label="Divergence",
            sentence="How far the student's probabilities are from the teacher's: 0 the same, and the more the "
            "further (Kullback–Leibler divergence of student from teacher, in nats).",
            range=(0.0, np.inf),
            higher_is="further",
            poster_figure=None,
        ),
    )
}
