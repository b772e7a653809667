import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core import sentences
from core.ask import Ask
from core.attribution import Prepared, explain
from core.cells import Cell
from core.errors import UserError
from core.live import CellResult
from core.methods import METHODS
from core.turns import Place, Turns
from dashboard import live_job, live_view, words
from dashboard.live_job import Job
from tests.core.attribution.nets import trained

TEACHER, STUDENT, OTHER = Cell("resnet101", 1.0, 0), Cell("resnet18", 1.0, 0), Cell("resnet18", 0.1, 0)
CELLS = [TEACHER, STUDENT, OTHER]
SALIENCY, GRADIENTS = "saliency", "integrated_gradients"


def result(cell, method, predicted=0):
    gap, bar = (0.01, 0.08) if method == GRADIENTS else (np.nan, 0.0)
    heat = np.eye(8, dtype=np.float32)
    return CellResult(cell, method, predicted, 0.9, 0, heat, gap, bar, 33, True, True, np.arange(6.0), 1.0)


def wait(job):
    for _ in range(500):
        if not job.running:
            return
        time.sleep(0.01)
    raise AssertionError("the job does not end")


def test_the_wish_is_shown_once_it_is_there_for_all():
    found = [result(cell, SALIENCY) for cell in CELLS]
    assert live_view.shown([], CELLS, GRADIENTS) == (GRADIENTS, [])
    assert live_view.shown(found[1:], CELLS, GRADIENTS) == (GRADIENTS, [])
    assert live_view.shown(found[:1], CELLS, GRADIENTS)[0] == SALIENCY
    found += [result(cell, GRADIENTS) for cell in CELLS[:2]]
    assert live_view.shown(found, CELLS, GRADIENTS) == (SALIENCY, found[:3])
    found.append(result(OTHER, GRADIENTS))
    assert live_view.shown(found, CELLS, GRADIENTS) == (GRADIENTS, found[3:])
    assert live_view.shown(found, CELLS, SALIENCY) == (SALIENCY, found[:3])


def test_only_the_chosen_cells_are_shown_in_their_order():
    found = [result(cell, SALIENCY) for cell in (TEACHER, OTHER, STUDENT)]
    assert [each.cell for each in live_view.shown(found, [TEACHER, OTHER], SALIENCY)[1]] == [TEACHER, OTHER]


def test_the_table_has_both_methods():
    found = [result(cell, method, 1) for method in (SALIENCY, GRADIENTS) for cell in CELLS]
    table = live_view.table(found, CELLS, ("wren", "<b>jay</b>"), lambda cell: "distilled")
    assert len(table) == 3
    assert list(table["Answer"]) == ["<b>jay</b>"] * 3
    assert {"ρ, saliency", "ρ, integrated gradients", "Completeness gap", "Map's error bar"} <= set(table)


def test_a_job_collects_results_as_they_come():
    job = Job("key", 2, Ask())
    job.start(lambda place: (result(cell, SALIENCY) for cell in CELLS[:2]))
    wait(job)
    assert [each.cell for each in job.results(TEACHER)] == CELLS[:2]
    assert job.error == ""


def test_a_cancelled_job_keeps_what_it_has_and_closes_its_source():
    closed, go_on = threading.Event(), threading.Event()

    def source(place):
        try:
            yield result(TEACHER, SALIENCY)
            go_on.wait(5)
            yield result(STUDENT, SALIENCY)
            raise AssertionError("went on")
        finally:
            closed.set()

    job = Job("key", 3, Ask())
    job.start(source)
    while not job.found:
        time.sleep(0.01)
    job.cancel()
    go_on.set()
    assert not job.running
    assert closed.wait(5)
    assert [each.cell for each in job.results(TEACHER)] == [TEACHER]


def test_a_stopped_job_goes_on_with_what_is_missing():
    go_on, asked = threading.Event(), []

    def source(place):
        asked.append(job.finished)
        yield from (result(TEACHER, SALIENCY), replace(result(STUDENT, SALIENCY), final=False))
        go_on.wait(5)
        yield from (replace(result(TEACHER, SALIENCY), final=False), result(STUDENT, SALIENCY))

    job = Job("key", 2, Ask())
    assert not job.stopped
    job.start(source)
    while len(job.found) < 2:
        time.sleep(0.01)
    job.cancel()
    assert job.stopped
    assert job.done == 1
    job.go_on()
    assert job.running
    assert not job.stopped
    go_on.set()
    wait(job)
    assert asked == [set(), {(SALIENCY, TEACHER)}]
    assert job.done == 2, "what was finished stays so, whatever comes again"
    job.cancel()
    assert not job.stopped, "there was nothing left to stop"


def test_nothing_is_said_of_all_networks_before_they_are_there():
    found = [result(cell, SALIENCY) for cell in CELLS]
    assert live_view.so_far(found[:2], CELLS) == "; 2 of 3 networks are there so far"
    assert live_view.so_far(found, CELLS) == ""


def test_an_error_is_a_sentence():
    def source(place):
        yield result(TEACHER, SALIENCY)
        raise UserError("There is no file x.")

    job = Job("key", 3, Ask())
    job.start(source)
    wait(job)
    assert job.error == "There is no file x."
    assert len(job.found) == 1


def test_later_levels_take_the_place_of_earlier_ones():
    rough = replace(result(TEACHER, GRADIENTS), difference=0.4, converged=False, final=False)
    job = Job("key", 1, Ask())
    job.start(lambda place: (each for each in [rough, result(TEACHER, GRADIENTS)]))
    wait(job)
    assert [each.difference for each in job.results(TEACHER)] == [0.08]
    assert job.done == 1


def test_how_exact_the_maps_are_in_words():
    assert live_view.how_exact([result(TEACHER, SALIENCY)]) == ""
    fine = [result(cell, GRADIENTS) for cell in CELLS]
    assert "8%" in live_view.how_exact(fine)
    assert "rough" not in live_view.how_exact(fine)
    assert "1 of 3 maps is still rough" in live_view.how_exact([*fine[:2], replace(fine[2], converged=False)])
    assert "3 of 3 maps are still rough" in live_view.how_exact([replace(each, converged=False) for each in fine])
    assert "reach < 1%" in live_view.how_exact([replace(each, difference=0.004) for each in fine])
    nothing = replace(fine[0], difference=np.nan, converged=False, map=np.full((8, 8), np.nan))
    assert live_view.how_exact([nothing]).startswith("1 of 1 could not be made")


def test_the_choice_of_baseline_and_score_is_said():
    assert live_view.begun(GRADIENTS, Ask()) == " (from an image of the data's mean colour)"
    assert live_view.begun(GRADIENTS, Ask(baseline="blurred", score="probability")) == (
        " (from the same image, blurred, of the probability)"
    )
    assert live_view.begun("captum", Ask(baseline="black")) == " (from a black image)"
    assert live_view.begun(SALIENCY, Ask(baseline="black")) == ""


def test_every_method_that_has_a_baseline_is_known_to_have_one():
    model, image = trained()[:2]
    for method in METHODS:
        maps = [
            explain(Prepared(model, image), image[:1], np.array([0]), [method], baseline=begin)[method].maps
            for begin in (image[:1] * 0, image[:1] * 0 + 1)
        ]
        assert np.allclose(*maps) == (method not in words.FROM_A_BASELINE), method


def test_a_name_within_a_sentence_keeps_what_it_is_called_after(monkeypatch):
    names = {"a": "Saliency", "b": "Integrated gradients by Captum", "c": "Grad-CAM", "d": "SmoothGrad"}
    monkeypatch.setattr(sentences, "METHOD_LABELS", names)
    told = [words.method_within(method) for method in names]
    assert told == ["saliency", "integrated gradients by Captum", "Grad-CAM", "SmoothGrad"]


class Sessions:
    """As much of Streamlit's runtime as tells who is there."""

    def __init__(self):
        self.active = {"mine"}

    def is_active_session(self, session):
        return session in self.active


@pytest.fixture
def sessions(monkeypatch):
    there = Sessions()
    monkeypatch.setattr(live_job.Runtime, "_instance", there)
    monkeypatch.setattr(live_job, "get_script_run_ctx", lambda: SimpleNamespace(session_id="mine"))
    clock = [0.0]
    monkeypatch.setattr(live_job, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return there, clock


def test_a_browser_that_comes_back_soon_was_never_away(sessions):
    there, clock = sessions
    watched = live_job.watched()
    clock[0] = 1000
    assert watched(), "however long ago it was asked"
    there.active.clear()
    assert watched()
    clock[0] += 0.9 * live_job.GRACE
    assert watched()
    there.active.add("mine")
    assert watched()
    there.active.clear()
    clock[0] += live_job.GRACE
    assert watched()
    clock[0] += live_job.GRACE
    assert not watched()


def test_without_a_browser_one_is_always_there(monkeypatch):
    monkeypatch.setattr(live_job.Runtime, "_instance", None)
    assert live_job.watched()()


def test_a_job_of_a_browser_that_is_gone_leaves_the_line_and_ends(sessions):
    there, clock = sessions

    def source(place):
        with place:
            yield result(TEACHER, SALIENCY)

    with Place(live_job.TURNS):
        job = Job("key", 1, Ask())
        job.start(source)
        there.active.clear()
        while job.running:
            clock[0] += live_job.GRACE
    assert not job.found
    assert job.stopped, "and should the browser come back after all, it may go on"
    there.active.add("mine")
    job.go_on()
    wait(job)
    assert job.done == 1


def test_how_far_a_job_is_in_words():
    job = Job("key", 4, Ask())
    assert live_view.progress(job) == (0.0, "0 of 4 explanations are finished.")
    job.take(result(TEACHER, SALIENCY))
    job.fetched("ResNet101", 43_000_000, 0)
    assert live_view.progress(job) == (0.0, "Downloading ResNet101: 43 MB.")
    job.fetching = None
    job.cancel()
    assert live_view.progress(job) == (0.25, "Stopped: 1 of 4 explanations are finished.")


class Rerun(Exception):  # noqa: N818 - a signal, as Streamlit's own
    pass


class Page:
    """As much of Streamlit as follows a job: fragments that are run again, and a page that is."""

    def __init__(self):
        self.fragments, self.told = [], []

    def fragment(self, function=None, *, run_every=None):
        if function is None:
            return lambda function: self.fragment(function, run_every=run_every)
        self.fragments.append((function, run_every))
        return function

    def rerun(self):
        raise Rerun

    def columns(self, *given, **named):
        return self, self

    def progress(self, share, text):
        self.told.append(text)

    def button(self, *given, **named):
        pass


def test_what_is_drawn_is_drawn_again_only_where_there_is_more(monkeypatch):
    page, clock, shown = Page(), [0.0], []
    monkeypatch.setattr(live_view, "st", page)
    monkeypatch.setattr(live_view, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    job = Job("key", 3, Ask())
    live_view.follow(job, lambda: shown.append(job.news))
    (look, every), (_, picture_every) = page.fragments
    assert (every, picture_every) == (live_view.POLL, None)
    look()
    assert shown == [0], "a look at how far it is draws nothing"
    job.take(result(TEACHER, SALIENCY))
    with pytest.raises(Rerun):  # the first answer is not kept back
        look()
    live_view.follow(job, lambda: shown.append(job.news))
    look = page.fragments[-2][0]
    job.take(result(STUDENT, SALIENCY))
    look()
    clock[0] += live_view.REDRAW
    with pytest.raises(Rerun):
        look()
    assert shown == [0, 1]
    job.cancel()
    with pytest.raises(Rerun):
        look()
    live_view.follow(job, lambda: shown.append(job.news))
    assert page.fragments[-2][1] is None
    assert page.told[-1].startswith("Stopped")


def test_who_waits_in_line_looks_less_often(monkeypatch):
    page, turns = Page(), Turns()
    monkeypatch.setattr(live_view, "st", page)
    job = Job("key", 3, Ask())
    job.place = Place(turns)
    with Place(turns) as first:
        turns._line.append(job.place)
        live_view.follow(job, lambda: None)
        look, every = page.fragments[0]
        assert every == live_view.WAITING > live_view.POLL
        look()
        assert page.told[-1] == "1 other is before you."
    assert first.before == 0
    with pytest.raises(Rerun):  # to look more often from now on
        look()
