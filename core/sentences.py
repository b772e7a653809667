"""What a page and a report both say of a study, in plain words."""

import math
from typing import Any

import pandas as pd

from core.config import Config
from core.figures.encoding import FORMATS
from core.findings import nice_name
from core.measures import MEASURES
from core.methods import METHODS
from core.study import Study

METHOD_LABELS = {name: method.label for name, method in METHODS.items()}

QUESTION = (
    "When a small network (the student) learns from a large one (the teacher): does it also learn to look where the "
    "teacher looks?"
)
ANSWERS = {
    "supported": "Yes, on average: compared with students that learn alone, distilled students look more at the parts "
    "that matter most to their teacher, and rank all the parts more like it.",
    "contradicted": "No, on average: compared with students that learn alone, distilled students look less at the "
    "parts that matter most to their teacher, and rank all the parts less like it.",
    "not settled": "This study cannot tell whether, compared with students that learn alone, distilled students look "
    "more at the parts that matter most to their teacher, or rank all the parts more like it.",
}
"""To the question. Where part focus and rank alignment say the same."""
LOOKS = {
    "supported": "distilled students look more at the parts that matter most to their teacher",
    "contradicted": "distilled students look less at the parts that matter most to their teacher",
    "not settled": "it is not settled whether distilled students look more at the parts that matter most to their "
    "teacher",
}
RANKS = {
    "supported": "they rank all the parts more like it",
    "contradicted": "they rank all the parts less like it",
    "not settled": "it is not settled whether they rank all the parts more like it",
}
"""The same where the two differ."""
NO_ANSWER = (
    "This study cannot say whether a student learns to look where its teacher looks: that takes students of another "
    "architecture than the teacher's, distilled and undistilled, explained by integrated gradients."
)
POSTER_CAPTION = (
    "Hollow marks: the poster's Figure 4, of other networks on other images. Compare directions, not heights."
)
ASSOCIATION_CAPTION = (
    "ρ is Spearman's rank correlation of logit alignment and rank alignment: 1 they rise together, 0 no relation. "
    "Accuracy held fixed: what is left when more accurate students, or images that are answered rightly, explain it."
)


def method_label(method: str) -> str:
    """Return a method's name as people write it."""
    return METHOD_LABELS.get(method, method)


def citation(study: Study) -> str:
    """Return a BibTeX entry that names a study and what it was made with."""
    made = study.provenance
    year = str(made.get("started", ""))[:4]
    lines = [
        "@misc{where-models-look,",
        "  title = {Where Models Look: do distilled students look where their teacher looks?},",
        *([f"  year  = {{{year}}},"] if year else []),
        f"  note  = {{Study '{study.name}', commit {made.get('commit', 'unknown')}}},",
        "}",
    ]
    return "\n".join(lines)


def article(noun: str) -> str:
    """Return "a" or "an", whichever goes before a noun."""
    return "an" if noun[0] in "aeiou" else "a"


def answer(looks: str | None, ranks: str | None, once: bool) -> str:
    """Answer the study's question in one sentence, from the verdicts on part focus and rank alignment.

    `once` says that each network was trained once, so that the answer is of these very networks.
    """
    if looks is None or ranks is None:
        return NO_ANSWER
    here = ", in these networks" if once else ""
    if looks == ranks:
        return ANSWERS[looks].replace(":", f"{here}:", 1)
    partly = "supported" in (looks, ranks)
    start, joined = ("Partly", "but") if partly else ("No", "and")
    return f"{start}{here}: compared with students that learn alone, {LOOKS[looks]}, {joined} {RANKS[ranks]}."


def about_intervals(study: Study) -> str:
    """Return what the intervals of a study's charts stand for."""
    seeds = len(study.config.students.seeds)
    if seeds == 1:
        return (
            "The lines are 95 % intervals from redrawing the test images; one that is shorter than its mark is hidden "
            "by it. Each network was trained once, so they speak of these networks only: training again could move the "
            "points further than the lines reach."
        )
    return (
        f"Each point is the mean of {seeds} trainings from different random starts (of the teacher's own network one "
        "fewer, as the first is the teacher); the lines are 95 % intervals over those trainings (Student's t), and one "
        "that is shorter than its mark is hidden by it (where all trainings gave the same number there is none). "
        "There is one teacher, one set of classes and one set of test images."
    )


def levels(table: pd.DataFrame, measure: str, chance: float | None = None, instead: str = "") -> str:
    """Say in one sentence how high a measure is without distillation and with the strongest, over the students shown.

    Parameters
    ----------
    table : DataFrame
        `core.figures.tables.estimates`.
    measure : str
        A key of `MEASURES`.
    chance : float
        What it would be by chance.
    instead : str
        The sentence where nothing can be compared.
    """
    form = FORMATS.get(measure, ".2f")
    rows = list(zip(*(table[name] for name in ("role", "network", "alpha", "estimate")), strict=True))
    # Of a study of one seed the teacher stands among the students where accuracy is shown.
    left = {(name, alpha) for role, name, alpha, _ in rows if role == "teacher"} if (table["seeds"] == 1).all() else ()
    found = {
        (name, alpha): value
        for role, name, alpha, value in rows
        if role == "student" and (name, alpha) not in left and not math.isnan(value)
    }
    alphas = sorted({alpha for _, alpha in found}, reverse=True)
    whole = [name for name in dict.fromkeys(name for name, _ in found) if all((name, a) in found for a in alphas)]
    if not whole:
        return instead
    high, low = (sum(found[name, alpha] for name in whole) / len(whole) for alpha in (alphas[0], alphas[-1]))
    about = f"{MEASURES[measure].label.lower()} of {high:{form}} {_learnt(alphas[0])}"
    if len(alphas) > 1:
        about += f" and {low:{form}} {_learnt(alphas[-1])}"
    beside = "" if chance is None or math.isnan(chance) else f"; by chance it would be {chance:{form}}"
    return f"On average the students shown reach {article(about)} {about}{beside}."


def _learnt(alpha: Any) -> str:
    return "when they learn alone (α = 1.0)" if alpha == 1 else f"when distilled at α = {alpha}"


def teacher_note(config: Config) -> str:
    """Say why one network has no mark where students are compared with the teacher."""
    name = nice_name(config.teacher.architecture)
    if config.teacher.architecture not in config.students.architectures:
        return ""
    if len(config.students.seeds) > 1:
        return f"{name} at α = 1.0 is the teacher's own network trained anew: what repeating the training would give."
    return f"{name} at α = 1.0 is the teacher itself, so it has no mark."
