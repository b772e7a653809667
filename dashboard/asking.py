"""How the maps are to be made: which class, which score of it, from which baseline."""

import streamlit as st

from core.ask import Ask
from core.study import Study
from dashboard.widgets import choose

TARGETS = {"teacher": "The teacher's answer", "label": "The right answer", "own": "Each network's own"}
SCORES = {"logit": "Score (logit)", "log_softmax": "Log-probability", "probability": "Probability"}
BASELINES = {"mean": "The data's mean colour", "black": "Black", "blurred": "The image, blurred"}
FROM = {"mean": "an image of the data's mean colour", "black": "a black image", "blurred": "the same image, blurred"}
"""A baseline in a sentence."""


def asked(study: Study, labelled: bool) -> Ask:
    """Draw the three choices in a popover, the study's own at first, and return what is asked.

    Parameters
    ----------
    study : Study
    labelled : bool
        Whether the right answer is known.
    """
    own = study.config.explain
    targets = list(TARGETS) if labelled else ["teacher", "own"]
    usual = own.target if own.target in targets else "teacher"
    with st.popover("How the maps are made"):
        target = choose("target", "Which class is explained", targets, usual, TARGETS.__getitem__)
        score = choose("score", "What of it", list(SCORES), own.score, SCORES.__getitem__, help=SCORE_HELP)
        baseline = choose("baseline", "Where the path begins", list(BASELINES), own.baseline, BASELINES.__getitem__)
        st.caption(BASELINE_HELP)
    return Ask(target=target, score=score, baseline=baseline)  # type: ignore[arg-type]


def usual(study: Study, ask: Ask, method: str) -> bool:
    """Return whether the study's own maps were made as asked, by this method: then nothing is to be computed."""
    own = study.config.explain
    as_made = (ask.target, ask.score, ask.baseline) == (own.target, own.score, own.baseline)
    return as_made and method in own.methods


SCORE_HELP = (
    "The logit is the network's own evidence for the class. The log-probability and the probability also depend on "
    "what speaks for the other classes."
)
BASELINE_HELP = (
    "Integrated gradients follow the score from this baseline to the image. What looks like the baseline gets no "
    "relevance: black parts from black, smooth ones from blurred. Saliency has no baseline."
)
