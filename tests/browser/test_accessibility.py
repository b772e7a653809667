"""What axe-core finds on every page in both themes; the keyboard; what a screen reader is told of charts and maps."""

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.test_dashboard import PAGES, go, settle, viewer

pytestmark = pytest.mark.browser
STREAMLITS = {
    "list": ("[data-testid=stSidebarNavItems]", "the menu's list holds a box for every heading"),
    "listitem": ("[data-testid=stSidebarNavItems]", "and within that box its pages"),
    "presentation-role-conflict": (
        "[data-testid=stFileUploaderDropzone]",
        "where files are dropped is of the role presentation, and yet has a name and takes the focus",
    ),
}
"""Rules of axe that Streamlit's own elements break: which elements, and how."""
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that ask for colours."""
MENU = "[data-testid=stSidebarNav]"
"""The same on every page: on the first is seen how its links look."""
CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex='0']"
# Shadow roots are walked too: the viewer lives in one.
FIND = """(controls) => {
  const inside = (root) => [...root.querySelectorAll("*")]
  const all = (root) => inside(root).flatMap((each) => [each, ...(each.shadowRoot ? all(each.shadowRoot) : [])])
  const works = (each) => !each.disabled && !each.closest("[inert]") && each.tabIndex >= 0
  const drawn = (each) => each.checkVisibility({ visibilityProperty: true })
  return all(document).filter((each) => each.matches(controls) && works(each) && drawn(each))
}"""
# Of a group of buttons Tab reaches one, and the arrows the others.
OTHERS = """(each) => {
  const group = each.closest("[role=toolbar], [role=radiogroup]")
  return group && each.matches("button") ? group.querySelectorAll("button").length - 1 : 0
}"""
ACTIVE = """() => {
  let active = document.activeElement
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
  return active
}"""


SHADE = """() => getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor
  .match(/\\d+/g).slice(0, 3).reduce((sum, each) => sum + Number(each), 0)"""
TEXTS = """() => [...document.querySelectorAll("[data-testid=stVegaLiteChart], [data-testid=stDataFrame]")]
  .map((each) => [each, ...each.querySelectorAll("*")].filter((one) => !one.closest("[data-testid=stElementToolbar]")))
  .map((found) => found.map((one) => one.ariaLabel ?? one.alt).find(Boolean) ?? "")"""
"""What stands for every chart and table, to whom does not see it; not what their buttons say, which are there first."""


def address(name: str) -> str:
    return "/" if name == "home" else f"/{name}"


def drawn(page: Page) -> None:
    """Wait for what the browser draws by itself, after the page is there: charts, tables, the viewer."""
    page.wait_for_function(f"() => ({TEXTS})().every(Boolean)")
    if "/explanations" in page.url:
        viewer(page)
        expect(page.locator("[data-test=strip] button[aria-pressed=true]")).to_be_visible()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_and_axe_finds_nothing_that_is_ours_in_both_themes(page: Page, name: str):
    page.emulate_media(color_scheme="light")
    go(page, address(name))
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    drawn(page)
    assert all(len(text) > 10 for text in page.evaluate(TEXTS)), "of charts and tables"
    maps = page.locator("[data-test=viewer] figure canvas").evaluate_all("all => all.map(one => one.ariaLabel ?? '')")
    assert (len(maps) > 0) == (name in ("explanations",))
    assert all(re.search(r"\w{3}", text) for text in maps)
    assert not _broken(page)
    light = page.evaluate(SHADE)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(light) => ({SHADE})() < light / 2", arg=light)
    settle(page)
    assert not _broken(page, COLOURS)  # nothing else is of a theme


def _broken(page: Page, rules: Sequence[str] = ()) -> list[tuple[str, Any, str]]:
    """What axe finds by some of its rules, or by all that it usually goes by."""
    only: dict[str, Any] = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    return [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
        for node in rule["nodes"]
        if not _streamlits(page, rule["id"], node["target"][0])
    ]


def _streamlits(page: Page, rule: str, selector: Any) -> bool:
    if rule not in STREAMLITS:
        return False
    return bool(page.locator(selector).evaluate("(each, own) => each.closest(own) !== null", STREAMLITS[rule][0]))


@pytest.mark.parametrize("name", ["home", "explanations", "rank", "your_image"])
def test_every_control_is_reached_by_tab_and_shows_it(page: Page, name: str):
    page.emulate_media(reduced_motion="reduce")
    go(page, address(name))
    drawn(page)
    controls = page.evaluate_handle(f"window.controls = ({FIND})({CONTROLS!r})")
    count = int(controls.evaluate("all => all.length"))
    assert count > 5
    page.evaluate("window.reached = new Set()")
    unseen = []
    for _ in range(20 * count):  # of a table, each cell is a press
        page.keyboard.press("Tab")
        active = page.evaluate_handle(ACTIVE).as_element()
        if active is None or active.evaluate("each => each === document.body"):
            break
        if active.evaluate("each => window.reached.has(each)"):
            if active.evaluate("each => each.matches('[data-testid=data-grid-canvas]')"):
                continue  # from cell to cell
            break
        active.evaluate("each => window.reached.add(each)")
        if name != "home" and active.evaluate(f"each => each.closest({MENU!r}) !== null"):
            continue
        if not _changes_when_focused(page, active):
            unseen.append(active.evaluate("each => each.outerHTML.slice(0, 200)"))
        for _ in range(int(active.evaluate(OTHERS))):
            page.keyboard.press("ArrowRight")
            page.evaluate(f"window.reached.add(({ACTIVE})())")
    # Of a browser's own radio buttons one is reached, and the arrows choose: they would change the page.
    left = page.evaluate(
        """() => window.controls.filter((each) => each.isConnected && !window.reached.has(each)
          && !(each.type === "radio" && [...window.reached].some((other) => other.name === each.name)))
          .map((each) => each.outerHTML.slice(0, 200))"""
    )
    assert not left
    assert not unseen


def _changes_when_focused(page: Page, active: Any) -> bool:
    """Say whether a person sees the focus: whether its surroundings look different once it is taken away."""
    active.scroll_into_view_if_needed()
    box = active.evaluate(
        """each => {
          let shown = each
          while (shown.parentElement && (shown.offsetWidth < 10 || getComputedStyle(shown).opacity === "0"))
            shown = shown.parentElement
          const box = shown.getBoundingClientRect()
          return [box.x, box.y, box.right, box.bottom]
        }"""
    )
    size = page.viewport_size or {"width": 0, "height": 0}
    left, top = (max(0, value - 8) for value in box[:2])
    clip = {
        "x": left,
        "y": top,
        "width": min(box[2] + 8, size["width"]) - left,
        "height": min(box[3] + 8, size["height"]) - top,
    }
    with_focus = _picture(page, clip)
    active.evaluate("each => each.blur()")
    without = _picture(page, clip)
    active.evaluate("each => each.focus({ focusVisible: true, preventScroll: true })")
    return bool((with_focus != without).any())


def _picture(page: Page, clip: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip, animations="disabled", caret="initial"))))
