"""What the viewer shows, on maps that are known."""

import re
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from core.overlay import FADE, OPACITY, contours, overlay, shared_scale
from dashboard.viewer import AGAINST, FOR, SHARES, STUDENT_MORE, TEACHER_MORE, two_sided
from tests.browser.conftest import MINUTE
from tests.browser.viewing import MAPS, SHARED, Open, at, control, mode, pixels, viewer

expect.set_options(timeout=MINUTE * 1000)
pytestmark = pytest.mark.browser
Colour = tuple[int, int, int]
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


@pytest.mark.parametrize("address", ["panels=13", "panels=3&view=mode.swipe_own.1"])
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_follows_the_theme(visit: Open, theme: Any):
    page = visit(color_scheme=theme)
    script = "e => getComputedStyle(e).color.match(/[0-9]+/g).slice(0, 3).map(Number)"
    ink = viewer(page).locator(".title").first.evaluate(script)
    assert (np.mean(ink) > 128) == (theme == "dark")


def test_names_are_text(visit: Open):
    page = visit()
    expect(page.locator("figure .verdict").first).to_contain_text("<b>wren</b>")
    assert page.locator("figure b").all_text_contents() == ["✓ right", "✗ wrong", "✓ right"]
