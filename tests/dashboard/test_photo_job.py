import threading
from dataclasses import replace
from types import SimpleNamespace
from weakref import WeakValueDictionary

import numpy as np
import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core import live
from core.ask import Ask
from core.cells import Cell
from core.errors import UserError
from core.live import CellResult
from core.study import Study
from dashboard import asked, live_job, live_view, photo_job, trust_view
from dashboard.state import Choices
from tests.tiny import tiny_study

SALIENCY, GRADIENTS = "saliency", "integrated_gradients"
SCENE = live.Scene(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.uint8), ("all",))


@pytest.fixture(autouse=True)
def session(monkeypatch):
    state = {}
    monkeypatch.setattr(live_job.st, "session_state", state)
    monkeypatch.setattr(live_job, "_jobs", WeakValueDictionary())
    return state


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(tiny_study(tmp_path_factory.mktemp("photo") / "tiny"))


@pytest.fixture
def of_study(study):
    config = study.config.students
    return asked.asked(asked.STUDYS, Choices(study, config.architectures, config.alphas, GRADIENTS))


def result(cell, method):
    heat = np.eye(8, dtype=np.float32)
    return CellResult(cell, method, 0, 0.9, 0, heat, np.nan, 0.0, 1, True, True, np.ones(1), 1.0)


def ended(job):
    """Wait for the thread that a job runs in."""
    for thread in threading.enumerate():
        if thread.name == "explain-photo":
            thread.join(20)
    assert not job.running
    return job


@pytest.fixture
def explained(monkeypatch):
    calls = []

    def explain(networks, scene, cells, methods, ask, kept=None, done=(), place=None, by=None):
        calls.append(list(methods))
        for method in methods:
            for cell in cells:
                yield result(cell, method)

    monkeypatch.setattr(live, "explain_image", explain)
    return calls


def test_a_further_method_keeps_what_is_there_of_the_same_image(study, of_study, explained):
    first = ended(photo_job.job_for(of_study, b"one", SCENE, Ask()))
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is first
    another = replace(of_study, method="grad_cam", methods=[*of_study.methods, "grad_cam"])
    second = ended(photo_job.job_for(another, b"one", SCENE, Ask()))
    assert explained == [[SALIENCY, GRADIENTS], ["grad_cam"]]
    assert {method for method, _ in second.found} == {SALIENCY, GRADIENTS, "grad_cam"}
    assert second.done == second.total == 3 * len(study.cells)
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is second, "and back costs nothing"
    other = ended(photo_job.job_for(of_study, b"two", SCENE, Ask()))
    assert explained[2] == [SALIENCY, GRADIENTS]
    assert {method for method, _ in other.found} == {SALIENCY, GRADIENTS}


def test_another_cut_into_parts_computes_nothing(of_study, explained):
    job = ended(photo_job.job_for(of_study, b"one", SCENE, Ask()))
    halves = live.Scene(SCENE.image, np.repeat([[1, 2]], 8, axis=0).repeat(4, axis=1).astype(np.uint8), ("a", "b"))
    assert photo_job.job_for(of_study, b"one", halves, Ask()) is job
    assert len(explained) == 1
    for found in job.results(of_study.teacher, halves):
        np.testing.assert_allclose(found.density, [4 / 32, 4 / 32])


def test_forgetting_an_image_forgets_what_was_checked_of_it():
    checks = trust_view.about("one")
    live_job.forget()
    assert trust_view.about("one") is not checks


def test_forgetting_an_image_ends_its_job(of_study, monkeypatch):
    begun = threading.Event()

    def explain(*given, place, **named):
        with place:
            begun.set()
            while not place.stopped:
                pass
        yield from ()

    monkeypatch.setattr(live, "explain_image", explain)
    job = photo_job.job_for(of_study, b"one", SCENE, Ask())
    assert begun.wait(20)
    live_job.forget()
    ended(job)


def test_a_page_that_is_left_computes_no_more_and_what_has_ended_stays(session, of_study, monkeypatch):
    begun = threading.Event()

    def explain(*given, place, **named):
        with place:
            begun.set()
            while not place.stopped:
                pass
        yield from ()

    monkeypatch.setattr(live, "explain_image", explain)
    job = photo_job.job_for(of_study, b"one", SCENE, Ask())
    checks = trust_view.about("one")
    assert begun.wait(20)
    live_job.leave()
    assert session == {live_job.CHECKS: checks}, "which nobody has begun"
    ended(job)
    session[live_job.KEY] = job
    live_job.leave()
    assert session[live_job.KEY] is job


@pytest.fixture
def visitor(monkeypatch):
    """Be one of several visitors, each with a session of its own."""
    states = {}

    def become(name):
        monkeypatch.setattr(live_job, "_visitor", lambda: name)
        monkeypatch.setattr(live_job.st, "session_state", states.setdefault(name, {}))
        return states[name]

    return become


def test_visitors_with_the_same_photo_share_its_job_until_the_last_has_left(of_study, monkeypatch, visitor):
    calls, more = [], threading.Semaphore(0)

    def explain(networks, scene, cells, methods, ask, kept=None, done=(), place=None, by=None):
        calls.append(len(done))
        with place:
            for cell in cells:
                while not more.acquire(timeout=0.01):
                    place.check()
                yield result(cell, SALIENCY)

    monkeypatch.setattr(live, "explain_image", explain)
    visitor("a")
    job = photo_job.job_for(of_study, b"one", SCENE, Ask())
    visitor("b")
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is job, "which is under way"
    assert photo_job.job_for(of_study, b"two", SCENE, Ask()) is not job, "and left for another photo"
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is job
    own = visitor("c")
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is job
    more.release()
    while not job.found:
        pass
    live_job.stop(job)
    assert job.running, "for the others"
    alone = own[live_job.KEY]
    assert (alone.running, alone.stopped, len(alone.found)) == (False, True, 1)
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is alone, "until this visitor goes on"
    visitor("a")
    live_job.forget()
    assert job.running, "b has not left"
    assert not job.place.stopped
    visitor("b")
    live_job.forget()
    ended(job)
    assert calls.count(0) == 2, "once for each photo"
    visitor("d")
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is not job, "which was stopped half way"
    live_job.forget()


def test_who_stops_alone_and_goes_on_gets_all_though_the_others_have_it_by_then(of_study, monkeypatch, visitor):
    more = threading.Semaphore(0)

    def explain(networks, scene, cells, methods, ask, kept=None, done=(), place=None, by=None):
        for cell in cells:
            if (SALIENCY, cell) not in done:
                assert more.acquire(timeout=20)
                yield result(cell, SALIENCY)

    monkeypatch.setattr(live, "explain_image", explain)
    visitor("a")
    job = photo_job.job_for(of_study, b"one", SCENE, Ask())
    own = visitor("b")
    photo_job.job_for(of_study, b"one", SCENE, Ask())
    live_job.stop(job)
    more.release(1000)
    alone, whole = own[live_job.KEY], ended(job).finished
    assert (len(whole), alone.finished) == (len(of_study.everyone), set())
    alone.go_on()
    assert ended(alone).finished == whole


def test_what_is_finished_is_there_for_who_comes_with_the_same_photo(of_study, explained, visitor):
    visitor("a")
    job = ended(photo_job.job_for(of_study, b"one", SCENE, Ask()))
    visitor("b")
    assert photo_job.job_for(of_study, b"one", SCENE, Ask()) is job
    assert len(explained) == 1


def test_a_photo_is_decoded_once_and_forgotten_with_its_file(session, monkeypatch):
    files, decoded = MemoryUploadedFileManager("/upload"), []
    for name in ("first", "second", "another's"):
        files.add_file("other" if name == "another's" else "mine", UploadedFileRec(name, name, "", b"bytes"))
    context = SimpleNamespace(session_id="mine", uploaded_file_mgr=files)
    monkeypatch.setattr(live_job, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(photo_job, "open_apart", lambda data, *given: (decoded.append(data), np.zeros(3))[1])
    photo = photo_job.opened(b"bytes", "first")
    assert photo_job.opened(b"bytes", "second") is photo, "the same picture, dropped again"
    assert decoded == [b"bytes"]
    live_job.forget()
    assert session == {}
    assert [file.file_id for file in files.get_files("mine", ["first", "second"])] == ["first"]
    assert files.get_files("other", ["another's"])
    live_job.forget()


def test_an_image_is_cut_into_parts_once():
    cuts = []

    def cut(name):
        return live_job.seen(name, lambda: (cuts.append(name), SCENE)[1])

    assert [cut("one"), cut("one"), cut("two")] == [SCENE] * 3
    assert cuts == ["one", "two"]
    live_job.forget()
    cut("two")
    assert cuts == ["one", "two", "two"]


def test_networks_that_are_missing_are_fetched_first_and_that_is_shown(of_study, explained):
    shown = []

    def fetch(on_progress, check):
        check()
        on_progress("ResNet101", 40_000_000, 170_000_000)
        shown.append(live_view.progress(live_job.st.session_state[live_job.KEY]))

    job = ended(photo_job.job_for(replace(of_study, fetch=fetch), b"one", SCENE, Ask()))
    assert shown == [(pytest.approx(4 / 17), "Downloading ResNet101: 40 of 170 MB.")]
    assert job.fetching is None
    assert job.done == job.total


def test_what_cannot_be_fetched_is_one_sentence_and_may_be_tried_again(of_study, explained):
    online = []

    def fetch(on_progress, check):
        on_progress("ResNet101", 0, 0)
        if not online:
            raise UserError("There is no internet.")

    job = ended(photo_job.job_for(replace(of_study, fetch=fetch), b"one", SCENE, Ask()))
    assert job.error == "There is no internet."
    assert job.fetching is None
    assert job.stopped
    online.append(True)
    job.go_on()
    ended(job)
    assert not job.error
    assert job.done == job.total


def test_the_networks_of_imagenet_are_told_apart_from_distilled_ones(study):
    config = study.config.students
    networks = asked.asked(asked.IMAGENETS, Choices(study, config.architectures, config.alphas, GRADIENTS))
    assert [cell.name for cell in networks.cells] == ["ResNet101", "ResNet50", "ResNet34", "ResNet18"]
    kinds = [networks.kind(cell) for cell in networks.cells]
    assert kinds == ["the teacher", *["from labels alone"] * 3]
    assert networks.methods == [SALIENCY, GRADIENTS]
    assert len(networks.classes) == 1000


def test_studys_networks_are_called_by_how_they_were_trained(of_study):
    assert of_study.kind(Cell("resnet18", 0.1, 0)) != of_study.kind(Cell("resnet18", 1.0, 0))
