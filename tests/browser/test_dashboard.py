"""What a person does, done in a real Chromium."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.cells import grid
from core.overlay import colours, levels, shared_scale
from core.study import Study
from dashboard.bench.server import ROOT
from tests.browser.conftest import MINUTE, READY

expect.set_options(timeout=MINUTE * 1000)

pytestmark = pytest.mark.browser
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
TEACHER = "resnet34-a1.0-s0"
ONE_STUDENT = "/explanations?architectures=ResNet18&alphas=1.0"


def go(page: Page, address: str) -> None:
    page.goto(address)
    settle(page)


def settle(page: Page) -> None:
    page.wait_for_selector(READY)
    page.wait_for_function("!document.querySelector('[data-stale=true]')")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def viewer(page: Page, version_not: str = "") -> str:
    """Wait for the viewer to have drawn other data than before; return the version of what it shows."""
    handle = page.locator("[data-test=viewer]")
    expect(handle).to_have_attribute("data-version", re.compile(rf"^(?!{version_not}$).+"))
    return handle.get_attribute("data-version") or ""


def cells(page: Page) -> list[str]:
    return page.locator("[data-test=viewer] figure").evaluate_all("all => all.map(one => one.dataset.cell)")


def pixels(page: Page, panel: int) -> np.ndarray:
    script = "c => [c.width, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    side, *values = page.locator("[data-test=viewer] figure canvas").nth(panel).evaluate(script)
    return np.array(values, np.uint8).reshape(side, side, 4)[:, :, :3]


def test_another_baseline_is_computed_while_one_waits(page: Page):
    go(page, ONE_STUDENT)
    before = pixels(page, 0) if viewer(page) else None
    page.get_by_role("button", name="How the maps are made").click()
    page.get_by_role("radio", name="Black").click()
    expect(page.get_by_text("from a black image")).to_be_visible()
    expect(page.get_by_text("Computed for this choice")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert before is not None
    assert not np.array_equal(before, pixels(page, 0))
    assert "baseline=Black" in page.url


def test_another_alpha_shows_another_map(page: Page):
    go(page, ONE_STUDENT)
    before, picture = viewer(page), pixels(page, 1)
    assert cells(page) == [TEACHER, "resnet18-a1.0-s0"]
    page.get_by_role("button", name="0.1", exact=True).click()
    between = viewer(page, before)
    settle(page)
    page.get_by_role("button", name="1.0", exact=True).click()
    viewer(page, between)
    settle(page)
    assert cells(page) == [TEACHER, "resnet18-a0.1-s0"]
    assert (pixels(page, 1) != picture).mean() > 0.1


def test_the_browser_colours_as_core_does(page: Page, study: Study):
    go(page, ONE_STUDENT)
    viewer(page)
    slider = page.locator("[data-test=opacity]")
    slider.focus()
    slider.press("End")
    expect(page.locator("[data-test=viewer]")).to_have_attribute("data-opacity", "100")
    image = int(page.locator("[data-test=strip] button[aria-pressed=true]").get_attribute("data-image") or "")
    maps = [study.maps(cell, "integrated_gradients", [image])[1][0] for cell in cells(page)]
    scale = shared_scale(maps)
    for panel, relevance in enumerate(maps):
        level, drawn = levels(relevance, scale).astype(int), pixels(page, panel).astype(int)
        step = len(drawn) // len(level)
        # In the middle of its square a level is met unmixed, and from two thirds of the scale on it covers the photo.
        rows, columns = np.nonzero(level > 175)
        assert len(rows)
        middle = drawn[rows * step + step // 2, columns * step + step // 2]
        assert np.abs(middle - colours()[level[rows, columns]]).max() <= 12


def test_the_chosen_image_is_in_the_address(page: Page):
    go(page, "/explanations")
    before = viewer(page)
    thumbnail = page.locator("[data-test=strip] button").nth(2)
    image = thumbnail.get_attribute("data-image")
    thumbnail.click()
    viewer(page, before)
    settle(page)
    assert f"image={image}" in page.url
    go(page, page.url)
    expect(page.locator("[data-test=strip] button[aria-pressed=true]")).to_have_attribute("data-image", str(image))
    page.get_by_role("link", name="Rank alignment").click()
    settle(page)
    page.get_by_role("link", name="Explanations").click()
    expect(page.locator("[data-test=strip] button[aria-pressed=true]")).to_have_attribute("data-image", str(image))


def test_back_goes_one_image_at_a_time(page: Page):
    go(page, "/")
    page.get_by_role("link", name="Explanations", exact=True).click()
    pressed = page.locator("[data-test=strip] button[aria-pressed=true]")
    thumbnails = page.locator("[data-test=strip] button")
    version = viewer(page)
    settle(page)
    assert "image=" not in page.url, "the first image leaves no trace"
    images = [str(thumbnails.nth(i).get_attribute("data-image")) for i in range(4)]
    for place in (2, 3):
        thumbnails.nth(place).click()
        version = viewer(page, version)
        settle(page)
        expect(pressed).to_have_attribute("data-image", images[place])
        assert f"image={images[place]}" in page.url
    for image in (images[2], images[0]):
        page.go_back()
        expect(pressed).to_have_attribute("data-image", image)
        settle(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Where models look")


def test_every_cell_answers_an_uploaded_photo(page: Page, tmp_path: Path, study: Study):
    photo = np.kron(np.random.default_rng(0).integers(0, 255, (6, 9, 3)), np.ones((30, 30, 1))).astype(np.uint8)
    path = tmp_path / "<b>my *photo.jpg"
    Image.fromarray(photo).save(path)
    before = _files(study)
    go(page, "/your_image")
    expect(page.get_by_test_id("stAlertContentWarning")).to_contain_text("These networks know")
    page.locator("input[type=file]").set_input_files(path)
    button = page.get_by_role("button", name="Results as JSON")
    expect(button).to_be_visible()
    viewer(page)
    assert cells(page) == [cell.name for cell in grid(study.config)]
    assert page.locator("figure[data-signal=true]").count() == len(cells(page))
    with page.expect_download() as download:
        button.click()
    found = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    done = {(result["cell"], result["method"]) for result in found["results"]}
    assert done == {(cell.name, method) for cell in grid(study.config) for method in study.config.explain.methods}
    with page.expect_download() as download:
        page.get_by_role("button", name="Overlays as PNG").click()
    assert Image.open(download.value.path()).format == "PNG"
    page.get_by_role("button", name="0.1", exact=True).click()
    expect(page.locator("[data-test=viewer] figure")).to_have_count(2)
    assert _files(study) == before


def test_another_method_on_an_uploaded_photo_and_how_far_to_trust_it(page: Page, tmp_path: Path, study: Study):
    photo = np.kron(np.random.default_rng(0).integers(0, 255, (6, 6, 3)), np.ones((30, 30, 1))).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    before = _files(study)
    go(page, "/your_image?other_method=Grad-CAM")
    page.locator("input[type=file]").set_input_files(tmp_path / "photo.png")
    button = page.get_by_role("button", name="Check these maps")
    expect(button).to_be_visible()
    expect(page.get_by_text("Grad-CAM: what on this photo")).to_be_visible()
    expect(page.locator("[data-test=viewer] .trust summary").first).to_have_text("not checked")
    button.click()
    expect(page.get_by_text("How far these maps may be trusted")).to_be_visible()
    badges = page.locator("[data-test=viewer] .trust")
    expect(badges).to_have_count(len(grid(study.config)))
    for badge in badges.all():
        expect(badge).to_have_text(re.compile("passes|fail|not to be trusted|no signal"))
        expect(badge).to_have_attribute("title", re.compile(r"\.$"))
    page.get_by_text("What was checked, and what it shows").click()
    expect(page.get_by_text("Pixels removed").first).to_be_visible()
    assert _files(study) == before


def test_a_file_that_is_no_image_gives_a_sentence(page: Page, tmp_path: Path):
    go(page, "/your_image")
    for number, content in enumerate([b"", b"this is no picture", b"\x89PNG\r\n\x1a\n and then nothing"]):
        path = tmp_path / f"photo{number}.png"
        path.write_bytes(content)
        page.locator("input[type=file]").set_input_files(path)
        expect(page.get_by_test_id("stAlertContentError")).to_contain_text("This file is")
        settle(page)
        page.get_by_role("button", name=f"Remove {path.name}").click()
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def _files(study: Study) -> dict[str, int]:
    """What is on disk beside the study."""
    folder = study.folder.parents[1]
    return {str(path): path.stat().st_size for path in folder.rglob("*")}


def test_the_smallest_student_is_found_while_one_slides(page: Page):
    go(page, "/tradeoffs?keep_looking=10&keep_accuracy=50")
    expect(page.get_by_role("heading", name=re.compile("keeps at least 50.% .* 10.% of its looking"))).to_be_visible()
    slider = page.get_by_role("slider", name="Of its looking, at least")
    slider.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name=re.compile("No student .* 100.% of its looking"))).to_be_visible()
    assert "keep_looking=100" in page.url
    with page.expect_download() as download:
        page.get_by_text("The numbers", exact=True).click()
        # By the keyboard: while the box opens the button moves, and a click may end beside where it began.
        page.get_by_role("button", name="Download as CSV", exact=True).press("Enter")
    header = Path(download.value.path()).read_text(encoding="utf-8").splitlines()[0].split(",")
    assert {"network", "alpha", "parameters", "parameters_ratio", "rank_alignment_low"} <= set(header)


def test_an_empty_value_in_the_address_goes_away_and_back_to_it_is_no_error(page: Page) -> None:
    go(page, "/explanations?baseline=")
    expect(page).to_have_url(re.compile("/explanations$"))
    settle(page)
    page.go_back()
    expect(page).to_have_url(re.compile("baseline=$"))
    settle(page)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
