"""Images of a study one by one: how far a student agrees with the teacher on each, and what distillation changed."""

import numpy as np
import pandas as pd

from core.estimates import mean_over_seeds
from core.figures.encoding import written
from core.measures import MEASURES
from core.sentences import article

MEASURED = ("rank_alignment", "map_similarity", "logit_alignment")
"""Agreement with the teacher that every single image has a number of."""
SORTED = (*MEASURED, "focus", "enrichment", "kl")
"""All that single images have a number of and may be sorted by."""
COUNTED = {"rank_alignment": ("density", ""), "focus": ("density", "parts"), "enrichment": ("density", "image")}
"""How the importance of a part is counted, and what the rest is, where a measure has such a thing."""
ORDERS = {
    "least": ("value", True),
    "most": ("value", False),
    "raised": ("change", False),
    "lowered": ("change", True),
}
"""What images are sorted by: column of `agreement`, and whether the lowest come first."""
ANSWERS = {
    (True, True): "both right",
    (True, False): "only the teacher right",
    (False, True): "only the student right",
    (False, False): "both wrong",
}
"""By whether the teacher is right, and the student."""


def of_images(measures: pd.DataFrame, measure: str, method: str) -> pd.Series:
    """Return a measure of each image, by image; NaN where it is undefined.

    Parameters
    ----------
    measures : DataFrame
        `Study.measures` of one cell.
    measure : str
        One of `SORTED`, or "accuracy".
    method : str
        By which maps are made; counts where the measure has one.
    """
    keep = (measures["measure"] == measure) & measures["method"].isin(["", method])
    importance, outside = COUNTED.get(measure, ("", ""))
    keep &= (measures["importance"] == importance) & (measures["outside"] == outside)
    return measures[keep].set_index("image")["value"].astype(float)


def agreement(
    student: pd.DataFrame,
    teacher: pd.DataFrame,
    alone: pd.DataFrame | None,
    images: pd.DataFrame,
    measure: str,
    method: str,
) -> pd.DataFrame:
    """Return one row an image that the measure is of.

    Parameters
    ----------
    student, teacher, alone : DataFrame
        `Study.measures` of each; `alone` is the student's undistilled fellow, None where there is none.
    images : DataFrame
        id, `name` of the class, and kept: whether its maps can be seen.
    measure, method : str
        As `of_images`.

    Returns
    -------
    DataFrame
        image, name, kept, value, alone (the same of the undistilled), change (value less alone), student and teacher
        (whether each is right). NaN where a number is undefined.
    """
    table = of_images(student, measure, method).rename("value").reset_index()
    known = images.set_index("id").loc[table["image"]]
    before = np.nan if alone is None else of_images(alone, measure, method).reindex(table["image"]).to_numpy()
    right = {
        who: (of_images(each, "accuracy", "").reindex(table["image"]) == 1).to_numpy()
        for who, each in (("student", student), ("teacher", teacher))
    }
    table = table.assign(name=known["name"].to_numpy(), kept=known["kept"].to_numpy(), alone=before, **right)
    table["change"] = table["value"] - table["alone"]
    return table[["image", "name", "kept", "value", "alone", "change", "student", "teacher"]]


def extremes(table: pd.DataFrame, order: str, count: int) -> pd.DataFrame:
    """Return the first images of `agreement` in an order of `ORDERS`.

    Undefined ones are in none; of those that were raised, or lowered, only what did rise, or fall.
    """
    column, lowest = ORDERS[order]
    known = table[table[column].notna()]
    if column == "change":
        known = known[(known[column] < 0) if lowest else (known[column] > 0)]
    return known.sort_values([column, "image"], ascending=[lowest, True]).head(count).reset_index(drop=True)


def by_class(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean of a column of `agreement` per class, the lowest first.

    Returns
    -------
    DataFrame
        name, mean, low and high (95 %, Student's t over the images; NaN for fewer than two, and where all are alike),
        n, skipped (undefined).
    """
    groups = table.groupby("name")[column]
    rows = [(name, *mean_over_seeds(values.to_numpy(float))) for name, values in groups]
    found = pd.DataFrame(rows, columns=["name", "mean", "low", "high", "n", "skipped"])
    return found.sort_values("mean", kind="stable", ignore_index=True)


def pairs(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Join two tables of `agreement` on the images of both: image, name, logit, rank, answers.

    `table` is of rank alignment, `other` of logit alignment. Images on which one is undefined stay, as NaN.
    """
    found = table.rename(columns={"value": "rank"})[["image", "name", "rank", "student", "teacher"]]
    found = found.merge(other.rename(columns={"value": "logit"})[["image", "logit"]], on="image")
    said = [ANSWERS[pair] for pair in zip(found["teacher"], found["student"], strict=True)]
    return found.assign(answers=said)[["image", "name", "logit", "rank", "answers"]]


def sentence(table: pd.DataFrame, who: str, measure: str) -> str:
    """Say on which images a student agrees least and most with the teacher, and how often distillation raised it.

    Parameters
    ----------
    table : DataFrame
        `agreement`.
    who : str
        The student, as the subject of a sentence.
    measure : str
        One of `MEASURED`.
    """
    label = MEASURES[measure].label.lower()
    known = table[table["value"].notna()]
    if known.empty:
        return f"{who} has no image on which {label} is defined."
    low, high = (extremes(known, order, 1).iloc[0] for order in ("least", "most"))
    said = (
        f"By {label}, {who} agrees least with the teacher on an image of {_a(low['name'])} ({signed(low['value'])}) "
        f"and most on one of {_a(high['name'])} ({signed(high['value'])})"
    )
    change = table["change"].dropna()
    if change.empty:
        return f"{said}."
    return f"{said}; distillation raised it on {int((change > 0).sum())} of {len(change)} images."


def _a(name: str) -> str:
    return f"{article(name.lower())} {name}"


def signed(value: float, plus: bool = False) -> str:
    """Return a number with two decimals and a true minus; a dash where it is undefined."""
    return written(value, "+.2f" if plus else ".2f")
