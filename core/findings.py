"""The four claims, each in one plain sentence with its numbers."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from core.config import Config
from core.summarise import PRIMARY

Verdict = Literal["supported", "contradicted", "not settled"]

NAMES = {"resnet18": "ResNet18", "resnet34": "ResNet34", "resnet50": "ResNet50", "resnet101": "ResNet101"}


@dataclass(frozen=True)
class Finding:
    """A claim, how this study judges it, and the page that shows why."""

    claim: int
    title: str
    verdict: Verdict
    sentence: str
    page: str


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
    made = [_accuracy(summary), _alignment(summary), _focus(summary, config), _association(summary)]
    return [finding for finding in made if finding is not None]


def _accuracy(summary: pd.DataFrame) -> Finding | None:
    row = _overall(summary, "accuracy")
    if row is None:
        return None
    difference = f"{abs(row.estimate) * 100:.1f} points {'more' if row.estimate >= 0 else 'fewer'}"
    sentence = (
        f"Distilled at α = {row.alpha:g}, the smaller students name {difference} of the test images right than "
        f"undistilled ({_span(row, 100)}): {_each(summary, 'accuracy', 100, ' points')}."
    )
    title = "Distillation makes the smaller students more accurate"
    return Finding(1, title, verdict(row.low, row.high), sentence, "training")


def _alignment(summary: pd.DataFrame) -> Finding | None:
    row = _overall(summary, "rank_alignment")
    if row is None:
        return None
    after, before = (_mean(summary, row, "group", alpha) for alpha in (row.alpha, 1.0))
    chance = _mean(summary, row, "control", row.alpha, "shuffled")
    beside = f", {chance:.2f} beside the teacher's map of another image" if pd.notna(chance) else ""
    sentence = (
        f"Distilled at α = {row.alpha:g}, the smaller students rank the parts of an image like the teacher at "
        f"ρ = {after:.2f}, undistilled at {before:.2f}: a difference of "
        f"{_signed(row.estimate, 2)} ({_span(row)}){beside}."
    )
    return Finding(2, "Distillation aligns explanations", verdict(row.low, row.high), sentence, "rank")


def _focus(summary: pd.DataFrame, config: Config) -> Finding | None:
    row = _overall(summary, "focus")
    if row is None:
        return None
    after, before = (_mean(summary, row, "group", alpha) for alpha in (row.alpha, 1.0))
    sentence = (
        f"Of what the smaller students look at on the object, {after:.1%} lies on the teacher's {config.measure.top_k} "
        f"most important parts when distilled at α = {row.alpha:g} and {before:.1%} when not: "
        f"{_signed(row.estimate * 100, 1)} points ({_span(row, 100)})."
    )
    title = "Distillation concentrates focus on the teacher's most important parts"
    return Finding(3, title, verdict(row.low, row.high), sentence, "focus")


def _association(summary: pd.DataFrame) -> Finding | None:
    method, importance, _ = PRIMARY["rank_alignment"]
    rows = summary[
        (summary["kind"] == "association") & (summary["method"] == method) & (summary["importance"] == importance)
    ]
    by: dict[tuple[str, str], Any] = {(str(row.subset), str(row.control)): row for row in rows.itertuples()}
    images = by.get(("images", "accuracy"))
    if images is None or pd.isna(images.estimate):
        return None
    direction = "more" if images.estimate >= 0 else "less"
    sentence = (
        f"On images where a student's outputs agree more with the teacher's, it also looks {direction} alike: "
        f"ρ = {_signed(by['images', ''].estimate, 2)} within a network, {_signed(images.estimate, 2)} between images "
        f"that are alike right or wrong ({_span(images)})"
    )
    cells = by.get(("cells", ""))
    if cells is not None and pd.notna(cells.estimate) and cells.n >= 4:
        sentence += f"; across the {cells.n} students ρ = {_signed(cells.estimate, 2)} ({_span(cells)})"
    title = "Outputs and explanations move together"
    return Finding(4, title, verdict(images.low, images.high), sentence + ".", "logit")


def _claimed(summary: pd.DataFrame, measure: str) -> pd.DataFrame:
    return summary[(summary["kind"] == "finding") & (summary["measure"] == measure)]


def _overall(summary: pd.DataFrame, measure: str) -> Any:
    rows = _claimed(summary, measure)
    rows = rows[(rows["architecture"] == "") & rows["estimate"].notna()]
    return next(rows.itertuples(), None)


def _each(summary: pd.DataFrame, measure: str, scale: float, unit: str) -> str:
    rows = _claimed(summary, measure)
    rows = rows[rows["architecture"] != ""]
    return ", ".join(
        f"{nice_name(a)} {_signed(e * scale, 1)}{unit}"
        for a, e in zip(rows["architecture"], rows["estimate"], strict=True)
    )


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


def _span(row: Any, scale: float = 1) -> str:
    digits = 1 if scale != 1 else 2
    return f"95 % interval {_signed(row.low * scale, digits)} to {_signed(row.high * scale, digits)}"


def _signed(value: float, digits: int) -> str:
    """Write a difference with its sign, a true minus; one that rounds to nothing has none."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")
