"""The four claims, each in one plain sentence with its numbers."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from core.cells import teacher_cell
from core.config import Config
from core.summarise import PRIMARY

Verdict = Literal["supported", "contradicted", "not settled"]

LIMIT = " These networks only: each was trained once."
"""What a study of one seed can speak of: training again may move a number further than distillation does."""
# From small to large.
NAMES = {"resnet18": "ResNet18", "resnet34": "ResNet34", "resnet50": "ResNet50", "resnet101": "ResNet101"}


@dataclass(frozen=True)
class Finding:
    """A claim, how this study judges it, and the page that shows why."""

    claim: int
    title: str
    verdict: Verdict
    sentence: str
    page: str
    detail: str = ""
    """Each architecture by itself, where the sentence is of their mean."""


def nice_name(architecture: str) -> str:
    """Return an architecture's name as people write it."""
    return NAMES.get(architecture, architecture)


def verdict(low: float, high: float) -> Verdict:
    """Judge a claimed increase by the interval of its difference: above 0, below 0, or neither."""
    return "supported" if low > 0 else "contradicted" if high < 0 else "not settled"


def findings(summary: pd.DataFrame, config: Config) -> list[Finding]:
    """Return the four claims as a study's summary has them; those that its grid cannot ask are left out.

    Parameters
    ----------
    summary : pandas.DataFrame
        A study's summary.parquet (`core.summarise.COLUMNS`).
    config : Config
        The study's settings.
    """
    made = [_accuracy(summary, config), _alignment(summary, config), _focus(summary, config), _association(summary)]
    limit = LIMIT if len(config.students.seeds) == 1 else ""
    return [replace(finding, sentence=finding.sentence + limit) for finding in made if finding is not None]


def _accuracy(summary: pd.DataFrame, config: Config) -> Finding | None:
    row = _overall(summary, "accuracy")
    if row is None:
        return None
    judged = verdict(row.low, row.high)
    who, span = _who(config), _span(row, 100, 1)
    if judged == "not settled":
        sentence = (
            f"Whether {who} name more of the test images right when distilled at α = {row.alpha:g} than undistilled is "
            f"not settled: a difference of {_signed(row.estimate * 100, 1)} points on average ({span})."
        )
    else:
        difference = f"{abs(row.estimate) * 100:.1f} points {'more' if judged == 'supported' else 'fewer'}"
        sentence = (
            f"Distilled at α = {row.alpha:g}, {who} name {difference} of the test images right on average than "
            f"undistilled ({span})."
        )
    title = "Distillation makes the smaller students more accurate"
    detail = f"{_each(summary, 'accuracy', 100)} {_weak_teacher(summary, config)}".strip()
    return Finding(1, title, judged, sentence, "training", detail)


def _weak_teacher(summary: pd.DataFrame, config: Config) -> str:
    """Say which undistilled students are more accurate than the teacher, "" where none is."""
    rows = summary[(summary["measure"] == "accuracy") & (summary["alpha"] == 1)]
    own = rows.loc[(rows["kind"] == "cell") & (rows["cell"] == teacher_cell(config).name), "estimate"]
    others = rows[(rows["kind"] == "group") & (rows["architecture"] != config.teacher.architecture)]
    better = others[others["estimate"] > own.iloc[0]] if len(own) else others.iloc[:0]
    if better.empty:
        return ""
    pairs = zip(better["architecture"], better["estimate"], strict=True)
    named = " and ".join(f"{nice_name(name)} ({value:.1%})" for name, value in pairs)
    return f"The teacher itself ({own.iloc[0]:.1%}) is less accurate than undistilled {named}."


def _alignment(summary: pd.DataFrame, config: Config) -> Finding | None:
    row = _overall(summary, "rank_alignment")
    if row is None:
        return None
    after, before = (_mean(summary, row, "group", alpha) for alpha in (row.alpha, 1.0))
    chance = _mean(summary, row, "control", row.alpha, "shuffled")
    beside = f"; by chance {chance:.2f}" if pd.notna(chance) else ""
    sentence = (
        f"Distilled at α = {row.alpha:g}, {_who(config)} rank the parts of an image like the teacher at "
        f"ρ = {after:.2f}, undistilled at {before:.2f}: a difference of {_signed(row.estimate, 3)} "
        f"({_span(row, 1, 3)}){beside}."
    )
    title, detail = "Distillation aligns explanations", _each(summary, "rank_alignment")
    return Finding(2, title, verdict(row.low, row.high), sentence, "rank", detail)


def _focus(summary: pd.DataFrame, config: Config) -> Finding | None:
    row = _overall(summary, "focus")
    if row is None:
        return None
    after, before = (_mean(summary, row, "group", alpha) for alpha in (row.alpha, 1.0))
    sentence = (
        f"Of what {_who(config)} look at on the object, {after:.1%} lies on the teacher's "
        f"{config.measure.top_k} most important parts when distilled at α = {row.alpha:g} and {before:.1%} when not: "
        f"{_signed(row.estimate * 100, 1)} points ({_span(row, 100, 1)})."
    )
    title = "Distillation concentrates focus on the teacher's most important parts"
    return Finding(3, title, verdict(row.low, row.high), sentence, "focus", _each(summary, "focus", 100))


def _association(summary: pd.DataFrame) -> Finding | None:
    method, importance, _ = PRIMARY["rank_alignment"]
    rows = summary[
        (summary["kind"] == "association") & (summary["method"] == method) & (summary["importance"] == importance)
    ]
    by: dict[tuple[str, str], Any] = {(str(row.subset), str(row.control)): row for row in rows.itertuples()}
    images = by.get(("images", "accuracy"))
    if images is None or pd.isna(images.estimate):
        return None
    judged = verdict(images.low, images.high)
    if judged == "not settled":
        begun = "Whether a student looks more alike where its outputs agree more with the teacher's is not settled"
    else:
        direction = "more" if judged == "supported" else "less"
        begun = f"On images where a student's outputs agree more with the teacher's, it also looks {direction} alike"
    sentence = (
        f"{begun}: ρ = {_signed(by['images', ''].estimate, 2)} within a network, {_signed(images.estimate, 2)} with "
        f"being right held fixed ({_span(images, 1, 2)})"
    )
    cells = by.get(("cells", ""))
    if cells is not None and pd.notna(cells.estimate) and cells.n >= 4:
        sentence += f"; across the {cells.n} students ρ = {_signed(cells.estimate, 2)} ({_span(cells, 1, 2)})"
    title = "Outputs and explanations move together"
    return Finding(4, title, judged, sentence + ".", "logit")


def _who(config: Config) -> str:
    """Return what the claims are about: the students of other architectures than the teacher's."""
    sizes = list(NAMES)
    others = {*config.students.architectures} - {config.teacher.architecture}
    known = {config.teacher.architecture, *others} <= set(sizes)
    if known and all(sizes.index(name) < sizes.index(config.teacher.architecture) for name in others):
        return "students smaller than the teacher"
    return "students of the other architectures"


def _claimed(summary: pd.DataFrame, measure: str) -> pd.DataFrame:
    return summary[(summary["kind"] == "finding") & (summary["measure"] == measure)]


def _overall(summary: pd.DataFrame, measure: str) -> Any:
    rows = _claimed(summary, measure)
    rows = rows[(rows["architecture"] == "") & rows["estimate"].notna()]
    return next(rows.itertuples(), None)


def _each(summary: pd.DataFrame, measure: str, scale: float = 1) -> str:
    """Name each architecture's difference with an interval wide enough for all of them together (Bonferroni)."""
    rows = _claimed(summary, measure)
    rows = rows[(rows["architecture"] != "") & rows["estimate"].notna()]
    if rows.empty:
        return ""
    digits = 1 if scale != 1 else 3
    unit = " points" if scale != 1 else ""
    columns = (rows[name].to_numpy(float) * scale for name in ("estimate", "low", "high"))
    each = [
        f"{nice_name(name)} {_signed(value, digits)}{unit} ({_between(low, high, digits)})"
        for name, value, low, high in zip(rows["architecture"], *columns, strict=True)
    ]
    return f"Each by itself, with intervals that hold for all of them together: {', '.join(each)}."


def _mean(summary: pd.DataFrame, row: Any, kind: str, alpha: float, control: str = "") -> float:
    """Mean over the architectures of a claim of what one α has by itself."""
    architectures = set(_claimed(summary, row.measure)["architecture"]) - {""}
    rows = summary[
        (summary["kind"] == kind)
        & (summary["measure"] == row.measure)
        & (summary["method"] == row.method)
        & (summary["importance"] == row.importance)
        & (summary["outside"] == row.outside)
        & (summary["alpha"] == alpha)
        & (summary["control"] == control)
        & summary["architecture"].isin(architectures)
    ]
    return float(rows["estimate"].mean())


def _span(row: Any, scale: float, digits: int) -> str:
    return f"95 % interval {_between(row.low * scale, row.high * scale, digits)}"


def _between(low: float, high: float, digits: int) -> str:
    return "unknown" if pd.isna(low) or pd.isna(high) else f"{_signed(low, digits)} to {_signed(high, digits)}"


def _signed(value: float, digits: int) -> str:
    """Write a difference with its sign, a true minus; one that rounds to nothing has none."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")
