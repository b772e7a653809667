"""Short texts that more than one page uses."""

from typing import Literal

from core.sentences import ASSOCIATION_CAPTION as ASSOCIATION_CAPTION
from core.sentences import METHOD_LABELS as METHOD_LABELS
from core.sentences import POSTER_CAPTION as POSTER_CAPTION
from core.sentences import QUESTION as QUESTION
from core.sentences import about_intervals as about_intervals
from core.sentences import answer as answer
from core.sentences import citation as citation
from core.sentences import method_label as method_label

FROM_A_BASELINE = ("integrated_gradients", "captum")
"""The methods whose path begins at one."""

ARCHITECTURES_HELP = "Every student is one of these networks; imported ones have a name of their own."
ALPHA_HELP = (
    "How a student learns: α = 1.0 from the labels alone (no distillation), lower values increasingly from what the "
    "teacher says about each image."
)
LOOKING_HELP = (
    "How much distilled students also learn to look where the teacher looks, beside giving its answers: λ times the "
    "difference of the two maps is added to their loss. The findings are about λ = 0; anything else is exploratory."
)
METHOD_HELP = (
    "How we find where a network looks. Saliency: how strongly its answer reacts to a tiny change of each pixel. "
    "Integrated gradients: how much each pixel adds to its answer, compared with an image of one mean colour; "
    "the findings are judged by this one."
)
OTHERS_HELP = (
    "Methods that the study's numbers do not rest on. SmoothGrad: saliency, averaged over slightly noisy copies of the "
    "image. Input × gradient: saliency times how far each pixel is from the data's mean colour. Grad-CAM: where the "
    "network's last features speak for its answer, in a few coarse cells. By Captum: integrated gradients as that "
    "library computes them."
)
METHOD_NOTES = {
    "training": "The method changes nothing here: accuracy has none.",
    "logit": "The method counts only in the second half of this page: outputs have none.",
    "literature": "The method counts only for the win rates: the findings have their own, outputs have none.",
    "studies": "These choices change nothing here: they are for the pages that show a study.",
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
    "**What it is compared with.** *By chance*: the student beside the teacher's map of an image of another class; a "
    "habit that both share on any image, such as looking at the middle, reaches as far. *By part size alone*: the "
    "parts ranked by their size, beside the teacher's ranking. *Never trained*: a network of that architecture "
    "before any training."
)

OF_ALL = "What the students are compared with, by chance and the like, is of all images, whoever is right."
SUBSETS = {"all": "All", "both right": "Both right"}
SUBSETS_HELP = (
    "All: every image that was explained. Both right: those on which teacher and student both name the right class. A "
    "more accurate student can look more like its teacher for no other reason than being right more often."
)

STUDENT_HELP = "Of the networks and α on the left. Its images are those on which it was explained beside the teacher."
AGREEMENT_HELP = (
    "Rank alignment: the same order of the parts, by importance per pixel. Map similarity: the same pixels. "
    "Logit alignment: the same order of the classes, whatever it looks at."
)
ORDER_HELP = (
    "Raised and lowered: the distilled student's number less that of the same network with the same random start, "
    "trained without distillation."
)
SORT_HELP = (
    "By a measure of the student chosen. Most changed: the images on which its rank alignment is furthest, up or down, "
    "from that of the same network trained without distillation."
)
ANSWERS_HELP = (
    "Of the student chosen: whether its answer, or the teacher's, is the right class, and whether they differ."
)
ALIGNED_HELP = (
    "Only images on which the student's rank alignment lies between the two ends. Where it is undefined an image is "
    "left out, unless the slider is all the way open."
)
LAYOUTS = {"pair": "Teacher and student", "all": "All side by side", "grid": "The whole grid"}
LAYOUT_HELP = (
    "Teacher and student: the two, and the same student without distillation. All side by side: every network chosen "
    "on the left, large. The whole grid: all of them small, a row an α, a column an architecture."
)
MATRIX_ABOUT = "1 is the part looked at hardest, per pixel. A student that looks like its teacher repeats its column."
RANKS_ABOUT = (
    "From top to bottom the part looked at hardest, per pixel, to the one looked at least. On the left the teacher; "
    "then the student chosen, from the strongest distillation to none. Blue and thick: the teacher's first {first}, "
    "those that focus is on."
)
EXACT_CAPTION = (
    "Completeness gap: by how much a map's sum misses what it should add up to, the change of the answer's score from "
    "{baseline} to this one. It says little about the map. The error bars do: by how much the map, and the parts' "
    "importances, change when their steps are halved. The true errors are about half of that."
)
FAVOURED = "The parts were chosen on the teacher's own map, which favours its line."
PARTS_CAPTION = (
    "Grey bars: the teacher, with an interval over images. Marks: the student, with an interval as above. Each is the "
    "mean over the images where the part is visible."
)
CLASSES_CAPTION = (
    "Dot: the mean of a class, with a 95 % interval over its images. Ticks: its images, all that were measured; behind "
    "its name, how many they are."
)
AMONG_HELP = "The maps of some images are kept, so that they can be looked at. All were measured."
NOT_DISTILLED = (
    "This takes a distilled student whose architecture was also trained without distillation, the teacher itself "
    "aside: choose another one above."
)
ASSOCIATION_COUNTED = (
    "Over the images of each network of this architecture and α. counted: those images, or, where it was trained "
    "several times, the trainings that ρ is the mean of; the chart shows the first."
)
NO_IMAGES = "This study has no measures of this network's single images by this method. Make them with: {command}"
OLDER = "The study was measured before this came in. Measure it again with: {command}"
NO_PARTS = "The parts of these images are patches found by colour, which mean nothing from one image to the next."
SLOPES_CAPTION = (
    "The parts from left to right as the teacher looks at them, most first. Marks: the student without distillation "
    "(left) and distilled (right), each the mean over the images where the part is visible. Bars: the teacher. The "
    "line between the marks is whole where the 95 % interval of the change, paired by seed, leaves out 0, else dashed. "
    "Each interval is of one part by itself: of twenty parts that do not change, one line may be whole."
)
SLOPES_ONCE = "Each network was trained once, so its changes have no interval, and any of them may be chance."

BONFERRONI = (
    "The intervals of the differences hold for all of the networks together (Bonferroni), so they are wider; those in "
    "brackets are of one number each."
)
UNLOOKED = "of students that were not trained for looking (λ = 0), whatever λ is chosen"
LOOKED_BADGE = "⚑ Exploratory: students trained for looking"
LOOKED_CAPTION = (
    "Up: looks more like the teacher. Right: more often right. A line joins a network without training for looking "
    "(λ = 0) with the same network trained for it."
)
COST_HELP = (
    "What it takes to keep and to run a network. MACs: the multiplications of one image, each with its addition. "
    "Latency: the time one image takes by itself, on the machine that made the study."
)
ACCURACY_KEPT_HELP = "A student's accuracy, divided by the teacher's."
LOOKING_KEPT_HELP = (
    "Rank alignment by importance per pixel: 100 % where the student puts the parts of every image in the teacher's "
    "order, 0 % where there is no relation."
)
TRADEOFFS_CAPTION = (
    "Right: cheaper. Up: better. A network beats another where it costs no more and is at least as good, and one of "
    "the two strictly; the steps join those that none beats. Networks of one architecture cost the same, so their "
    "marks are set a little apart. Which is best goes by the points; where their intervals overlap it could be another."
)
NO_FRONT = "More focus is neither better nor worse, so no trade-off is best by it."
SMALLEST_CAPTION = (
    "Looking: rank alignment. The answer goes by the points, not by their intervals, and only among the networks shown."
)
NO_COSTS = "This study was made before costs were measured. Measure them with: {command}"

RUN_AGAIN = "If its grid has distilled and undistilled students, measure it with this version: {command}"

EXPLORATORY_HELP = (
    "One analysis was fixed beforehand and judges the findings: integrated gradients, importance per pixel, focus "
    "within the object. Anything else may be looked at, but proves nothing."
)

Colour = Literal["green", "red", "gray"]

VERDICTS: dict[str, tuple[str, Colour]] = {
    "supported": ("✓ Supported", "green"),
    "contradicted": ("✗ Contradicted", "red"),
    "not settled": ("? Not settled", "gray"),
}
"""A verdict in words with its sign, never by colour alone."""


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


def focus_label(measure: str) -> str:
    """Return a way to show focus, in words."""
    return FOCUS.get(measure, measure)
