"""Any view sent as an address comes back in a fresh browser; Back leads to the page before."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import visiting
from tests.browser.test_dashboard import go, settle, viewer

pytestmark = pytest.mark.browser
VIEWS = {
    "/explanations?layout=The+whole+grid&who=Student+and+teacher+disagree": "No image of the gallery is like that.",
    "/explanations?student=ResNet34%2C+%CE%B1+%3D+0.1&sort=Map+similarity%2C+highest+first&aligned=-0.5&aligned=1.0": (
        "On this image ResNet34 distilled at α = 0.1"
    ),
    "/rank?alphas=0.1&rank_importance=In+total&method=Saliency": "Exploratory: saliency, importance in total",
    "/focus?focus_as=Ratio&focus_of=The+whole+image": "Exploratory: focus in the whole image, focus ratio",
    "/tradeoffs?keep_accuracy=50&against=Accuracy": "Weighing parameters against accuracy",
    "/changes?order=Agrees+most&student=ResNet34%2C+%CE%B1+%3D+0.1": "ResNet34 distilled at α = 0.1 agrees least",
}
"""Addresses, and what their pages say at no other."""
POSTER = "the poster's Figure 4"
"""What /logit says unless its address leaves it out."""


def parts(address: str) -> tuple[str, set[str]]:
    path, _, query = address.partition("?")
    return path, set(filter(None, query.split("&")))


def said(page: Page) -> list[str]:
    """What the page says, wherever it was opened."""
    return page.get_by_test_id("stMain").locator("h1, h2, [data-testid=stCaptionContainer]").all_inner_texts()


@pytest.mark.parametrize("address", VIEWS)
def test_a_view_comes_back_from_its_address(page: Page, server: str, address: str):
    go(page, address)
    assert parts(page.url.removeprefix(server)) == parts(address), "all of it is understood and kept"
    expect(page.get_by_test_id("stMain").get_by_text(VIEWS[address]).first).to_be_visible()


def test_what_an_address_leaves_out_stays_away(page: Page, server: str):
    go(page, "/logit?poster=false")
    assert parts(page.url.removeprefix(server)) == ("/logit", {"poster=false"})
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text("On average the students shown reach").first).to_be_visible()
    expect(main.get_by_text(POSTER)).to_have_count(0)
    go(page, "/logit")
    expect(main.get_by_text(POSTER).first).to_be_visible()


def test_what_a_person_chooses_comes_back_in_a_fresh_browser(page: Page, browser: Browser, server: str):
    go(page, "/explanations")
    version = viewer(page)
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="Most changed by distillation").click()
    version = viewer(page, version) if page.url.endswith("distillation") else version
    settle(page)
    thumbnail = page.locator("[data-test=strip] button").nth(2)
    image = thumbnail.get_attribute("data-image")
    thumbnail.click()
    expect(page).to_have_url(re.compile(f"image={image}"))
    settle(page)
    order = page.locator("[data-test=strip] button").evaluate_all("all => all.map(one => one.dataset.image)")
    with visiting(browser, server) as fresh:
        go(fresh, page.url)
        expect(fresh.locator("[data-test=strip] button[aria-pressed=true]")).to_have_attribute("data-image", str(image))
        again = fresh.locator("[data-test=strip] button").evaluate_all("all => all.map(one => one.dataset.image)")
        assert again == order
        assert said(fresh) == said(page)


@pytest.mark.parametrize("page_link", ["Part focus", "Explanations"])
def test_a_click_right_after_loading_loses_nothing(page: Page, page_link: str):
    page.goto("/rank?alphas=0.1&method=Saliency")
    page.get_by_role("link", name=page_link, exact=True).click()
    expect(page.locator("h1")).to_have_text(page_link)
    settle(page)
    expect(page.get_by_test_id("stMain").get_by_text("Study: tiny · Saliency")).to_be_visible()
    assert parts(page.url)[1] == {"alphas=0.1", "method=Saliency"}


def test_a_switch_thrown_right_after_loading_stays_in_the_address(page: Page):
    page.goto("/rank?method=Saliency")
    page.get_by_role("radio", name="In total").click()
    badge = page.get_by_text("importance in total").filter(visible=True)  # Streamlit keeps a copy that is not shown
    expect(badge).to_have_count(1)
    settle(page)
    assert parts(page.url)[1] == {"method=Saliency", "rank_importance=In+total"}


def test_back_leads_to_the_page_before_with_its_own_switches(page: Page):
    go(page, "/")
    start = page.evaluate("history.length")
    page.get_by_role("link", name="Rank alignment").click()
    expect(page.locator("h1")).to_have_text("Rank alignment")
    settle(page)
    page.get_by_role("radio", name="In total").click()
    expect(page).to_have_url(re.compile("rank_importance=In.total"))
    settle(page)
    for name in ("Part focus", "Rank alignment", "Explanations"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("h1")).to_have_text(name)
        settle(page)
    assert page.evaluate("history.length") == start + 4, "one step a page"
    for name in ("Rank alignment", "Part focus", "Rank alignment", "Where models look"):
        page.go_back()
        expect(page.locator("h1")).to_have_text(name)
        settle(page)
        assert ("rank_importance=In+total" in page.url) == (name == "Rank alignment")


def test_back_brings_what_was_chosen_on_every_page_then(page: Page):
    go(page, "/rank")
    page.get_by_role("link", name="Part focus").click()
    expect(page.locator("h1")).to_have_text("Part focus")
    settle(page)
    page.get_by_role("radio", name="Saliency").click()
    expect(page).to_have_url(re.compile("method=Saliency"))
    # Of the choice the address tells before the server does. Until then Streamlit takes it for the page's next run,
    # which is of the page that was left, and where that is asked for after Back it is what comes.
    expect(page.get_by_test_id("stMain").get_by_text("Study: tiny · Saliency")).to_be_visible()
    settle(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Rank alignment")
    settle(page)
    expect(page.get_by_test_id("stMain").get_by_text("Study: tiny · Integrated gradients")).to_be_visible()
    assert page.url.endswith("/rank")


def test_a_network_of_the_grid_opens_beside_the_teacher(page: Page):
    go(page, "/explanations?layout=The+whole+grid")
    cells = page.locator("[data-test=grid] button")
    expect(cells).to_have_count(4)
    page.locator("[data-test=grid] button[data-cell='resnet34-a0.1-s0']").click()
    viewer(page)
    settle(page)
    shown = page.locator("[data-test=viewer] figure").evaluate_all("all => all.map(one => one.dataset.cell)")
    assert shown == ["resnet34-a1.0-s0", "resnet34-a0.1-s0"]
    assert "layout" not in page.url
    assert "student=ResNet34" in page.url
