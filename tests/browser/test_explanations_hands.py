"""What a person does on the page of explanations: with keys, from a link, with maps that are made while one waits."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import MINUTE
from tests.browser.test_dashboard import cells, go, settle, viewer

expect.set_options(timeout=MINUTE * 1000)
pytestmark = pytest.mark.browser
STRIP = "[data-test=strip] button"


def pressed(page: Page) -> str:
    return page.locator(f"{STRIP}[aria-pressed=true]").get_attribute("data-image") or ""


def image(page: Page, place: int) -> str:
    return page.locator(STRIP).nth(place).get_attribute("data-image") or ""


def test_the_view_stays_in_the_address_from_image_to_image_and_is_no_step_back(page: Page):
    go(page, "/explanations")
    version, start = viewer(page), page.evaluate("history.length")
    page.get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(re.compile("view=zoom.150"))
    third = image(page, 2)
    page.locator(STRIP).nth(2).click()
    viewer(page, version)
    settle(page)
    expect(page).to_have_url(re.compile(f"image={third}"))
    assert "view=zoom.150" in page.url, "the server does not know of it, and leaves it"
    assert page.evaluate("history.length") == start + 1
    page.get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(re.compile("view=zoom.225"))
    page.go_back()
    expect(page.locator(f"{STRIP}[aria-pressed=true]")).to_have_attribute("data-image", image(page, 0))
    expect(page).to_have_url(re.compile("view=zoom.150"))
    expect(page.locator("[data-test=viewer]")).to_have_attribute("data-zoom", "1.5")


def test_the_strip_is_one_stop_of_the_tab_key_and_says_what_is_shown(page: Page):
    go(page, "/explanations")
    version = viewer(page)
    assert page.locator(f"{STRIP}[tabindex='0']").count() == 1
    page.locator(f"{STRIP}[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    focused = "document.activeElement.shadowRoot.activeElement.dataset.image"
    assert page.evaluate(focused) == image(page, 1)
    assert pressed(page) == image(page, 0), "to walk along is not to choose"
    page.keyboard.press("Enter")
    viewer(page, version)
    settle(page)
    assert pressed(page) == image(page, 1)
    assert page.evaluate(focused) == image(page, 1)
    count = page.locator(STRIP).count()
    said = page.get_by_role("status").filter(has_text=f"Image 2 of {count}. ")
    expect(said).to_have_text(re.compile("student (right|wrong), teacher (right|wrong)"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.shadowRoot?.querySelector('.strip') == null")


def test_many_steps_at_once_all_count(page: Page):
    go(page, "/explanations")
    viewer(page)
    wanted = image(page, 3)
    page.locator("[data-test=panels]").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"image={wanted}"))
    settle(page)
    assert pressed(page) == wanted


def test_a_link_to_an_image_shows_it_and_says_that_the_filters_leave_it_out(page: Page):
    go(page, "/explanations")
    viewer(page)
    images = page.locator(STRIP).evaluate_all("all => all.map(one => one.dataset.image)")
    page.get_by_role("combobox", name="Class").click()
    page.get_by_role("option").nth(1).click()
    expect(page.get_by_text("images are like that")).to_be_visible()
    settle(page)
    left = page.locator(STRIP).evaluate_all("all => all.map(one => one.dataset.image)")
    other = next(each for each in images if each not in left)
    query = page.url.split("?")[1]
    go(page, f"/explanations?{query}&image={other}")
    expect(page.get_by_text("The filters leave this image out")).to_be_visible()
    assert f"image={other}" in page.url
    page.get_by_role("button", name="Show all images").click()
    expect(page.locator(f"{STRIP}[aria-pressed=true]")).to_have_attribute("data-image", other)
    settle(page)
    assert "of_class" not in page.url


def test_maps_made_anew_have_the_keys_the_view_and_the_grid(page: Page):
    go(page, "/explanations?baseline=Black&view=zoom.200")
    expect(page.get_by_text("Computed for this choice")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.locator("[data-test=viewer]")).to_have_attribute("data-zoom", "2")
    expect(page.get_by_text("no line that crosses another")).to_be_visible()
    assert len(cells(page)) == 3, "the teacher, the student and its fellow"
    second = image(page, 1)
    page.locator("[data-test=panels]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{STRIP}[aria-pressed=true]")).to_have_attribute("data-image", second)
    expect(page.get_by_text("Computed for this choice")).to_be_visible()
    page.get_by_role("radio", name="The whole grid").click()
    grid = page.locator("[data-test=grid] button")
    expect(grid).to_have_count(4)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    settle(page)
    page.locator("[data-test=grid] button[data-cell='resnet34-a0.1-s0']").click()
    expect(page.locator("[data-test=viewer] figure[data-cell='resnet34-a0.1-s0']")).to_be_visible()
    assert pressed(page) == second


def test_the_grid_keeps_the_focus_when_it_is_drawn_anew(page: Page):
    go(page, "/explanations?layout=The+whole+grid")
    cell = page.locator("[data-test=grid] button[data-cell='resnet18-a1.0-s0']")
    cell.focus()
    page.locator(STRIP).nth(1).dispatch_event("click")
    expect(page).to_have_url(re.compile("image="))
    settle(page)
    focused = "document.activeElement.shadowRoot?.activeElement?.dataset.cell"
    assert page.evaluate(focused) == "resnet18-a1.0-s0"


def test_a_badge_stands_beside_every_map_that_was_checked_and_follows_the_image(page: Page):
    go(page, "/explanations")
    version = viewer(page)
    badges = page.locator("[data-test=viewer] .trust summary")
    expect(badges).to_have_text(["not checked"] * 3)
    page.get_by_role("button", name="Check these maps").click()
    expect(page.get_by_text("How far these maps may be trusted")).to_be_visible()
    expect(badges.first).not_to_have_text(re.compile("not checked"))
    said = badges.all_inner_texts()
    version = viewer(page)
    page.locator("[data-test=panels]").press("ArrowRight")
    version = viewer(page, version)
    expect(badges).to_have_text(["not checked"] * 3)
    page.locator("[data-test=panels]").press("ArrowLeft")
    viewer(page, version)
    expect(badges).to_have_text(said)
    page.reload()
    expect(badges).to_have_text(said)


def test_a_hint_that_was_read_stays_away(page: Page):
    go(page, "/explanations")
    page.get_by_role("button", name="Got it").click()
    expect(page.get_by_text("New here?")).to_have_count(0)
    page.wait_for_function("document.cookie.includes('hints_read=explanations')")
    page.reload()
    viewer(page)
    settle(page)
    expect(page.get_by_text("New here?")).to_have_count(0)
