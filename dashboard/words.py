"""Short texts that more than one page uses, and the poster's own numbers."""

from typing import Literal

from core.study import Study

METHOD_LABELS = {
    "saliency": "Saliency",
    "integrated_gradients": "Integrated gradients",
    "captum": "Integrated gradients by Captum",
}
"""As `core.attribution.METHODS` has them (a test compares); that file needs torch, which a chart does not."""

FROM_A_BASELINE = ("integrated_gradients", "captum")
"""The methods whose path begins at one."""

ARCHITECTURES_HELP = "Every student is one of these networks; imported ones have a name of their own."
ALPHA_HELP = (
    "How a student learns: α = 1.0 from the labels alone (no distillation), lower values increasingly from what the "
    "teacher says about each image."
)
METHOD_HELP = (
    "How we find where a network looks. Saliency: how strongly its answer reacts to a tiny change of each pixel. "
    "Integrated gradients: how much each pixel adds to its answer, compared with an image of one mean colour; "
    "the findings are judged by this one."
)
METHOD_NOTES = {
    "training": "The method changes nothing here: accuracy has none.",
    "logit": "The method counts only in the second half of this page: outputs have none.",
}
"""Of pages on which the method changes less than one might think."""

IMPORTANCE = {"density": "Per pixel", "mass": "In total"}
IMPORTANCE_HELP = (
    "How important a part is. Per pixel (density): how hard the network looks at it, whatever its size. "
    "In total (mass, the poster's choice): all the looking it receives, so large parts tend to come first."
)
OUTSIDE = {"parts": "The object", "image": "The whole image"}
OUTSIDE_HELP = (
    "The object: of the looking that lands on any part. The whole image: of all looking; "
    "this also rises when a student merely looks more at the object and less at the background."
)
QUESTION = (
    "When a small network (the student) learns from a large one (the teacher): does it also learn to look where the "
    "teacher looks?"
)
ANSWERS = {
    "supported": "Yes: compared with students that learn alone, distilled students look more at the parts that matter "
    "most to their teacher, and rank all the parts more like it.",
    "contradicted": "No: compared with students that learn alone, distilled students look less at the parts that "
    "matter most to their teacher, and rank all the parts less like it.",
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
    "architecture than the teacher's, explained by integrated gradients."
)
STRIP_CAPTION = (
    "{method} of one test image: the brighter, the more it counts for the answer. The image was not picked by eye: "
    "on half of the images distillation raised the agreement with the teacher more, on half less or lowered it."
)
HOW_TO_READ = (
    "Rank alignment: do student and teacher put the parts of an image in the same order, the most important first? "
    "1 always, 0 no relation."
)
ABOUT = (
    "Distillation trains a small network (the student) to answer like a large one (the teacher). A student may give "
    "the teacher's answers for reasons of its own. This dashboard finds where each network looks on an image, measures "
    "how much of that lands on each part, such as a bird's beak or wing, and compares student and teacher, "
    "for several sizes of student and several mixtures α of learning from labels and from the teacher."
)
CITE = "Please cite the study by its name and settings, so that others can run it again:"

OUTSIDE_SENTENCE = {
    "parts": "the share of what lands on the object's visible parts.",
    "image": "the share of what lands anywhere in the image.",
}
FOCUS = {"focus": "Share", "enrichment": "Enrichment", "focus_ratio": "Ratio"}
FOCUS_HELP = (
    "Share: of what the student looks at, how much lies on the teacher's most important parts. Enrichment: that share, "
    "divided by the parts' share of the area. Ratio (the poster's choice): that share, divided by the rest."
)
CONTROLS = (
    "**What it is compared with.** *By chance*: the student beside the teacher's map of another image; a habit that "
    "both share on any image, such as looking at the middle, reaches as far. *By part size alone*: the parts ranked by "
    "their size, beside the teacher's ranking."
)

EXPLORATORY_HELP = (
    "One analysis was fixed beforehand and judges the findings: integrated gradients, importance per pixel, focus "
    "within the object. Anything else may be looked at, but proves nothing."
)

POSTER_LOGIT_ALIGNMENT = {
    1.0: {"resnet101": 1.00, "resnet50": 0.52, "resnet34": 0.28, "resnet18": 0.26},
    0.5: {"resnet101": 0.76, "resnet50": 0.70, "resnet34": 0.48, "resnet18": 0.38},
    0.1: {"resnet101": 0.81, "resnet50": 0.76, "resnet34": 0.56, "resnet18": 0.50},
}
"""The poster's Figure 4, the only numbers that it prints."""

Colour = Literal["green", "red", "gray"]

POSTER_CAPTION = (
    "Hollow marks: the poster's Figure 4, of other networks on other images. Compare directions, not heights."
)
ASSOCIATION_CAPTION = (
    "ρ is Spearman's rank correlation of logit alignment and rank alignment: 1 they rise together, 0 no relation. "
    "Accuracy held fixed: what is left when more accurate students, or images that are answered rightly, explain it."
)

VERDICTS: dict[str, tuple[str, Colour]] = {
    "supported": ("✓ Supported", "green"),
    "contradicted": ("✗ Contradicted", "red"),
    "not settled": ("? Not settled", "gray"),
}
"""A verdict in words with its sign, never by colour alone."""


def method_label(method: str) -> str:
    """Return a method's name as people write it."""
    return METHOD_LABELS.get(method, method)


def method_within(method: str) -> str:
    """Return a method's name as it stands within a sentence: without its capital, unless there are more of them."""
    label = method_label(method)
    return label[:1].lower() + label[1:] if label.split()[0][1:].islower() else label


def importance_label(importance: str) -> str:
    """Return what the importance of a part is, in words."""
    return IMPORTANCE.get(importance, importance)


def outside_label(outside: str) -> str:
    """Return what focus is a share of, in words."""
    return OUTSIDE.get(outside, outside)


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
        f"Each point is the mean of {seeds} trainings from different random starts; the lines are 95 % intervals over "
        "those trainings (Student's t), and one that is shorter than its mark is hidden by "
        "it. There is one teacher and one set of classes."
    )


def focus_label(measure: str) -> str:
    """Return a way to show focus, in words."""
    return FOCUS.get(measure, measure)


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
