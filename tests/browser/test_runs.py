"""A study begun, followed, stopped, gone on with and deleted by hand, while servers come and go."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.run.lock import held
from core.run.status import Status, read_status
from core.study import Study
from dashboard.bench.server import free_port, served
from tests.browser.conftest import MINUTE, READY
from tests.tiny import tiny_study

pytestmark = pytest.mark.browser
SETTINGS = """
teacher.architecture = "resnet18"
students.architectures = ["resnet18"]
students.alphas = [1.0]
students.width = 0.0625
data.image_size = 32
data.classes = 3
data.train_images = 24
data.validation_images = 12
data.test_images = 24
training.epochs = 60
training.batch_size = 8
training.validate_every = 1
explain.methods = ["saliency"]
explain.images = 6
measure.top_k = 3
"""


class Place:
    """A cache of one's own, and a server that can be killed and started anew at the same address."""

    def __init__(self, cache: Path) -> None:
        self.cache, self.port = cache, free_port()
        self.address = f"http://localhost:{self.port}"
        self._serving = ExitStack()

    @property
    def folder(self) -> Path:
        return self.cache / "studies" / "mine"

    def start(self) -> None:
        self.server = self._serving.enter_context(served(self.cache, port=self.port))

    def kill(self) -> None:
        """As a power cut would, had the run a machine of its own."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        self._serving.close()

    def running(self) -> Status:
        status = read_status(self.folder)
        assert status is not None
        assert status.alive
        return status


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    tiny_study(tmp_path / "studies" / "tiny")
    place = Place(tmp_path)
    place.start()
    yield place
    place.stop()
    status = read_status(place.folder)
    if status is not None and status.alive:
        os.kill(status.pid, signal.SIGKILL)


@pytest.fixture
def visitor(browser: Browser, place: Place) -> Iterator[Page]:
    context = browser.new_context(base_url=place.address, viewport={"width": 1300, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(MINUTE * 1000)
    yield page
    context.close()


def go(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(READY)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def card(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-study-{name}")


def test_a_study_from_its_form_to_its_end(visitor: Page, place: Place) -> None:
    page = visitor
    go(page, "/studies?begin=Settings+of+your+own")
    expect(page.get_by_text("One study is here")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("../mine")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_test_id("stAlertContentError")).to_contain_text("Name: letters, digits")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_label("Other settings", exact=True).fill(SETTINGS)
    page.get_by_label("Other settings", exact=True).press("Control+Enter")
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    page.get_by_role("button", name="See what it would take").click()
    expect(page.get_by_text(re.compile("^About .* of this machine"))).to_be_visible(timeout=3 * MINUTE * 1000)
    assert not place.folder.exists(), "nothing is begun before its price was shown"
    page.get_by_role("button", name="Begin the study mine").click()

    # It is followed: the bar, then curves.
    expect(page.get_by_text("1 running")).to_be_visible()
    expect(card(page, "mine").get_by_test_id("stVegaLiteChart")).to_have_count(2, timeout=3 * MINUTE * 1000)
    first = place.running()
    # Held still until it is to be stopped: on a busy machine it would be done before a server has started.
    os.kill(first.pid, signal.SIGSTOP)

    # The server is killed; the run is left, and a new server shows it.
    place.kill()
    assert place.running().pid == first.pid
    place.start()
    go(page, "/studies")
    assert place.running().pid == first.pid

    # It is stopped, and gone on with.
    card(page, "mine").get_by_role("button", name="Stop").click()
    os.kill(first.pid, signal.SIGCONT)
    expect(page.get_by_text("1 stopped")).to_be_visible()
    stopped = read_status(place.folder)
    assert stopped is not None
    assert (stopped.pid, stopped.ended) == (first.pid, "stopped")
    before = Study(place.folder)
    assert not before.complete()
    # The second where every network was trained by then.
    card(page, "mine").get_by_role("button", name=re.compile("Resume|Measure the rest")).click()
    expect(page.get_by_text("1 complete")).to_be_visible(timeout=5 * MINUTE * 1000)
    # A complete study's run still has its own traces to remove; whoever holds the lock next comes after that.
    with held(place.folder):
        pass
    done = Study(place.folder)
    assert done.damaged() == []
    assert len(done.history(done.teacher)) == 60
    assert not (place.folder / "state").exists()

    # It is deleted, once its name was typed.
    card(page, "mine").get_by_test_id("stPopoverButton").filter(has_text="Delete").click()
    delete = page.get_by_role("button", name="Delete it")
    expect(delete).to_be_disabled()
    page.get_by_label("Name of the study").fill("mine")
    page.get_by_label("Name of the study").press("Enter")
    expect(delete).to_be_enabled()
    delete.click()
    expect(page.get_by_text("One study is here")).to_be_visible()
    assert not place.folder.exists()


def test_two_studies_are_compared_at_an_address(page: Page, study: Study) -> None:
    """With one study alone the page says what it takes; the rest is in tests/pages."""
    go(page, "/compare")
    expect(page.get_by_text("takes a second study")).to_be_visible()
