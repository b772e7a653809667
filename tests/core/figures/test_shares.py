"""The parts that gained and lost looking: in the teacher's order, with the numbers of the summary."""

import pandas as pd
import pytest

from core.figures.shares import TOLD, UNTOLD, moves, sentence, slopes

SHARES = {
    ("teacher", 1.0): {"beak": 0.4, "wing": 0.1, "tail": 0.3},
    ("student", 1.0): {"beak": 0.2, "wing": 0.3, "tail": 0.25},
    ("student", 0.5): {"beak": 0.25, "wing": 0.25, "tail": 0.2},
    ("student", 0.1): {"beak": 0.35, "wing": 0.125, "tail": 0.25},
}
NO_CHANGE = dict.fromkeys(("change", "change_low", "change_high"), float("nan"))
CHANGES = {
    ("student", 0.1): {
        # Paired by seed, so not quite the difference of the two shares, which may be of other seeds.
        "beak": {"change": 0.16, "change_low": 0.05, "change_high": 0.27},
        "wing": {"change": -0.175, "change_low": -0.4, "change_high": 0.05},
    }
}


def shares(*left_out: tuple[str, float]) -> pd.DataFrame:
    rows = [
        {
            "part": part,
            "role": role,
            "alpha": alpha,
            "share": share,
            "low": share - 0.01,
            "high": share + 0.01,
            "n": 9,
            **CHANGES.get((role, alpha), {}).get(part, NO_CHANGE),
        }
        for (role, alpha), parts in SHARES.items()
        if (role, alpha) not in left_out
        for part, share in parts.items()
    ]
    return pd.DataFrame(rows)


def test_parts_are_in_the_teachers_order() -> None:
    found = moves(shares(), 0.1)
    assert found["part"].to_list() == ["beak", "tail", "wing"]
    assert found["alone"].to_list() == [0.2, 0.25, 0.3]
    assert found["distilled"].to_list() == [0.35, 0.25, 0.125]
    assert found["change"].to_list() == pytest.approx([0.16, 0, -0.175])
    assert found["low"].to_list() == pytest.approx([0.05, float("nan"), -0.4], nan_ok=True)
    assert found["high"].to_list() == pytest.approx([0.27, float("nan"), 0.05], nan_ok=True)


@pytest.mark.parametrize("gone", [("student", 1.0), ("student", 0.1)])
def test_nothing_moves_without_both(gone: tuple[str, float]) -> None:
    assert moves(shares(gone), 0.1).empty


def test_the_sentence_names_the_parts_with_their_numbers() -> None:
    said = sentence(moves(shares(), 0.1), "ResNet18", "α = 0.1, λ = 1").replace("\u00a0", " ")
    assert said == (
        "When ResNet18 is distilled at α = 0.1, λ = 1, the beak gained most (20.0 % → 35.0 %, +16.0 points, 95 % "
        "interval +5.0 to +27.0; teacher 40.0 %) and the wing lost most (30.0 % → 12.5 %, −17.5 points, 95 % interval "
        "−40.0 to +5.0; teacher 10.0 %); on 2 of 3 parts its share comes nearer the teacher's."
    )


def test_a_part_that_only_gained_least_did_not_lose() -> None:
    table = moves(shares(), 0.1)
    rising = table.assign(distilled=table["alone"] + 0.01, change=0.01)
    assert "lost" not in sentence(rising, "It", "α = 0.1")
    still = table.assign(distilled=table["alone"], change=0.0)
    assert "no part gains or loses; on 0 of 3 parts" in sentence(still, "It", "α = 0.1")


def test_the_chart_draws_the_two_and_the_teacher_in_its_order() -> None:
    spec = slopes(shares(), 0.1, [1.0, 0.5, 0.1])
    bar, line, _, point = spec["layer"]
    assert [layer["mark"]["type"] for layer in (bar, line, point)] == ["bar", "line", "point"]
    assert point["encoding"]["x"]["sort"] == ["beak", "tail", "wing"]
    assert point["encoding"]["xOffset"]["sort"] == ["1.0", "0.1"]
    drawn = spec["datasets"][point["data"]["name"]]
    assert {row["alpha"] for row in drawn} == {1.0, 0.1}
    assert len(drawn) == 6


def test_a_change_that_may_be_chance_is_dashed() -> None:
    spec = slopes(shares(), 0.1, [1.0, 0.5, 0.1])
    line = spec["layer"][1]
    told = {row["part"]: row["told"] for row in spec["datasets"][line["data"]["name"]]}
    assert told == {"beak": TOLD, "wing": UNTOLD, "tail": UNTOLD}
    assert line["encoding"]["strokeDash"]["field"] == "told"
