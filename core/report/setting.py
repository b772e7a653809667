"""What was studied, its limits, and all one needs to do it again."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from core import literature, sentences
from core.config import Students
from core.errors import UserError
from core.findings import nice_name
from core.measures import MEASURES
from core.report.pieces import Entry, Items, Section, Table, Text
from core.study import Study

MOST_CLASSES = 40
"""Names of classes that are listed."""
FIXED = (
    "One analysis was fixed beforehand and judges the findings: integrated gradients, importance per pixel, focus "
    "within the object, all images. Everything else is exploratory and marked so."
)


def studied(study: Study) -> Section:
    """Describe data, teacher, grid, seeds and recipe."""
    config = study.config
    data, training, explain = config.data, config.training, config.explain
    images = study.images()
    counts = images["split"].value_counts()
    split = ", ".join(f"{counts[name]:,} {name}" for name in ("train", "validation", "test") if name in counts)
    students = config.students
    seeds = len(students.seeds)
    items = [
        (
            "Data",
            f"{_knows(study)}; images of {data.image_size} pixels a side; {split}.",
        ),
        ("Classes", _classes(study)),
        ("Teacher", f"{nice_name(config.teacher.architecture)}, trained from the labels alone (α = 1.0)."),
        (
            "Students",
            f"{', '.join(map(nice_name, students.architectures))}, each at α = {', '.join(map(str, students.alphas))}, "
            f"of {students.width:g} of the usual width. α is the weight of the labels in the loss; 1.0 is no "
            "distillation.",
        ),
        ("Seeds", "One: each network was trained once." if seeds == 1 else f"{seeds}, all from the one teacher."),
        (
            "Training",
            f"{training.epochs} epochs in batches of {training.batch_size}, learning rate {training.learning_rate:g}, "
            f"temperature {training.temperature:g}; one recipe for every network.{_looking(students)}",
        ),
        (
            "Explanations",
            f"{' and '.join(map(sentences.method_label, explain.methods))} of {int(images['explained'].sum()):,} test "
            f"images; focus on the teacher's {config.measure.top_k} most important parts.",
        ),
        ("Analysis", FIXED),
    ]
    about = [Text(config.description)] if config.description else []
    return Section("What was studied", [*about, Items(tuple(item for item in items if item[1]))])


def _looking(students: Students) -> str:
    weights = ", ".join(f"{weight:g}" for weight in students.explanation_weights if weight)
    if not weights:
        return ""
    return (
        " Distilled students are there again, trained to look where the teacher looks too: λ × (1 − the cosine of both "
        f"networks' input × gradient maps) is part of their loss, λ = {weights}. The findings are about the others."
    )


def definitions() -> Section:
    """Define every measure."""
    items = [
        (about.label, about.sentence + (f" The poster's Figure {about.poster_figure}." if about.poster_figure else ""))
        for about in MEASURES.values()
    ]
    more = [
        ("α", "Weight of the labels in the loss: α·CE(student, label) + (1−α)·T²·KL(teacher/T ‖ student/T)."),
        (
            "Importance of a part",
            "Per pixel (density): relevance on the part, divided by its pixels. In total (mass): their sum, which "
            "mostly follows the size of the part. A part that is not visible has none.",
        ),
        (
            "Left out",
            "Images on which a number is undefined (too few visible parts, a flat map): never counted as 0, always "
            "counted.",
        ),
    ]
    return Section("Definitions", [Items((*items, *more))])


def limits(study: Study) -> Section:
    """Say what the study cannot speak of."""
    seeds = len(study.config.students.seeds)
    if seeds == 1:
        trained = (
            "Each network was trained once. Intervals come from redrawing the test images, so they speak of these "
            "very networks only: training again could move a number further than they reach."
        )
    else:
        trained = (
            f"Intervals are Student's t over {seeds} seeds: they speak of networks of this kind, trained again from "
            "the same teacher on the same images."
        )
    said = (
        trained,
        "There is one teacher. Another one, as accurate, could look elsewhere, and its students with it.",
        "The classes, the images and the parts are fixed: what holds for them need not hold for others.",
        "Relevance is what a method says of a network. Two methods can disagree; the findings are judged by one.",
        "Nothing was tuned to make a claim come out. Not settled is a result.",
    )
    return Section("Limits", [Items(tuple(("", line) for line in said))])


def again(study: Study) -> list[Section]:
    """Say how it was made, how to cite it, and how to make this report again."""
    made = _table("provenance", "How this study was made.", dict(_flat(study.provenance)))
    settings = _table("settings", "Every setting.", dict(_flat(study.config.model_dump())))
    command = f"python -m core report {study.name} --out {study.name}-report.html --files {study.name}-report"
    return [
        Section("Settings and provenance", [made, settings]),
        Section(
            "How to cite",
            [
                Text("Please cite the study by its name and settings, so that others can run it again:"),
                Text(sentences.citation(study), "code"),
                Text(f"The study that it reproduces: {literature.POSTER.reference}"),
            ],
        ),
        Section(
            "Make it again",
            [
                Text("The study, or what is missing of it, and this report with its figures and tables as files:"),
                Text(f"{study.command}\n{command}", "code"),
                Text(
                    "From Python, the same numbers: core.open_study(…).summary(). Every number in a table above is one "
                    "row of it.",
                    "small",
                ),
            ],
        ),
    ]


def _classes(study: Study) -> str:
    try:
        names = study.shown.classes
    except UserError:  # the images are not on this machine
        return ""
    shown = ", ".join(names[:MOST_CLASSES])
    return f"{len(names)}: {shown}{' …' if len(names) > MOST_CLASSES else '.'}"


def _knows(study: Study) -> str:
    try:
        what = study.provenance.get("knows") or study.shown.knows
    except UserError:
        what = study.knows
    return f"{what[:1].upper()}{what[1:]}"


def _flat(tree: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(name: str, caption: str, values: dict[str, str]) -> Table:
    body = tuple((Entry(key), Entry(value)) for key, value in values.items())
    return Table(name, caption, ("What", "Value"), body, pd.DataFrame(values.items(), columns=["what", "value"]))
