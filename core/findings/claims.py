"""The first three claims: each a contrast of distilled and undistilled students."""

from dataclasses import dataclass
from typing import Any, Literal

from core.findings.rows import Rows
from core.findings.wording import level, listed, nice_name, signed, span, students_named, with_interval

Verdict = Literal["supported", "contradicted", "not settled"]


@dataclass(frozen=True)
class Judged:
    """What a study says of a claim for one architecture by itself."""

    architecture: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class Finding:
    """A claim, how this study judges it, and the page that shows why."""

    claim: int
    title: str
    verdict: Verdict
    sentence: str
    page: str
    detail: str = ""
    """What else there is to know, such as the same on the images that both models get right."""
    controls: str = ""
    """What the numbers are to be compared with, and which controls the study does not have."""
    each: tuple[Judged, ...] = ()
    """Each architecture by itself, with intervals that hold for all of them together."""


def verdict(low: float, high: float) -> Verdict:
    """Judge a claimed increase by the interval of its difference: above 0, below 0, or neither."""
    return "supported" if low > 0 else "contradicted" if high < 0 else "not settled"


def accuracy(rows: Rows) -> Finding | None:
    """Claim 1: lower α raises the accuracy of the smaller students."""
    row = rows.finding("accuracy")
    if row is None:
        return None
    judged, who, about = verdict(row.low, row.high), students_named(rows.config), span(row, 100, 1)
    if judged == "not settled":
        sentence = (
            f"Whether {who} name more of the test images right when distilled at α = {row.alpha:g} than undistilled is "
            f"not settled: a difference of {signed(row.estimate * 100, 1)} points on average ({about})."
        )
    else:
        difference = f"{abs(row.estimate) * 100:.1f} points {'more' if judged == 'supported' else 'fewer'}"
        sentence = (
            f"Distilled at α = {row.alpha:g}, {who} name {difference} of the test images right on average than "
            f"undistilled ({about})."
        )
    smaller = "the smaller students" if "smaller" in who else "students"
    title = f"Distillation makes {smaller} more accurate"
    teacher = rows.teacher("accuracy")
    beside = f"The teacher itself: {teacher.estimate:.1%}." if teacher is not None else ""
    detail = " ".join(filter(None, (_weak_teacher(rows), _learnt_nothing(rows))))
    return Finding(1, title, judged, sentence, "training", detail, beside, _each(rows, "accuracy"))


def alignment(rows: Rows) -> Finding | None:
    """Claim 2: lower α raises explanation alignment."""
    row = rows.finding("rank_alignment")
    if row is None:
        return None
    after, before = (rows.mean("rank_alignment", alpha) for alpha in (row.alpha, 1.0))
    who = students_named(rows.config)
    if rows.analysis.subset != "all" or after is None or before is None:  # older summaries have no levels
        sentence = _difference(rows, row, "how alike the teacher they rank the parts", "", 1, 3)
    else:
        sentence = (
            f"Distilled at α = {row.alpha:g}, {who} rank the parts of an image like the teacher at "
            f"ρ = {after.estimate:.2f}, undistilled at {before.estimate:.2f}: a difference of "
            f"{signed(row.estimate, 3)} ({span(row, 1, 3)})."
        )
    title = "Distillation aligns explanations"
    controls = [_controls(rows, "rank_alignment", row.alpha), _normalised(rows, row.alpha), _wins(rows)]
    each = _each(rows, "rank_alignment")
    judged = verdict(row.low, row.high)
    told = " ".join(filter(None, controls))
    return Finding(2, title, judged, sentence, "rank", _both_right(rows, "rank_alignment"), told, each)


def focus(rows: Rows) -> Finding | None:
    """Claim 3: distillation concentrates focus on the teacher's most important parts."""
    row = rows.finding("focus")
    if row is None:
        return None
    after, before = (rows.mean("focus", alpha) for alpha in (row.alpha, 1.0))
    where = "on the object" if rows.analysis.outside == "parts" else "in the whole image"
    if rows.analysis.subset != "all" or after is None or before is None:
        about = f"how much they look at the teacher's {rows.config.measure.top_k} most important parts"
        sentence = _difference(rows, row, about, " points", 100, 1)
    else:
        sentence = (
            f"Of what {students_named(rows.config)} look at {where}, {after.estimate:.1%} lies on the teacher's "
            f"{rows.config.measure.top_k} most important parts when distilled at α = {row.alpha:g} and "
            f"{before.estimate:.1%} when not: {signed(row.estimate * 100, 1)} points ({span(row, 100, 1)})."
        )
    title = "Distillation concentrates focus on the teacher's most important parts"
    controls, each = _controls(rows, "focus", row.alpha), _each(rows, "focus")
    return Finding(3, title, verdict(row.low, row.high), sentence, "focus", _both_right(rows, "focus"), controls, each)


def _difference(rows: Rows, row: Any, what: str, unit: str, scale: float, digits: int) -> str:
    """Tell a difference alone: of a subset the levels are of other images than it is."""
    on = "On the images that teacher and student get right, distilled and undistilled, d"
    return (
        f"{on if rows.analysis.subset != 'all' else 'D'}istillation at α = {row.alpha:g} changes {what} by "
        f"{signed(row.estimate * scale, digits)}{unit} on average over {students_named(rows.config)} "
        f"({span(row, scale, digits)})."
    )


def _each(rows: Rows, measure: str) -> tuple[Judged, ...]:
    share = measure != "rank_alignment"
    scale, digits, unit = (100, 1, " points") if share else (1, 3, "")
    found = []
    for row in rows.each(measure):
        name = nice_name(row.architecture)
        after, before = (rows.group(measure, row.architecture, alpha) for alpha in (row.alpha, 1.0))
        about = span(row, scale, digits, "interval")
        sentence = f"{name}: {signed(row.estimate * scale, digits)}{unit} ({about})"
        # Of a subset the levels are of other images than the difference, which is of those that all three get right.
        if after is not None and before is not None and rows.analysis.subset == "all":
            sentence += f"; distilled {with_interval(after, share)}, undistilled {with_interval(before, share)}"
            sentence += "".join(_beside(rows, measure, row, share))
        found.append(Judged(row.architecture, verdict(row.low, row.high), sentence + "."))
    return tuple(found)


def _beside(rows: Rows, measure: str, row: Any, share: bool) -> list[str]:
    """Return the controls of one architecture in words."""
    here = {"architecture": row.architecture}
    controls = {
        "by chance": rows.control(measure, "shuffled", alpha=row.alpha, **here),
        "untrained": rows.control(measure, "random network", **here),
    }
    said = [f", {name} {level(found.estimate, share)}" for name, found in controls.items() if found is not None]
    between = rows.normalised(measure, row.architecture, row.alpha)
    if between is not None:
        standing = with_interval(between, share=False)
        said.append(f", with chance at 0 and the teacher's network trained again at 1: {standing}")
    return said


def _controls(rows: Rows, measure: str, alpha: float) -> str:
    """Say what the number would be without a reason, and which controls the study does not have."""
    share = measure != "rank_alignment"
    found = {
        "beside the teacher's map of an image of another class": rows.mean(measure, alpha, "shuffled"),
        "untrained networks (one of each)": rows.mean(measure, None, "random network"),
        "by the size of the parts alone": rows.control(measure, "area"),
    }
    words = [f"{name} {level(row.estimate, share)}" for name, row in found.items() if row is not None]
    on = "" if rows.analysis.subset == "all" else ", over all images"
    sentences = [f"For comparison{on}: {listed(words)}."] if words else []
    again = rows.control(measure, "retrained teacher")
    if again is not None:
        count = f"{again.n} trainings" if again.n > 1 else "one training"
        sentences.append(
            f"The teacher's network trained again reaches {with_interval(again, share)} ({count}): a reference, not a "
            "bound."
        )
    elif len(rows.config.students.seeds) == 1:
        sentences.append("With one seed there is no teacher trained again to compare with.")
    else:
        sentences.append("No teacher was trained again: its architecture is not among the students.")
    return " ".join(sentences)


def _normalised(rows: Rows, alpha: float) -> str:
    row = rows.mean("rank_alignment", alpha, "normalised")
    if row is None:
        return ""
    seeds = f", over the {row.n} seeds that have such a network" if row.n > 1 else ""
    return (
        "With chance at 0 and the teacher's network trained again at 1, both less their own chance, distilled students "
        f"stand at {with_interval(row, share=False)}{seeds}."
    )


def _wins(rows: Rows) -> str:
    finding = rows.finding("rank_alignment")
    row = rows.mean("win_rate", finding.alpha, subset="all")
    if row is None:
        return ""
    return (
        f"On {with_interval(row, share=True)} of the images the distilled student's map is nearer the teacher's (50 % "
        "by chance)."
    )


def _both_right(rows: Rows, measure: str) -> str:
    """Say the same of the images that teacher and both students get right."""
    row = rows.finding(measure, subset="both right")
    if row is None or rows.analysis.subset != "all":
        return ""
    scale, digits, unit = (1, 3, "") if measure == "rank_alignment" else (100, 1, " points")
    return (
        f"On the images that teacher and students get right: {signed(row.estimate * scale, digits)}{unit} "
        f"({span(row, scale, digits)}), {verdict(row.low, row.high)}."
    )


def _learnt_nothing(rows: Rows) -> str:
    """Say which networks are no more accurate than untrained ones, "" where none is."""
    found = []
    for name in rows.config.students.architectures:
        untrained = rows.control("accuracy", "random network", architecture=name)
        for alpha in sorted(rows.config.students.alphas, reverse=True):
            row = rows.group("accuracy", name, alpha)
            if row is not None and untrained is not None and row.estimate <= untrained.high:
                found.append(f"{nice_name(name)} at α = {alpha:g} ({row.estimate:.1%})")
    if not found:
        return ""
    return f"No more accurate than untrained, so what they look at means little: {listed(found)}."


def _weak_teacher(rows: Rows) -> str:
    """Say which undistilled students are more accurate than the teacher, "" where none is."""
    teacher = rows.teacher("accuracy")
    if teacher is None:
        return ""
    others = [name for name in rows.config.students.architectures if name != rows.config.teacher.architecture]
    plain = [row for row in (rows.group("accuracy", name, 1.0) for name in others) if row is not None]
    better = [row for row in plain if row.estimate > teacher.estimate]
    if not better:
        return ""
    named = listed([f"{nice_name(row.architecture)} ({row.estimate:.1%})" for row in better])
    apart = all(row.low > teacher.estimate for row in better)
    doubt = "" if apart else ", though not told apart with certainty"
    return f"The teacher itself ({teacher.estimate:.1%}) is less accurate than undistilled {named}{doubt}."
