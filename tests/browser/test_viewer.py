"""What a person does with the viewer, on maps that are known (`viewer_app.py`)."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from core.overlay import FADE, OPACITY, contours, overlay, shared_scale
from dashboard.viewer import AGAINST, FOR, SHARES, STUDENT_MORE, TEACHER_MORE, two_sided
from tests.browser.conftest import MINUTE, READY, serving, visiting
from tests.browser.viewer_app import PARTS, relevance

expect.set_options(timeout=MINUTE * 1000)
pytestmark = pytest.mark.browser
Open = Callable[..., Page]
Colour = tuple[int, int, int]
MAPS = [relevance(number, 0, True) for number in range(3)]
SHARED = shared_scale(MAPS)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving("tests/browser/viewer_app.py", tmp_path_factory.mktemp("viewer")) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, app: str) -> Iterator[Open]:
    """Open the page with what stands in the address; further options go to the browser."""
    with ExitStack() as stack:

        def visit(address: str = "", **options: Any) -> Page:
            page = stack.enter_context(visiting(browser, app, **options))
            page.goto(f"/?{address}")
            shown(page)
            return page

        yield visit


def shown(page: Page) -> None:
    page.wait_for_selector(READY)
    expect(viewer(page)).to_have_attribute("data-version", re.compile("."))


def viewer(page: Page) -> Locator:
    return page.locator("[data-test=viewer]")


def control(page: Page, name: str) -> Locator:
    return viewer(page).locator(f"[name={name}]")


def mode(page: Page, name: str) -> None:
    viewer(page).get_by_text(name, exact=True).click()


def pixels(page: Page, panel: int) -> np.ndarray:
    """Return what a panel shows, after all that was asked for before is drawn; -1 is the photo."""
    script = """async canvas => {
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
        return canvas.toDataURL("image/png")
    }"""
    chosen = page.locator(".photo canvas") if panel < 0 else page.locator("figure canvas").nth(panel)
    picture = base64.b64decode(chosen.evaluate(script).split(",")[1])
    return np.array(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def at(picture: np.ndarray, across: float, down: float) -> np.ndarray:
    side = len(picture)
    found: np.ndarray = picture[int(down * side), int(across * side)]
    return found


def place(page: Page, across: float, down: float, panel: int = 1) -> tuple[float, float]:
    canvas = page.locator("figure canvas").nth(panel)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def number(page: Page, name: str) -> float:
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # until it is drawn
    return float(viewer(page).get_attribute(f"data-{name}") or "nan")


HILL, PIT = (0.27, 0.39), (0.52, 0.83)
"""Where the teacher's map is strongest: across and down."""


def test_photo_teacher_and_students_stand_side_by_side_as_core_draws_them(visit: Open):
    page = visit()
    photo = pixels(page, -1).astype(np.uint8)
    expect(page.locator("figure")).to_have_count(3)
    for panel, each in enumerate(MAPS):
        want = overlay(photo, each, OPACITY, SHARED).astype(int)
        off = np.abs(pixels(page, panel) - want).max(axis=2)
        assert np.quantile(off, 0.99) <= 4
        assert off.max() <= 24, "levels are rounded at other places"
    expect(page.locator(".own").first).to_be_hidden()


def test_what_stands_beside_a_map(visit: Open):
    page = visit()
    teacher, student, other = page.locator("figure").all()
    for figure, verdict in ((teacher, "✓ right"), (student, "✗ wrong"), (other, "✓ right")):
        expect(figure.locator(".verdict")).to_have_text(f"<b>wren</b>, 87% {verdict}")
    expect(teacher.locator(".kind")).to_have_text("the teacher")
    expect(student.locator(".agreement")).to_have_text("ρ = 0.50 with the teacher")
    expect(teacher.locator(".trust")).to_be_hidden()
    badge = student.locator(".trust summary")
    expect(badge).to_have_text("some checks fail")
    expect(student.locator(".why")).to_be_hidden()
    badge.focus()
    page.keyboard.press("Enter")
    expect(student.locator(".why")).to_have_text("Deletion fails.")


def test_opacity_goes_from_the_photo_to_the_heat(visit: Open):
    page = visit()
    slider = control(page, "opacity")
    slider.focus()
    slider.press("Home")
    assert np.array_equal(pixels(page, 1), pixels(page, -1))
    slider.press("End")
    want = overlay(pixels(page, -1).astype(np.uint8), MAPS[0], 1.0, SHARED).astype(int)
    assert np.quantile(np.abs(pixels(page, 0) - want), 0.99) <= 4


def test_the_threshold_hides_what_is_weaker(visit: Open):
    page = visit()
    slider = control(page, "threshold")
    slider.focus()
    slider.press("End")
    photo = pixels(page, -1)
    grey = (photo @ [0.299, 0.587, 0.114])[:, :, None]
    bare = photo + OPACITY * FADE * (grey - photo)
    assert np.abs(pixels(page, 1) - bare).max() <= 2, "nothing of the student reaches 95 % of the scale"
    teacher = pixels(page, 0)
    assert np.abs(at(teacher, *HILL) - at(bare, *HILL)).max() > 60
    assert np.abs(at(teacher, *PIT) - at(bare, *PIT)).max() <= 2


def test_each_on_its_own_scale_is_a_marked_choice(visit: Open):
    page = visit()
    viewer(page).get_by_text("More", exact=True).click()
    control(page, "own").check()
    photo = pixels(page, -1).astype(np.uint8)
    for panel, each in enumerate(MAPS):
        want = overlay(photo, each, OPACITY, shared_scale([each])).astype(int)
        assert np.quantile(np.abs(pixels(page, panel) - want), 0.99) <= 4
    factor = SHARED / shared_scale([MAPS[1]])
    expect(page.locator("figure .own").nth(1)).to_have_text(f"own scale, × {factor:.1f}")
    expect(page.locator("figure .own").nth(1)).to_be_visible()
    expect(page.locator("[data-test=note]")).to_contain_text("cannot be compared")
    control(page, "own").uncheck()
    expect(page.locator("figure .own").nth(1)).to_be_hidden()


def two_sided_picture(photo: np.ndarray, low: Colour, high: Colour, values: np.ndarray) -> np.ndarray:
    """Lay values from -1 to 1 over a photo as the viewer says that it does: under a veil of pale, which they colour."""
    large = cv2.resize(np.clip(values, -1, 1), photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)[:, :, None]
    base = photo + OPACITY * FADE * ((photo @ [0.299, 0.587, 0.114])[:, :, None] - photo)
    cover = OPACITY * np.minimum(1, (90 + 1.2 * 255 * np.abs(large)) / 255)
    colour = two_sided(low, high)[np.rint((large[:, :, 0] + 1) / 2 * 255).astype(int)]
    found: np.ndarray = base + cover * (colour - base)
    return found


def test_the_difference_says_who_looks_harder(visit: Open):
    page = visit()
    teacher, photo = pixels(page, 0), pixels(page, -1)
    mode(page, "Difference")
    assert np.array_equal(pixels(page, 0), teacher), "the teacher differs from itself in nothing"
    sizes = [np.clip(np.abs(each) / SHARED, 0, 1) for each in MAPS]
    want = two_sided_picture(photo, TEACHER_MORE, STUDENT_MORE, sizes[1] - sizes[0])
    assert np.quantile(np.abs(pixels(page, 1) - want), 0.99) <= 4


def test_signs_are_shown_where_the_maps_have_some(visit: Open):
    page = visit()
    mode(page, "For and against")
    for panel, each in enumerate(MAPS):
        want = two_sided_picture(pixels(page, -1), AGAINST, FOR, each / SHARED)
        assert np.quantile(np.abs(pixels(page, panel) - want), 0.99) <= 4
    page = visit("unsigned=1&view=mode.signed")
    expect(viewer(page)).to_have_attribute("data-mode", "heat")
    expect(viewer(page).get_by_text("For and against", exact=True)).to_be_hidden()


def test_the_teachers_outline_lies_over_every_map(visit: Open):
    page = visit()
    before = pixels(page, 1)
    mode(page, "Teacher's outline")
    drawn = pixels(page, 1)
    changed = np.argwhere((drawn != before).any(axis=2))[:, ::-1] / len(drawn)
    lines = np.concatenate([line for share in SHARES for line in contours(MAPS[0], share)])
    away = np.linalg.norm(changed[:, None] - lines[None], axis=2)
    step = 1 / 32  # between two points of a line
    assert away.min(axis=1).max() < step, "nothing else has changed"
    assert away.min(axis=0).max() < step, "and all of the lines are there"
    expect(page.locator("[data-test=note]")).to_contain_text("5 % and the 20 % of the picture")


def test_swiping_between_photo_and_heat(visit: Open):
    page = visit()
    heat, photo = pixels(page, 1), pixels(page, -1)
    mode(page, "Swipe")
    swiped, side = pixels(page, 1), len(heat)
    assert np.array_equal(swiped[:, : side // 2 - 20], photo[:, : side // 2 - 20])
    assert np.array_equal(swiped[:, side // 2 + 20 :], heat[:, side // 2 + 20 :])
    page.mouse.move(*place(page, 0.5, 0.3))
    page.mouse.down()
    page.mouse.move(*place(page, 0.25, 0.3), steps=5)
    page.mouse.up()
    assert number(page, "split") == pytest.approx(0.25, abs=0.01)
    swiped = pixels(page, 2)
    assert np.array_equal(swiped[:, side // 4 + 20 :], heat[:, side // 4 + 20 :]), "the line is the same on every panel"
    slider = control(page, "split")
    slider.focus()
    slider.press("ArrowRight")
    assert 0.25 < number(page, "split") < 0.4
    slider.press("End")
    assert np.array_equal(pixels(page, 1)[:, : side - 20], photo[:, : side - 20])


def test_swiping_between_teacher_and_student(visit: Open):
    page = visit()
    teacher, student, side = pixels(page, 0), pixels(page, 1), len(pixels(page, 0))
    mode(page, "Swipe")
    control(page, "beside").select_option("the teacher's map")
    swiped = pixels(page, 1)
    assert np.abs(swiped - teacher)[:, : side // 2 - 20].max() <= 2
    assert np.abs(swiped - student)[:, side // 2 + 20 :].max() <= 2
    assert np.array_equal(pixels(page, 0), teacher), "the teacher is not swiped with itself"


def test_zoom_and_pan_are_linked_and_can_be_undone(visit: Open):
    page = visit()
    whole = [pixels(page, panel) for panel in (-1, 0, 1)]
    page.mouse.move(*place(page, 0.5, 0.5))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -208)  # e^(208/300) = 2
    page.keyboard.up("Control")
    assert number(page, "zoom") == pytest.approx(2, abs=0.01)
    assert (number(page, "x"), number(page, "y")) == pytest.approx((0.25, 0.25), abs=0.01)
    page.mouse.move(1, 1)  # no part is outlined
    for panel, before in zip((-1, 0, 1), whole, strict=True):
        near = pixels(page, panel)
        for across in (0.2, 0.5, 0.8):
            assert at(near, across, across) == pytest.approx(at(before, 0.25 + across / 2, 0.25 + across / 2), abs=12)
    page.mouse.move(*place(page, 0.5, 0.5))
    page.mouse.down()
    page.mouse.move(*place(page, 0.7, 0.6), steps=4)
    page.mouse.up()
    assert (number(page, "x"), number(page, "y")) == pytest.approx((0.15, 0.2), abs=0.01)
    viewer(page).get_by_role("button", name="back to the whole picture").click()
    assert (number(page, "zoom"), number(page, "x"), number(page, "y")) == (1, 0, 0)
    page.mouse.move(1, 1)
    assert np.array_equal(pixels(page, 1), whole[2])


def test_zoom_by_buttons_keys_and_a_double_click(visit: Open):
    page = visit()
    viewer(page).get_by_role("button", name="Zoom in").click()
    assert number(page, "zoom") == 1.5
    viewer(page).get_by_role("button", name="Zoom out").click()
    assert number(page, "zoom") == 1
    page.locator("[data-test=panels]").focus()
    page.keyboard.press("+")
    assert (number(page, "zoom"), number(page, "x")) == (1.5, pytest.approx(1 / 6))
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert number(page, "x") == pytest.approx(1 / 6 + 0.1 / 1.5)
    assert number(page, "y") == pytest.approx(1 / 6 - 0.1 / 1.5)
    page.keyboard.press("-")
    assert number(page, "zoom") == 1
    page.mouse.dblclick(*place(page, 0.1, 0.9))
    assert number(page, "zoom") == 2
    assert (number(page, "x"), number(page, "y")) == pytest.approx((0.05, 0.45), abs=0.01)
    page.keyboard.press("0")
    assert number(page, "zoom") == 1


def test_the_wheel_alone_turns_the_page(visit: Open):
    page = visit("panels=13")
    page.mouse.move(*place(page, 0.5, 0.5))
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    before = page.evaluate(scrolled)
    page.mouse.wheel(0, 300)
    page.wait_for_function(f"{scrolled} > {before}")
    assert number(page, "zoom") == 1


def test_two_fingers_zoom(visit: Open):
    page = visit(has_touch=True)
    (left, down), (right, _) = place(page, 0.4, 0.5), place(page, 0.6, 0.5)
    screen = page.context.new_cdp_session(page)

    def touch(kind: str, *columns: float) -> None:
        points = [{"x": column, "y": down, "id": i} for i, column in enumerate(columns)]
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", left)
    touch("touchStart", left, right)
    for step in range(1, 6):
        touch("touchMove", left - 5 * step, right + 5 * step)
    touch("touchEnd")
    want = (right - left + 50) / (right - left)
    assert number(page, "zoom") == pytest.approx(want, rel=0.05)


def test_pointing_names_the_part_and_its_rank_in_teacher_and_student(visit: Open):
    page = visit()
    before = pixels(page, 2)
    page.mouse.move(*place(page, 0.2, 0.3))
    ranks = page.locator(".rank")
    expect(ranks).to_have_text(
        ["left wing: rank 1 of 3", "left wing: rank 3 of 3 (teacher 1)", "left wing: rank 3 of 3 (teacher 1)"]
    )
    expect(page.locator(".photo .part")).to_have_text("left wing")
    assert (pixels(page, 2) != before).any(), "outlined on every panel"
    page.mouse.move(*place(page, 0.5, 0.9))
    expect(ranks.nth(1)).to_have_text("tail: rank 2 of 3 (teacher 2)")
    page.mouse.move(*place(page, 0.5, 0.01))
    expect(ranks.nth(1)).to_be_hidden()
    viewer(page).get_by_role("button", name="Zoom in").click()
    page.mouse.move(*place(page, 0.5, 0.01))
    expect(ranks.nth(0)).to_contain_text("right wing"), "where it is on the zoomed picture"
    page.mouse.move(1, 1)
    expect(ranks.nth(0)).to_be_hidden()


def test_a_part_is_kept_by_a_click_and_found_without_a_mouse(visit: Open):
    page = visit()
    page.mouse.click(*place(page, 0.2, 0.3))
    page.mouse.move(1, 1)
    ranks = page.locator(".rank")
    expect(ranks.nth(0)).to_contain_text("left wing")
    page.keyboard.press("Escape")
    expect(ranks.nth(0)).to_be_hidden()
    viewer(page).get_by_text("More", exact=True).click()
    parts = control(page, "part")
    assert parts.locator("option").all_text_contents() == ["none", *PARTS]
    parts.select_option("tail")
    expect(ranks.nth(1)).to_have_text("tail: rank 2 of 3 (teacher 2)")
    expect(viewer(page).get_by_role("status")).to_contain_text("ResNet18, distilled, number 1, rank 2 of 3")


def test_arrow_keys_and_buttons_change_the_image_and_nothing_else(visit: Open):
    page = visit("view=mode.difference_zoom.150")
    page.locator("[data-test=panels]").focus()
    for count, key in enumerate(["ArrowRight", "ArrowRight"], 1):
        page.keyboard.press(key)
        expect(page.get_by_text(f"image {count},")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("image 1,")).to_be_visible()
    viewer(page).get_by_role("button", name="Next image").click()
    expect(page.get_by_text("image 2,")).to_be_visible()
    viewer(page).get_by_role("button", name="Previous image").click()
    expect(page.get_by_text("image 1,")).to_be_visible()
    expect(viewer(page)).to_have_attribute("data-mode", "difference")
    assert number(page, "zoom") == 1.5
    page = visit("still=1")
    expect(viewer(page).get_by_role("button", name="Next image")).to_be_hidden()


def test_nothing_of_this_is_a_message_to_the_server(visit: Open, browser: Browser, app: str):
    sent: list[str] = []
    with visiting(browser, app) as page:
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append("")))
        page.goto("/?quiet=1")
        shown(page)
        before = len(sent)
        assert before
        for name in ("opacity", "threshold"):
            control(page, name).focus()
            for key in ("Home", "ArrowRight", "End", "ArrowLeft"):
                page.keyboard.press(key)
        for name in ("For and against", "Difference", "Teacher's outline", "Swipe"):
            mode(page, name)
            page.mouse.move(*place(page, 0.5, 0.3))
            page.mouse.down()
            page.mouse.move(*place(page, 0.2, 0.4), steps=4)
            page.mouse.up()
        control(page, "beside").select_option("teacher")
        viewer(page).get_by_text("More", exact=True).click()
        control(page, "own").check()
        control(page, "part").select_option("tail")
        viewer(page).get_by_role("button", name="Zoom in").click()
        page.locator("[data-test=panels]").focus()
        for key in ("+", "Shift+ArrowLeft", "0"):
            page.keyboard.press(key)
        # The first message is the one that says so.
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text("image 1,")).to_be_visible()
        assert len(sent) == before + 1


def test_a_view_is_told_once_when_it_is_settled_and_comes_back_from_its_address(visit: Open):
    page = visit("panels=3")
    x, y = place(page, 0.5, 0.5)
    viewer(page).get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(re.compile("view=zoom.150_x.1667_y.1667$"))
    shown(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x - 5 * step, y, steps=2)
        assert page.get_by_text("told 1 times").is_visible(), "nothing is told while it is dragged"
    page.mouse.up()
    expect(page.get_by_text("told 2 times")).to_be_visible()
    mode(page, "Swipe")
    expect(page.get_by_text("told 3 times")).to_be_visible()
    control(page, "opacity").fill("40")
    control(page, "opacity").dispatch_event("change")
    expect(page.get_by_text("told 4 times")).to_be_visible()
    expect(page).to_have_url(re.compile("mode.swipe_opacity.40"))
    there = {name: number(page, name) for name in ("zoom", "x", "y", "opacity", "split")}
    picture, address = pixels(page, 1), page.url.split("?")[1]
    other = visit(address)
    assert {name: number(other, name) for name in there} == pytest.approx(there, abs=1e-4)
    assert np.quantile(np.abs(pixels(other, 1) - picture), 0.99) <= 2
    page.go_back()
    expect(viewer(page)).to_have_attribute("data-opacity", "75")
    expect(viewer(page)).to_have_attribute("data-mode", "swipe")


@pytest.mark.parametrize(
    "text", ["nonsense", "mode.evil_zoom.99999_x.-4", "constructor.1_opacity.1e9", "__proto__.1_._"]
)
def test_an_address_may_say_anything(visit: Open, text: str):
    page = visit(f"view={text}")
    assert 1 <= number(page, "zoom") <= 8
    assert number(page, "opacity") == 75
    expect(viewer(page)).to_have_attribute("data-mode", "heat")


def test_every_picture_is_told_in_words(visit: Open):
    page = visit()
    label = page.locator("figure canvas").nth(1)
    expect(label).to_have_attribute("role", "img")
    expect(label).to_have_attribute(
        "aria-label",
        "Where ResNet18, distilled, number 1, looks. It answers <b>wren</b>, 87%, wrong. ρ = 0.50 with the teacher. "
        "Looked at hardest: right wing, tail, left wing.",
    )
    mode(page, "Difference")
    expect(label).to_have_attribute(
        "aria-label", re.compile("^Where ResNet18, distilled, number 1, looks harder than the teacher, and")
    )
    mode(page, "Swipe")
    expect(label).to_have_attribute("aria-label", re.compile("right of a line; left of it the photo"))


def test_all_controls_are_reached_with_the_keyboard_and_have_names(visit: Open):
    page = visit("view=mode.swipe")
    viewer(page).get_by_text("More", exact=True).click()
    control(page, "mode").first.focus()
    seen = []
    script = """() => {
        const at = document.activeElement.shadowRoot?.activeElement
        if (!at) return null
        return at.name || at.value || at.dataset.test || at.textContent
    }"""
    page.locator("[name=mode][value=swipe]").focus()
    while (name := page.evaluate(script)) is not None:
        seen.append(name)
        page.keyboard.press("Tab")
    wanted = [
        "mode",
        "opacity",
        "threshold",
        "reset",
        "in",
        "-1",
        "1",
        "beside",
        "split",
        "More",
        "own",
        "part",
        "panels",
    ]
    assert seen == [*wanted, "some checks fail"]
    for kind in ("slider", "radio", "checkbox", "combobox", "button", "img", "group"):
        for each in viewer(page).get_by_role(kind).all():  # type: ignore[arg-type]
            assert each.evaluate(
                "e => e.ariaLabel || e.textContent || [...(e.labels || [])].map(l => l.textContent).join()"
            )


@pytest.mark.parametrize("address", ["panels=13", "panels=3&view=mode.swipe_own.1", "panels=12&columns=3"])
def test_it_fits_a_phone(visit: Open, address: str):
    page = visit(address, viewport={"width": 400, "height": 800})
    viewer(page).get_by_text("More", exact=True).click()
    outside = """root => [...root.querySelectorAll("*")].filter(each => {
        const box = each.getBoundingClientRect()
        const hidden = getComputedStyle(each).position === "absolute" && box.width <= 1
        return box.width && !hidden && (box.left < 0 || box.right > innerWidth + 0.5)
    }).map(each => each.outerHTML.slice(0, 80))"""
    assert viewer(page).evaluate(outside) == []
    first, second = (page.locator("figure").nth(i).bounding_box() for i in (1, 2))
    assert first
    assert second
    assert first["y"] == pytest.approx(second["y"]), "two in a row"


def test_a_grid_keeps_its_rows_and_columns(visit: Open):
    page = visit("panels=12&columns=3")
    boxes = [figure.bounding_box() for figure in page.locator("figure").all()]
    lefts = [round(box["x"]) for box in boxes if box]
    tops = [round(box["y"]) for box in boxes if box]
    assert lefts == lefts[:3] * 4
    assert len(set(lefts)) == 3
    assert tops == [tops[3 * (i // 3)] for i in range(12)]
    photo = page.locator(".photo").bounding_box()
    assert photo
    assert photo["x"] < min(lefts)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_follows_the_theme(visit: Open, theme: Any):
    page = visit(color_scheme=theme)
    script = "e => getComputedStyle(e).color.match(/[0-9]+/g).slice(0, 3).map(Number)"
    ink = viewer(page).locator(".title").first.evaluate(script)
    assert (np.mean(ink) > 128) == (theme == "dark")


def test_names_are_text(visit: Open):
    page = visit()
    assert page.locator("figure b").all_text_contents() == ["✓ right", "✗ wrong", "✓ right"]
    assert Path(__file__).with_name("viewer_app.py").read_text(encoding="utf-8").count("<b>wren</b>")
