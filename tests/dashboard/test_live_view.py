import threading
import time

import numpy as np

from core.cells import Cell
from core.errors import UserError
from core.live import CellResult
from dashboard import live_view
from dashboard.live_job import Job

TEACHER, STUDENT, OTHER = Cell("resnet101", 1.0, 0), Cell("resnet18", 1.0, 0), Cell("resnet18", 0.1, 0)
CELLS = [TEACHER, STUDENT, OTHER]
SALIENCY, GRADIENTS = "saliency", "integrated_gradients"


def result(cell, method, predicted=0):
    gap = 0.01 if method == GRADIENTS else np.nan
    return CellResult(cell, method, predicted, 0.9, 0, np.eye(8, dtype=np.float32), gap, np.arange(6.0), 0.5)


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
    table = live_view.table(found, CELLS, ("wren", "<b>jay</b>"), TEACHER)
    assert len(table) == 3
    assert list(table["Answer"]) == ["<b>jay</b>"] * 3
    assert {"ρ, saliency", "ρ, integrated gradients", "Completeness gap"} <= set(table)


def test_agreement_in_words():
    assert live_view._agree([]) == ""
    assert "every other" in live_view._agree([True, True])
    assert "no other" in live_view._agree([False, False])
    assert "1 of the 3" in live_view._agree([True, False, False])


def test_a_job_collects_results_as_they_come():
    job = Job("key", 2)
    job.start(lambda: (result(cell, SALIENCY) for cell in CELLS[:2]))
    wait(job)
    assert [each.cell for each in job.results] == CELLS[:2]
    assert job.error == ""


def test_a_cancelled_job_keeps_what_it_has_and_closes_its_source():
    closed, go_on = threading.Event(), threading.Event()

    def source():
        try:
            yield result(TEACHER, SALIENCY)
            go_on.wait(5)
            yield result(STUDENT, SALIENCY)
            raise AssertionError("went on")
        finally:
            closed.set()

    job = Job("key", 3)
    job.start(source)
    while not job.results:
        time.sleep(0.01)
    job.cancel()
    go_on.set()
    assert not job.running
    assert closed.wait(5)
    assert [each.cell for each in job.results] == [TEACHER]


def test_an_error_is_a_sentence():
    def source():
        yield result(TEACHER, SALIENCY)
        raise UserError("There is no file x.")

    job = Job("key", 3)
    job.start(source)
    wait(job)
    assert job.error == "There is no file x."
    assert len(job.results) == 1
