import threading
from dataclasses import replace

import numpy as np
import pytest
from starlette.datastructures import UploadFile
from starlette.requests import Request

from core import live
from core.ask import Ask
from core.cells import Cell
from core.data.photos import MAX_BYTES
from core.errors import UserError
from core.live import CellResult
from core.study import Study
from dashboard import asked, live_job, live_view, photo_job, trust_view
from dashboard.state import Choices
from tests.loops import finished
from tests.tiny import tiny_study

SALIENCY, GRADIENTS = "saliency", "integrated_gradients"
SCENE = live.Scene(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.uint8), ("all",))


@pytest.fixture(autouse=True)
def session(monkeypatch):
    state = {}
    monkeypatch.setattr(live_job.st, "session_state", state)
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

    def explain(networks, scene, cells, methods, ask, kept=None, done=(), place=None):
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
    photo_job.forget()
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
    photo_job.forget()
    ended(job)


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


@pytest.mark.parametrize("size", [1_500_000, MAX_BYTES])
def test_an_upload_stays_in_memory(size):
    """Streamlit's server takes uploads in through `request.form()` (streamlit/web/server/starlette)."""
    line = b"--x"
    head = b'\r\nContent-Disposition: form-data; name="file"; filename="photo.png"\r\n\r\n'
    body = line + head + bytes(size) + b"\r\n" + line + b"--\r\n"

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def in_memory():
        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        request = Request({"type": "http", "method": "PUT", "headers": headers}, receive)
        (upload,) = (await request.form()).values()
        assert isinstance(upload, UploadFile)
        assert upload.size == size
        return not upload.file._rolled

    assert finished(in_memory())
