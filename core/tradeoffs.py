"""What small size costs in accuracy and in looking: compression, Pareto front, the smallest student that will do.

All of it is read off a study's summary; nothing here needs torch.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from core.cells import teacher_cell
from core.config import Config
from core.cost_measures import COSTS, relative
from core.findings import nice_name
from core.measures import MEASURES

QUALITIES = (
    "accuracy",
    "logit_alignment",
    "top1_agreement",
    "top5_agreement",
    "kl",
    "rank_alignment",
    "map_similarity",
    "focus",
)
"""Measures that a cost is weighed against."""
LOOKING = {"rank_alignment": ("density", ""), "map_similarity": ("", ""), "focus": ("density", "parts")}
"""Importance and outside of those that are made of maps, in the primary analysis (MEASURES.md)."""
LOWER_IS_BETTER = {"kl"}
NO_FRONT = {"focus"}
"""More of it is neither better nor worse, so no network beats another by it."""
PRIMARY_METHOD = "integrated_gradients"


def pareto(cost: ArrayLike, quality: ArrayLike) -> np.ndarray:
    """Tell which are beaten by no other: none costs at most as much and is at least as good, one of the two strictly.

    Parameters
    ----------
    cost, quality : array_like, (N,)
        Lower and higher is better. What has a NaN in either is never on the front, and beats nothing.

    Returns
    -------
    ndarray, (N,)
        bool; of several that are equal in both, all or none.
    """
    cost, quality = np.asarray(cost, float), np.asarray(quality, float)
    if cost.ndim != 1 or cost.shape != quality.shape:
        raise ValueError(f"a front needs as many costs as qualities, not {cost.shape} and {quality.shape}")
    no_worse = (cost[:, None] <= cost) & (quality[:, None] >= quality)
    better = (cost[:, None] < cost) | (quality[:, None] > quality)
    front: np.ndarray = ~(no_worse & better).any(axis=0) & ~np.isnan(cost) & ~np.isnan(quality)
    return front


def compression(costs: Any, teacher: float) -> Any:
    """Return how many times less each costs than the teacher: its cost, divided by theirs."""
    return teacher / costs


def measured_costs(summary: pd.DataFrame) -> list[str]:
    """Return the costs that a summary has, in the order of `COSTS`; none where it was made before there were any."""
    there = set(summary.loc[summary["kind"] == "cost", "measure"])
    return [cost for cost in COSTS if cost in there]


def measured_qualities(summary: pd.DataFrame) -> list[str]:
    """Return those of `QUALITIES` that a summary has for its students."""
    there = set(summary.loc[(summary["kind"] == "group") & summary["estimate"].notna(), "measure"])
    return [quality for quality in QUALITIES if quality in there and quality in MEASURES]


def points(
    summary: pd.DataFrame, config: Config, cost: str, measure: str, method: str = PRIMARY_METHOD
) -> pd.DataFrame:
    """Return what each network costs beside how good it is, one row a network.

    Parameters
    ----------
    summary : DataFrame
        Of a study.
    config : Config
        Its settings.
    cost : str
        A key of `COSTS`.
    measure : str
        One of `QUALITIES`.
    method : str
        Counts for what is made of maps.

    Returns
    -------
    DataFrame
        network, architecture, alpha, explanation_weight (λ), role (student, retrained, imported), cost, ratio
        (`compression`), estimate, low, high, n, skipped, seeds. Means over seeds where there are several. The teacher's
        own row is there only for accuracy, as the undistilled student of its architecture.
    """
    teacher = teacher_cell(config)
    prices = summary[(summary["kind"] == "cost") & (summary["measure"] == cost)]
    prices = prices[["cell", "architecture", "estimate"]].rename(columns={"estimate": "cost"})
    rows = _of(summary, measure, method)
    # Only what was brought in has a cost under its own name.
    own = rows[(rows["kind"] == "cell") & rows["cell"].isin(set(prices["cell"]) - {""})].assign(role="imported")
    groups = rows[(rows["kind"] == "group") & rows["estimate"].notna()]
    again = (groups["architecture"] == teacher.architecture) & (groups["alpha"] == teacher.alpha)
    groups = groups.assign(cell="", role=np.where(again & (measure != "accuracy"), "retrained", "student"))
    table = pd.concat([groups, own], ignore_index=True).merge(prices, on=["cell", "architecture"])
    base = prices.loc[(prices["cell"] == "") & (prices["architecture"] == teacher.architecture), "cost"]
    table["ratio"] = compression(table["cost"], float(base.iloc[0]) if len(base) else math.nan)
    names = table["architecture"].map(nice_name)
    table["network"] = names.where(table["cell"] == "", table["cell"])
    table["seeds"] = len(config.students.seeds)
    numbers = ["cost", "ratio", "estimate", "low", "high", "n", "skipped", "seeds"]
    return table[["network", "architecture", "alpha", "explanation_weight", "role", *numbers]]


def references(
    summary: pd.DataFrame, config: Config, shown: pd.DataFrame, measure: str, method: str = PRIMARY_METHOD
) -> dict[str, float]:
    """Return what a measure is compared with, as far as the summary has it: name -> height.

    Parameters
    ----------
    summary, config, measure, method
        As `points`.
    shown : DataFrame
        Rows of `points`; what chance gives is the mean over them.
    """
    found: dict[str, float] = {}
    if measure in ("accuracy", "focus"):
        found["the teacher itself"] = _teacher_value(summary, config, measure, method)
    chance = _beside(shown, _controls(summary, config, "shuffled", measure, method))
    found["by chance, on average"] = _mean(chance)
    found["the teacher trained anew"] = _mean(
        _controls(summary, config, "retrained teacher", measure, method)["estimate"]
    )
    return {name: value for name, value in found.items() if not math.isnan(value)}


def students(summary: pd.DataFrame, config: Config, cost: str, method: str = PRIMARY_METHOD) -> pd.DataFrame:
    """Return what `smallest` chooses from: every student, and every imported network, with what it keeps.

    Returns
    -------
    DataFrame
        network, architecture, alpha, explanation_weight, cost, ratio, accuracy, accuracy_kept (of the teacher's),
        looking (rank alignment by importance per pixel), chance, retrained, normalised (NaN where the summary has
        none). The teacher's architecture without distillation is the teacher, so it is not among them.
    """
    teacher = teacher_cell(config)
    keys = ["network", "architecture", "alpha", "explanation_weight", "cost", "ratio"]
    accuracy = points(summary, config, cost, "accuracy")[[*keys, "estimate"]].rename(columns={"estimate": "accuracy"})
    looking = points(summary, config, cost, "rank_alignment", method)[[*keys, "estimate"]]
    table = accuracy.merge(looking.rename(columns={"estimate": "looking"}), on=keys)
    table = table[(table["architecture"] != teacher.architecture) | (table["alpha"] != teacher.alpha)]
    normalised = summary[(summary["kind"] == "normalised")]
    retrained = _controls(summary, config, "retrained teacher", "rank_alignment", method)
    return table.assign(
        accuracy_kept=table["accuracy"] / _teacher_value(summary, config, "accuracy", ""),
        chance=_beside(table, _controls(summary, config, "shuffled", "rank_alignment", method)),
        retrained=_mean(retrained["estimate"]),
        normalised=_beside(table, _of(normalised, "rank_alignment", method)),
    ).reset_index(drop=True)


@dataclass(frozen=True)
class Answer:
    """The row of `students` that will do, or None; and the sentence that says so, or names the nearest miss."""

    row: Any
    sentence: str


def smallest(table: pd.DataFrame, accuracy_kept: float, looking_kept: float, cost: str = "parameters") -> Answer:
    """Find the student that costs least of those that keep enough of the teacher's accuracy and of its looking.

    It goes by the estimates themselves, not by their intervals.

    Parameters
    ----------
    table : DataFrame
        `students`, or some of its rows.
    accuracy_kept : float
        Share of the teacher's accuracy.
    looking_kept : float
        Rank alignment with the teacher; 1 is the same order on every image.
    cost : str
        The key of `COSTS` that `table` was made with.

    Returns
    -------
    Answer
        Of several that cost the same, the one that looks most like the teacher.
    """
    asked = (
        f"{_percent(accuracy_kept, 0)} of the teacher's accuracy and {_percent(looking_kept, 0)} of its looking "
        f"(ρ = {_rho(looking_kept)})"
    )
    table = table.dropna(subset=["cost", "accuracy_kept", "looking"])
    if table.empty:
        return Answer(None, "No student shown has a cost, an accuracy and a rank alignment to choose by.")
    kept = table[["accuracy_kept", "looking"]].to_numpy(float)
    short = np.clip([accuracy_kept, looking_kept] - kept, 0, None).max(axis=1)
    ranked = table.assign(short=short, more=-table["looking"]).sort_values(["short", "cost", "more"], kind="stable")
    enough = ranked[ranked["short"] == 0]
    row = (ranked if enough.empty else enough).iloc[0]
    name = named(row["network"], row["alpha"], row["explanation_weight"])
    about = f"{name}: {relative(cost, row['ratio'])}, {_kept(row)}"
    if enough.empty:
        return Answer(None, f"No student shown keeps at least {asked}. The nearest is {about}.")
    return Answer(
        row, f"By {COSTS[cost].by}, the {COSTS[cost].least} student shown that keeps at least {asked} is {about}."
    )


def front_sentence(table: pd.DataFrame, cost: str, label: str, form: str) -> str:
    """Name the networks on the Pareto front, the cheapest first.

    Parameters
    ----------
    table : DataFrame
        `points`, with a column `front`.
    cost : str
        A key of `COSTS`.
    label, form : str
        The measure's name, and how its numbers are written.
    """
    front = table[table["front"]].sort_values(["cost", "network"], kind="stable")
    if front.empty:
        return "Choose more networks and α on the left to compare."
    measure = label if label.isupper() or label[:2] == "KL" else f"{label[:1].lower()}{label[1:]}"
    names: list[str] = []
    columns = (front[name] for name in ("network", "alpha", "explanation_weight", "ratio", "estimate"))
    for network, alpha, weight, ratio, estimate in zip(*columns, strict=True):
        less = f"{ratio:.1f} times" if names and ratio >= 1.05 else relative(cost, ratio)
        value = f"{estimate:{form}}" if names else f"{measure} {estimate:{form}}"
        names.append(f"{named(network, alpha, weight)} ({less}, {value})")
    *some, last = names
    listed = f"{', '.join(some)} and {last}" if some else last
    return f"Weighing {COSTS[cost].by} against {measure}, no other network shown beats {listed}."


def named(network: str, alpha: float, weight: float) -> str:
    """Return a network in words: "ResNet18 distilled at α = 0.1", and with a λ above 0 ", λ = 1"."""
    if math.isnan(alpha):
        return network
    looks = f", λ = {weight:g}" if weight else ""
    return f"{network} undistilled" if alpha == 1 else f"{network} distilled at α = {alpha:g}{looks}"


def _kept(row: Any) -> str:
    """Say what a student keeps, beside chance and the retrained teacher where they are known."""
    beside = [f"by chance {_rho(row['chance'])}"] if pd.notna(row["chance"]) else []
    if pd.notna(row["retrained"]):
        beside.append(f"the teacher trained anew {_rho(row['retrained'])}")
    if pd.notna(row["normalised"]):
        beside.append(f"{_percent(row['normalised'])} of the way from chance to there")
    aside = f" ({', '.join(beside)})" if beside else ""
    looking = f"a rank alignment of ρ = {_rho(row['looking'])} with it{aside}"
    return f"{_percent(row['accuracy_kept'])} of its accuracy and {looking}"


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}\u00a0%".replace("-", "−")  # a line must not end before the sign


def _rho(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _of(summary: pd.DataFrame, measure: str, method: str, control: str = "") -> pd.DataFrame:
    """Return the rows of one measure, in the primary analysis but for the method."""
    importance, outside = LOOKING.get(measure, ("", ""))
    keep = summary["subset"] == "all"
    keys = {"measure": measure, "importance": importance, "outside": outside, "control": control}
    for column, value in {**keys, "method": method if measure in LOOKING else ""}.items():
        keep &= summary[column] == value
    return summary[keep]


def _teacher_value(summary: pd.DataFrame, config: Config, measure: str, method: str) -> float:
    rows = _of(summary, measure, method)
    return _mean(rows.loc[(rows["kind"] == "cell") & (rows["cell"] == teacher_cell(config).name), "estimate"])


def _controls(summary: pd.DataFrame, config: Config, control: str, measure: str, method: str) -> pd.DataFrame:
    """Return a control of every student; the teacher's own is none of a student."""
    rows = _of(summary, measure, method, control)
    return rows[(rows["kind"] == "control") & (rows["cell"] != teacher_cell(config).name)]


def _beside(table: pd.DataFrame, rows: pd.DataFrame) -> list[float]:
    """Return, for each network of `table`, the mean over `rows` of its architecture and α; NaN where there is none."""
    means = rows.groupby(["architecture", "alpha"])["estimate"].mean().to_dict()
    return [means.get(key, math.nan) for key in zip(table["architecture"], table["alpha"], strict=True)]


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
