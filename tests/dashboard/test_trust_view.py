import time
from dataclasses import replace

import numpy as np
import pytest

from core.cells import Cell
from core.errors import UserError
from core.live import Checked
from core.trust import CHECKS, LEVELS, RANDOM, STEPS, Trust
from dashboard import trust_view, words
from dashboard.live_job import Checks
from dashboard.viewer import Panel, payload

TEACHER, STUDENT, OTHER = Cell("resnet101", 1.0, 0), Cell("resnet18", 1.0, 0), Cell("resnet18", 0.1, 0)
CELLS = [TEACHER, STUDENT, OTHER]
FALLS, RISES = np.linspace(1, 0, STEPS + 1), np.linspace(0, 1, STEPS + 1)
SPREAD = np.linspace(0.8, 1, RANDOM)[:, None]
GOOD = Trust(
    deletion=np.stack([0.2 * FALLS, 0.3 * FALLS, *(FALLS * SPREAD)]),
    insertion=np.stack([2 * RISES, 2 * RISES, *(RISES * SPREAD)]),
    randomisation=np.array([0.9, 0.5, 0.1]),
    agreement=0.9,
    gap=0.01,
    difference=0.05,
    signal=True,
)
POOR, BAD = replace(GOOD, agreement=0.2), replace(GOOD, randomisation=np.ones(3))
FLAT = replace(GOOD, signal=False)


@pytest.fixture(autouse=True)
def session(monkeypatch):
    state = {}
    monkeypatch.setattr(trust_view.st, "session_state", state)
    return state


def checks(found, running=False) -> Checks:
    made = Checks("key", len(CELLS))
    made.found, made.running = dict(found), running
    return made


def panel(cell: Cell) -> Panel:
    return Panel(cell.name, cell.name, "", cell.name, np.eye(4), "wren, 90%", True, 0.5, np.array([0.2, 0.1]))


def test_badges_are_on_the_panels_of_their_networks():
    made = checks({TEACHER: GOOD, OTHER: BAD})
    panels = trust_view.marked([panel(cell) for cell in CELLS], CELLS, made)
    assert [each.trust for each in panels] == ["passes", "", "fails"]
    sent = payload(None, panels, None, ["a", "b"])["panels"]
    assert [each["trusted"] for each in sent] == [LEVELS["passes"], "", LEVELS["fails"]]
    assert "shuffled weights" in sent[2]["why"]


def test_without_checks_or_while_they_run_the_panels_are_as_they_were():
    panels = [panel(cell) for cell in CELLS]
    assert trust_view.marked(panels, CELLS, checks({})) == panels
    assert trust_view.marked(panels, CELLS, checks({TEACHER: GOOD}, running=True)) == panels


def test_the_table_marks_what_fails():
    table = trust_view.table({TEACHER: GOOD, STUDENT: POOR, OTHER: FLAT}, CELLS, TEACHER)
    assert list(table["Verdict"]) == [LEVELS["passes"], LEVELS["partly"], LEVELS["flat"]]
    assert list(table[CHECKS["agreement"].label]) == ["ρ = 0.90", "✗ ρ = 0.20", "–"]
    assert list(table[CHECKS["deletion"].label]) == ["19 of 19", "19 of 19", "–"]


def test_checks_that_mean_nothing_here_have_no_column():
    exact = replace(GOOD, gap=np.nan, difference=0.0)
    assert not {"Error bar", "Completeness gap"} & set(trust_view.table({TEACHER: exact}, [TEACHER], TEACHER))


def test_how_many_maps_may_be_trusted_in_one_sentence():
    said = trust_view.sentence({TEACHER: GOOD, STUDENT: POOR, OTHER: BAD}, CELLS)
    assert said == "Of the 3 maps checked, 1 passes all checks, 1 fails one, 1 is not to be trusted."
    assert trust_view.sentence({TEACHER: GOOD}, [TEACHER]) == "Of the one map checked, 1 passes all checks."
    assert trust_view.sentence({TEACHER: BAD, OTHER: BAD}, [TEACHER, OTHER]).endswith("2 are not to be trusted.")


def test_checks_of_other_maps_are_dropped(session):
    first = trust_view.about("one")
    assert not first.running
    assert trust_view.about("one") is first
    session[trust_view.KEY] = running = Checks("one", 3)
    assert trust_view.about("two") is not running
    assert not running.running
    trust_view.forget()
    assert trust_view.KEY not in session


def wait(made: Checks) -> None:
    for _ in range(500):
        if not made.running:
            return
        time.sleep(0.01)
    raise AssertionError("the checks do not end")


def test_checks_run_in_the_background_and_keep_what_there_was(session):
    def check(place):
        yield Checked(STUDENT, "saliency", POOR)
        raise UserError("There is no file x.")

    trust_view._begin(checks({TEACHER: GOOD}), len(CELLS), check)
    made = session[trust_view.KEY]
    wait(made)
    assert made.found == {TEACHER: GOOD, STUDENT: POOR}
    assert made.error == "There is no file x."


def test_names_of_methods_within_a_sentence():
    assert words.method_within("integrated_gradients") == "integrated gradients"
    assert words.method_within("smoothgrad") == "SmoothGrad"
    assert words.method_within("grad_cam") == "Grad-CAM"
    assert words.method_within("captum") == "integrated gradients by Captum"
    assert words.method_within("input_x_gradient") == "input × gradient"
