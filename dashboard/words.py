"""Short texts that more than one page uses, and the poster's own numbers."""

from typing import Literal

from core.study import Study

METHOD_LABELS = {"saliency": "Saliency", "integrated_gradients": "Integrated gradients"}
"""As `core.attribution.METHODS` has them (a test compares); that file needs torch, which a chart does not."""

ARCHITECTURES_HELP = "Every student is one of these networks. The largest is also the teacher's."
ALPHA_HELP = (
    "How a student learns: α = 1.0 from the labels alone (no distillation), lower values increasingly from what the "
    "teacher says about each image."
)
METHOD_HELP = (
    "How we find where a network looks. Saliency: how strongly its answer reacts to a tiny change of each pixel. "
    "Integrated gradients: how much each pixel adds to its answer, compared with an empty image; "
    "the findings are judged by this one."
)

IMPORTANCE = {"density": "Per pixel", "mass": "In total"}
IMPORTANCE_HELP = (
    "How important a part is. Per pixel (density): how hard the network looks at it, whatever its size. "
    "In total (mass, the poster's choice): all the looking it receives, so large parts tend to come first."
)
OUTSIDE = {"parts": "Within the object", "image": "In the whole image"}
OUTSIDE_HELP = (
    "Share of what? Within the object: of the looking that lands on any part. In the whole image: of all looking; "
    "this also rises when a student merely looks more at the object and less at the background."
)
OUTSIDE_SENTENCE = {
    "parts": "the share of what lands on the object's visible parts.",
    "image": "the share of what lands anywhere in the image.",
}
FOCUS = {"focus": "Share", "enrichment": "Beside size alone", "focus_ratio": "The poster's ratio"}
FOCUS_HELP = (
    "Share: of what the student looks at, how much lies on the teacher's most important parts. Beside size alone: "
    "that share, divided by the share those parts have of the area. The poster's ratio: that share, divided by the rest."
)
CONTROLS = (
    "**What it is compared with.** Short grey marks: chance, the student beside the teacher's map of *another* image; "
    "a habit that both share on any image, such as looking at the middle, reaches as far. Dashed line: the parts "
    "ranked by their size alone, beside the teacher's ranking."
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
    "Hollow orange marks: the poster's Figure 4, of other networks on other images. Compare directions, not heights."
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
            "The lines are 95 % intervals from redrawing the test images. Each network was trained once, so they "
            "speak of these networks only: training again could move the points further than the lines reach."
        )
    return (
        f"Each point is the mean of {seeds} trainings from different random starts; the lines are 95 % intervals over "
        "those trainings (Student's t). There is one teacher and one set of classes."
    )


def focus_label(measure: str) -> str:
    """Return a way to show focus, in words."""
    return FOCUS.get(measure, measure)
