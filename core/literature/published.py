"""What others found, as it was published: other networks on other images, so directions only."""

from dataclasses import dataclass

from core.findings import nice_name


@dataclass(frozen=True)
class Reference:
    """A publication, as a list of references has it."""

    authors: str
    title: str
    venue: str
    year: int | None = None
    arxiv: str = ""

    @property
    def link(self) -> str:
        """Where to read it; "" where there is no public copy."""
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else ""

    def __str__(self) -> str:
        where = ", ".join(filter(None, [self.venue, str(self.year or "")]))
        sentences = (self.authors, self.title, where, f"arXiv {self.arxiv}" if self.arxiv else "")
        return " ".join(each if each[-1] in ".?" else f"{each}." for each in sentences if each)


@dataclass(frozen=True)
class Value:
    """A published number: of whom, and of which cell of the grid where it is of one."""

    who: str
    value: float
    architecture: str = ""
    alpha: float | None = None


@dataclass(frozen=True)
class Published:
    """What a publication reports, where, and what of a study stands beside it."""

    name: str
    """As a sentence names it."""
    says: str
    architectures: str
    setting: str
    """Data set and how it was measured."""
    reference: Reference
    measure: str
    """Of `core.measures.MEASURES`, "" where no single one."""
    beside: str
    """How a study here relates to it."""
    values: tuple[Value, ...] = ()

    @property
    def where(self) -> str:
        """Networks, data set and setting, as a line of small print."""
        text = f"{self.architectures}; {self.setting}."
        return text[0].upper() + text[1:]


POSTER_LOGIT_ALIGNMENT = {
    1.0: {"resnet101": 1.00, "resnet50": 0.52, "resnet34": 0.28, "resnet18": 0.26},
    0.5: {"resnet101": 0.76, "resnet50": 0.70, "resnet34": 0.48, "resnet18": 0.38},
    0.1: {"resnet101": 0.81, "resnet50": 0.76, "resnet34": 0.56, "resnet18": 0.50},
}
"""The poster's Figure 4, the only numbers that it prints."""

POSTER_FINDINGS = {
    1: ("Distillation makes the smaller students more accurate.", "Figure 1"),
    2: ("Distilled students rank the parts more like their teacher.", "Figure 2"),
    3: ("Distilled students concentrate on the parts that matter most to their teacher.", "Figure 3"),
    4: ("Where outputs agree more with the teacher's, explanations do too.", "Figures 2 and 4"),
}
"""By claim (`core.findings`)."""

POSTER = Published(
    name="The poster",
    says="Logit alignment rises as α falls, for every student smaller than the teacher.",
    architectures="ResNet101 at α = 1.0 as teacher; ResNet101, 50, 34 and 18 as students at α = 1.0, 0.5 and 0.1",
    setting="other networks on other images than any study here, without intervals",
    reference=Reference(
        "Day, T., supervised by Bialkowski, A.", "Knowledge Distillation Changes Where Models Look", "Thesis poster"
    ),
    measure="logit_alignment",
    beside="The same measure of this study's networks.",
    values=tuple(
        Value(nice_name(architecture), value, architecture, alpha)
        for alpha, row in POSTER_LOGIT_ALIGNMENT.items()
        for architecture, value in row.items()
    ),
)

OJHA = Published(
    name="Ojha et al. 2023",
    says="On most images the distilled student's class activation map is nearer the teacher's than the map of a "
    "student trained alone.",
    architectures="ResNet50 as teacher, ResNet18 as student",
    setting="ImageNet; class activation maps; the numbers are read off a figure, and which bar is whose is inferred",
    reference=Reference(
        "Ojha, U., Li, Y., Sundara Rajan, A., Liang, Y. and Lee, Y. J.",
        "What Knowledge Gets Distilled in Knowledge Distillation?",
        "NeurIPS",
        2023,
        "2205.16004",
    ),
    measure="win_rate",
    beside="The same question of this study's relevance maps: saliency or integrated gradients, compared by cosine.",
    values=(
        Value("alone", 0.503),
        Value("KL (outputs)", 0.672),
        Value("Hint (features)", 0.529),
        Value("CRD (contrasts)", 0.556),
    ),
)

OTHERS = (
    Published(
        name="Stanton et al. 2021",
        says="Students agree with their teachers far less than expected, even where they could match them.",
        architectures="ResNets and others, self-distillation among them",
        setting="CIFAR-100 and others; agreement of predictions",
        reference=Reference(
            "Stanton, S., Izmailov, P., Kirichenko, P., Alemi, A. A. and Wilson, A. G.",
            "Does Knowledge Distillation Really Work?",
            "NeurIPS",
            2021,
            "2106.05945",
        ),
        measure="top1_agreement",
        beside="Top-1 agreement of every student with the teacher.",
    ),
    Published(
        name="Parchami-Araghi et al. 2024",
        says="Adding 1 − cos of the teacher's and the student's explanation to the loss raises their agreement.",
        architectures="ResNets and others",
        setting="ImageNet and others; GradCAM and B-cos explanations, trained to agree",
        reference=Reference(
            "Parchami-Araghi, A., Böhle, M., Rao, S. and Schiele, B.",
            "Good Teachers Explain: Explanation-Enhanced Knowledge Distillation",
            "ECCV",
            2024,
            "2402.03119",
        ),
        measure="map_similarity",
        beside="The cosine of relevance maps, here of students that learn from outputs alone.",
    ),
    Published(
        name="Adhane et al. 2025",
        says="Features that come from distillation sit on parts of the object; those it leaves out are diffuse.",
        architectures="convolutional networks",
        setting="CIFAR-10, ASIRRA and plant diseases; UniCAM maps of features",
        reference=Reference(
            "Adhane, G., Dehshibi, M. M., Vetter, D., Masip, D. and Roig, G.",
            "On Explaining Knowledge Distillation: Measuring and Visualising the Knowledge Transfer Process",
            "WACV",
            2025,
            "2412.13943",
        ),
        measure="focus",
        beside="Focus asks the same of the parts that matter most to the teacher.",
    ),
    Published(
        name="Park et al. 2020",
        says="Compressing a network deforms its attributions while its predictions stay.",
        architectures="convolutional networks, compressed in several ways",
        setting="natural images; attribution maps before and after compression",
        reference=Reference(
            "Park, G., Yang, J. Y., Hwang, S. J. and Yang, E.",
            "Attribution Preservation in Network Compression for Reliable Network Interpretation",
            "NeurIPS",
            2020,
            "2010.15054",
        ),
        measure="rank_alignment",
        beside="Rank alignment of the smaller students, beside their accuracy.",
    ),
    Published(
        name="Mason-Williams et al. 2025",
        says="What distillation transfers is less than assumed, and takes controls to tell from chance.",
        architectures="nine architectures",
        setting="seven data sets of several kinds; agreement of functions, beside distillation from noise",
        reference=Reference(
            "Mason-Williams, I., Mason-Williams, G. and Yannakoudakis, H.",
            "Rethinking Knowledge Distillation: A Data Dependent Regulariser With a Negative Asymmetric Payoff",
            "Preprint",
            2025,
            "2510.12615",
        ),
        measure="",
        beside="The controls that stand beside every alignment here.",
    ),
    Published(
        name="Li et al. 2021",
        says="The more accurate a network is, the more its explanations agree with those of other networks.",
        architectures="more than 80 image classifiers",
        setting="five data sets; LIME and SmoothGrad",
        reference=Reference(
            "Li, X., Xiong, H., Huang, S., Ji, S. and Dou, D.",
            "Cross-Model Consensus of Explanations and Beyond for Image Classification Models: An Empirical Study",
            "Preprint",
            2021,
            "2109.00707",
        ),
        measure="accuracy",
        beside="Why findings are also given on the images that both networks get right, and with accuracy held fixed.",
    ),
    Published(
        name="Hesse et al. 2023",
        says="Parts that are drawn exactly make explanations checkable part by part.",
        architectures="several image classifiers",
        setting="FunnyBirds, drawn birds",
        reference=Reference(
            "Hesse, R., Schaub-Meyer, S. and Roth, S.",
            "FunnyBirds: A Synthetic Vision Dataset for a Part-Based Analysis of Explainable AI Methods",
            "ICCV",
            2023,
            "2308.06248",
        ),
        measure="",
        beside="The built-in birds are drawn with their parts for the same reason.",
    ),
)

ELSEWHERE = "Another data set and setting: compare directions, not heights."
NO_WIN_RATE = (
    "This study has no win rates: they take students of one architecture and seed with and without distillation, and a "
    "study measured since they came in. Run it again to add them; its networks are kept."
)


def everything() -> tuple[Published, ...]:
    """Return all that is declared, the poster first."""
    return (POSTER, OJHA, *OTHERS)
