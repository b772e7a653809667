"""Images one by one: what they are sorted by, what is undefined, what is said of them."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.figures import images, singles
from core.figures.images import agreement, by_class, extremes, of_images, pairs, sentence, signed

NAN = float("nan")
ABOUT = pd.DataFrame(
    {"id": [7, 8, 9, 10], "name": ["jay", "jay", "auk", "auk"], "kept": [True, False, True, True], "label": 0}
)


def measures(rank: list[float], right: list[float]) -> pd.DataFrame:
    """Of images 7 to 10, of which 7 was not explained."""
    rows: list[tuple[Any, ...]] = [(7 + i, "accuracy", "", "", "", value) for i, value in enumerate(right)]
    rows += [(7 + i, "logit_alignment", "", "", "", 0.1 * i) for i in range(4)]
    for method, by in (("ig", 1.0), ("saliency", -1.0)):
        for importance, less in (("density", 0.0), ("mass", 0.5)):
            rows += [(8 + i, "rank_alignment", method, importance, "", by * v - less) for i, v in enumerate(rank)]
    return pd.DataFrame(rows, columns=["image", "measure", "method", "importance", "outside", "value"])


STUDENT = measures([0.5, NAN, -0.25], [1, 1, 0, 0])
TEACHER = measures([1.0, 1.0, 1.0], [1, 0, 1, 0])
ALONE = measures([0.25, 0.5, 0.25], [1, 1, 1, 1])


def table(alone: pd.DataFrame | None = ALONE) -> pd.DataFrame:
    return agreement(STUDENT, TEACHER, alone, ABOUT, "rank_alignment", "ig")


def test_a_measure_is_of_its_method_and_per_pixel() -> None:
    assert of_images(STUDENT, "rank_alignment", "saliency").loc[8] == -0.5
    assert list(of_images(STUDENT, "logit_alignment", "saliency").index) == [7, 8, 9, 10]


def test_images_come_with_what_is_known_of_them() -> None:
    found = table()
    assert found["image"].to_list() == [8, 9, 10]
    assert found["name"].to_list() == ["jay", "auk", "auk"]
    assert found["kept"].to_list() == [False, True, True]
    assert found["student"].to_list() == [True, False, False]
    assert found["teacher"].to_list() == [False, True, False]
    assert found["change"].to_list()[::2] == [0.25, -0.5]
    assert math.isnan(found["change"][1]), "undefined is never 0"


def test_without_a_fellow_nothing_changed() -> None:
    assert table(None)[["alone", "change"]].isna().all(axis=None)


@pytest.mark.parametrize(("order", "want"), [("least", [10, 8]), ("most", [8, 10]), ("raised", [8]), ("lowered", [10])])
def test_orders_leave_out_what_is_undefined(order: str, want: list[int]) -> None:
    assert extremes(table(), order, 5)["image"].to_list() == want
    assert extremes(table(), order, 1)["image"].to_list() == want[:1]


def test_a_class_has_its_mean_and_says_what_is_left_out() -> None:
    found = by_class(table(), "value")
    known = {"name": ["auk", "jay"], "mean": [-0.25, 0.5], "n": [1, 1], "skipped": [1, 0]}
    assert found[list(known)].to_dict("list") == known


def test_the_mean_of_a_class_has_students_interval_and_none_of_one_image() -> None:
    values = [0.1, 0.4, 0.2, 0.9]
    rows = pd.DataFrame({"name": [*["auk"] * 4, "jay"], "value": [*values, 0.5]})
    auk, jay = by_class(rows, "value").to_dict("records")
    half = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) / 2
    assert (auk["low"], auk["high"]) == pytest.approx((0.4 - half, 0.4 + half))
    assert math.isnan(jay["low"])
    assert math.isnan(jay["high"])


def test_outputs_and_explanations_are_joined_by_image() -> None:
    logit = agreement(STUDENT, TEACHER, None, ABOUT, "logit_alignment", "ig")
    found = pairs(table(), logit)
    assert found["image"].to_list() == [8, 9, 10], "the image that was not explained has no mark"
    assert found["logit"].to_list() == [0.1, 0.2, pytest.approx(0.3)]
    assert found["answers"].to_list() == ["only the student right", "only the teacher right", "both wrong"]
    spec = singles.within(found)
    (drawn,) = spec["datasets"].values()
    assert len(drawn) == 2, "one is undefined"


def test_the_sentence_names_both_ends_and_counts_what_rose() -> None:
    assert sentence(table(), "ResNet18 distilled at α = 0.1", "rank_alignment") == (
        "By rank alignment, ResNet18 distilled at α = 0.1 agrees least with the teacher on an image of an auk (−0.25) "
        "and most on one of a jay (0.50); distillation raised it on 1 of 2 images."
    )
    assert sentence(table(None), "It", "rank_alignment").endswith("a jay (0.50).")
    nothing = table().assign(value=NAN)
    assert sentence(nothing, "It", "rank_alignment") == "It has no image on which rank alignment is defined."


def test_signs() -> None:
    assert [signed(v) for v in (0.126, -0.126, -0.001, NAN)] == ["0.13", "−0.13", "0.00", "–"]
    assert [signed(v, plus=True) for v in (0.126, -0.126)] == ["+0.13", "−0.13"]


def test_classes_are_drawn_from_low_to_high_with_their_count() -> None:
    spec = singles.classes(table(), by_class(table(), "value"), "value", "Rank alignment")
    line, ticks, interval, dots = spec["layer"]
    assert ticks["encoding"]["y"]["sort"] == dots["encoding"]["y"]["sort"] == ["auk (1)", "jay (1)"]
    assert (interval["encoding"]["x"]["field"], interval["encoding"]["x2"]["field"]) == ("low", "high")
    assert len(spec["datasets"][ticks["data"]["name"]]) == 2
    (drawn,) = spec["datasets"][line["data"]["name"]]
    assert drawn == {"line": "the mean of all images", "at": 0.125}


def test_the_orders_are_of_columns_there_are() -> None:
    assert {column for column, _ in images.ORDERS.values()} <= set(table())
