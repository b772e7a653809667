"""What a person does with the viewer: with a mouse, with fingers, with keys; and what the server hears of it."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import MINUTE, visiting
from tests.browser.viewer_app import PARTS
from tests.browser.viewing import Open, at, control, mode, number, pixels, place, shown, viewer

expect.set_options(timeout=MINUTE * 1000)
pytestmark = pytest.mark.browser


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
    page.mouse.move(1, 1)  # no part is outlined
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


def test_nothing_of_this_is_a_message_to_the_server(browser: Browser, viewer_app: str):
    sent: list[str] = []
    with visiting(browser, viewer_app) as page:
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
