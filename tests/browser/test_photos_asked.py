"""A visitor's own photo, in a real Chromium."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from core.study import Study
from dashboard.bench.server import served
from tests.browser.conftest import MINUTE, visiting
from tests.browser.test_dashboard import cells, go, settle, viewer
from tests.imagenet import CELLS, write_weights
from tests.imagenet import served as weights_served

expect.set_options(timeout=MINUTE * 1000)

pytestmark = pytest.mark.browser
IMAGENET = "/your_image?ask=ImageNet+networks&method=Saliency"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, which no compression makes smaller: above the 1 MB from which servers like to spool uploads to disk."""
    pixels = np.random.default_rng(0).integers(0, 255, (800, 1000, 3)).astype(np.uint8)
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(pixels).save(path)
    assert path.stat().st_size > 2_000_000
    return path


@pytest.fixture(scope="module")
def offline(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that finds no weights, and the folder where it looks for them."""
    home = tmp_path_factory.mktemp("offline")
    (home / "tmp").mkdir()
    weights = write_weights(home / "made")
    with served(
        study.folder.parents[1],
        "tests/browser/imagenet_home.py",
        TORCH_HOME=str(home),
        TMPDIR=str(home / "tmp"),
        WEIGHTS_URL=f"http://localhost:9/{weights.name}",  # the discard port: nobody answers
        PYTHONPATH=str(Path(__file__).parents[2]),
    ) as server:
        yield server.address, home


@contextmanager
def visitor(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1300, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(MINUTE * 1000)
    yield page
    context.close()


def answers(page: Page) -> Locator:
    return page.get_by_role("heading", name=re.compile("The teacher answers"))


def drop(page: Page, photo: Path) -> None:
    page.locator("input[type=file]").set_input_files(photo)


def results(page: Page) -> dict[str, object]:
    button = page.get_by_role("button", name="Results as JSON")
    expect(button).to_be_visible()
    with page.expect_download() as download:
        button.click()
    found: dict[str, object] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return found


def test_without_weights_or_internet_a_sentence_says_what_to_do_and_then_it_works(
    browser: Browser, offline: tuple[str, Path], photo: Path, study: Study
) -> None:
    address, home = offline
    before = _files(study)
    with visitor(browser, address) as page:
        go(page, IMAGENET)
        expect(page.get_by_text("They know 1,000 everyday things")).to_be_visible()
        drop(page, photo)
        error = page.get_by_test_id("stAlertContentError")
        expect(error).to_contain_text("are not on this machine, and could not be downloaded")
        expect(error).to_contain_text(str(home / "hub" / "checkpoints"))
        write_weights(home / "hub" / "checkpoints")
        page.get_by_role("button", name="Try again").click()
        expect(answers(page)).to_contain_text("so does every other network shown")
        settle(page)
        expect(error).to_have_count(0)
        found = results(page)
        assert found["networks"] == "ImageNet"
        version = viewer(page)
        assert cells(page) == [cell.name for cell in CELLS]
        badges = page.locator("[data-test=viewer] .trust summary")
        assert badges.all_text_contents() == ["not checked"] * len(CELLS), "said where the badge would be"
        expect(
            page.get_by_test_id("stCaptionContainer").filter(has_text="Trust checks are not offered")
        ).to_be_visible()
        expect(page.get_by_role("button", name="Check these maps")).to_have_count(0)
        expect(page.get_by_text("This view can't be shared by a link")).to_be_visible()
        page.get_by_role("radio", name="4 × 4 squares").click()
        expect(page).to_have_url(re.compile("parts=4"))
        viewer(page, version)  # the address is there before the server is asked
        settle(page)
        assert results(page)["parts"] == [f"{column}{row}" for row in range(1, 5) for column in "ABCD"]
    assert _files(study) == before, "nothing of the photo is kept"
    assert not [path for path in (home / "tmp").rglob("*") if not path.is_dir()]


def test_weights_are_downloaded_on_first_use(browser: Browser, study: Study, tmp_path: Path, photo: Path) -> None:
    weights = write_weights(tmp_path / "server")
    with (
        weights_served(weights.parent) as source,
        served(
            study.folder.parents[1],
            "tests/browser/imagenet_home.py",
            TORCH_HOME=str(tmp_path),
            WEIGHTS_URL=f"{source}/{weights.name}",
            PYTHONPATH=str(Path(__file__).parents[2]),
        ) as server,
        visitor(browser, server.address) as page,
    ):
        go(page, IMAGENET)
        drop(page, photo)
        expect(answers(page)).to_be_visible()
    assert [path.name for path in (tmp_path / "hub" / "checkpoints").iterdir()] == [weights.name]


def test_whom_one_asks_is_in_the_address(page: Page) -> None:
    go(page, "/your_image")
    expect(page.get_by_test_id("stAlertContentWarning")).to_contain_text("These networks know")
    page.get_by_role("radio", name="ImageNet networks").click()
    expect(page.get_by_text("They know 1,000 everyday things")).to_be_visible()
    expect(page).to_have_url(re.compile(r"ask=ImageNet"))
    page.reload()
    settle(page)
    expect(page.get_by_role("radio", name="ImageNet networks")).to_be_checked()
    expect(page.get_by_test_id("stAlertContentWarning")).to_have_count(0)


CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def test_a_picture_of_the_camera_is_answered(chromium: Callable[..., Browser], server: str, study: Study) -> None:
    before = _files(study)
    with visiting(chromium(*CAMERA), server, permissions=["camera"]) as page:
        go(page, "/your_image")
        page.get_by_role("radio", name="The camera").click()
        page.wait_for_function("document.querySelector('video')?.videoWidth > 0")  # there is something to take
        page.get_by_role("button", name="Take Photo").click()
        expect(answers(page)).to_be_visible()
        assert results(page)["networks"] == study.name
        viewer(page)
        page.get_by_role("button", name="Clear photo").click()
        expect(answers(page)).to_have_count(0)
        settle(page)
    assert _files(study) == before, "nothing of the picture is kept"


@pytest.fixture
def held(study: Study, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server on which somebody else computes, and the pipe that ends it."""
    pipe = tmp_path / "held"
    os.mkfifo(pipe)
    root = str(Path(__file__).parents[2])
    script = "tests/browser/held_home.py"
    with served(study.folder.parents[1], script, HELD=str(pipe), PYTHONPATH=root) as server:
        yield server.address, pipe


def test_one_may_stop_and_go_on_and_is_forgotten_with_the_page(
    browser: Browser, held: tuple[str, Path], photo: Path, tmp_path: Path
) -> None:
    address, pipe = held
    another = tmp_path / "another.png"  # the same one would share its turn
    Image.open(photo).rotate(180).save(another)
    asked = ("1 other is before you.", photo), ("2 others are before you.", another)
    with visiting(browser, address) as page, visiting(browser, address) as other:
        for each, (before, file) in zip((page, other), asked, strict=True):
            go(each, "/your_image")
            drop(each, file)
            expect(each.get_by_text(before)).to_be_visible()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_text(re.compile("Stopped: 0 of .* explanations are finished."))).to_be_visible()
        expect(other.get_by_text("1 other is before you.")).to_be_visible()
        other.get_by_role("link", name="Rank alignment").click()
        expect(other.locator("h1")).to_have_text("Rank alignment")
        page.get_by_role("button", name="Go on", exact=True).click()
        expect(page.get_by_text("1 other is before you.")).to_be_visible()
        pipe.write_text("done")
        expect(answers(page)).to_be_visible()
        expect(page.get_by_role("button", name="Results as JSON")).to_be_visible()
        expect(page.get_by_role("button", name="Go on", exact=True)).to_have_count(0)
        other.get_by_role("link", name="Your image").click()
        expect(other.locator("h1")).to_have_text("Your image")
        settle(other)
        expect(answers(other)).to_have_count(0)


def _files(study: Study) -> dict[str, int]:
    folder = study.folder.parents[1]
    return {str(path): path.stat().st_size for path in folder.rglob("*")}
