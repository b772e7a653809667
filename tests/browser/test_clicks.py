"""Charts in a real Chromium: their marks lead to images and know each other, their files come."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import ElementHandle, Page, expect

from tests.browser.test_dashboard import go, settle, viewer

pytestmark = pytest.mark.browser
STUDENT = {"network": "ResNet18", "alpha": 0.1}


def marks(page: Page, chart: str, kind: str = "path") -> list[ElementHandle]:
    """Every mark of the student in a chart that leads somewhere and is large enough to be clicked."""
    place = page.locator(f".st-key-figure_{chart} [data-testid=stVegaLiteChart] svg")
    place.wait_for()
    script = """(e, {network, alpha}) => {
      const {datum, mark, href} = e.__data__ ?? {}
      return href && mark.marktype !== 'rule' && datum.network === network && datum.alpha === alpha
    }"""
    return [mark for mark in place.locator(f"g[role] {kind}").element_handles() if mark.evaluate(script, STUDENT)]


@pytest.mark.parametrize(("address", "chart"), [("/", "home_chart"), ("/rank", "rank_chart"), ("/logit", "together")])
def test_a_click_on_a_mark_opens_the_images_behind_it(page: Page, address: str, chart: str):
    go(page, address)
    steps = page.evaluate("history.length")
    marks(page, chart)[0].click()
    expect(page.locator("h1")).to_have_text("Explanations")
    viewer(page)
    settle(page)
    expect(page.locator("h2").first).to_contain_text("ResNet18 distilled at α = 0.1")
    expect(page).to_have_url(re.compile(r"/explanations\?sort=Rank\+alignment%2C\+lowest\+first$"))
    assert page.evaluate("history.length") == steps + 1
    page.go_back()
    expect(page.locator("h1")).not_to_have_text("Explanations")
    settle(page)
    assert page.url.endswith(address)


def test_a_cell_of_the_matrix_opens_the_same_images_as_its_point(page: Page):
    go(page, "/rank")
    for where in ("on its number", "beside its number"):
        found = marks(page, "rank_chart")
        kinds = {mark.evaluate("e => e.__data__.mark.marktype"): mark for mark in found}
        assert set(kinds) == {"symbol", "rect"}
        (number,) = marks(page, "rank_chart", "text")
        assert len({mark.evaluate("e => e.__data__.href") for mark in [*found, number]}) == 1
        if where == "on its number":
            number.click()
        else:
            kinds["rect"].click(position={"x": 4, "y": 4})
        expect(page.locator("h1")).to_have_text("Explanations")
        settle(page)
        page.go_back()
        expect(page.locator("h1")).to_have_text("Rank alignment")
        settle(page)


def test_a_click_keeps_what_is_chosen_on_every_page(page: Page):
    go(page, "/rank?method=Saliency&rank_importance=In+total")
    marks(page, "rank_chart")[0].click()
    expect(page.locator("h1")).to_have_text("Explanations")
    settle(page)
    assert "method=Saliency" in page.url
    assert "rank_importance" not in page.url
    page.go_back()
    expect(page.locator("h1")).to_have_text("Rank alignment")
    settle(page)
    expect(page.get_by_role("radio", name="In total")).to_be_checked()


def test_pointing_at_a_network_marks_it_in_every_chart(page: Page):
    go(page, "/logit")
    both = [marks(page, chart) for chart in ("logit_chart", "together")]
    asked: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: asked.append(1)))
    both[0][0].hover()
    for mark in [mark for found in both for mark in found]:
        assert mark.evaluate("e => e.classList.contains('same-network')")
    assert not asked
    page.locator("h1").hover()
    expect(page.locator(".same-network")).to_have_count(0)


def test_an_image_of_a_class_is_a_click_away(page: Page):
    go(page, "/changes")
    place = page.locator(".st-key-figure_class_chart [data-testid=stVegaLiteChart] svg")
    place.wait_for()
    means = [
        mark
        for mark in place.locator("g[role] path").element_handles()
        if mark.evaluate("e => e.__data__?.datum?.mean !== undefined && e.__data__.mark.marktype === 'symbol'")
    ]
    name = means[0].evaluate("e => e.__data__.datum.name")
    means[0].click()
    expect(page.locator("h1")).to_have_text("Explanations")
    settle(page)
    expect(page.get_by_text(f"of a {name}")).to_be_visible()


def test_only_marks_of_images_that_open_look_like_it(page: Page):
    go(page, "/changes")
    place = page.locator(".st-key-figure_class_chart [data-testid=stVegaLiteChart] svg")
    place.wait_for()
    script = """e => {
      const {datum, mark, href} = e.__data__ ?? {}
      if (mark?.marktype !== 'rect' || datum.mean !== undefined) return ''
      const box = e.getBoundingClientRect()
      const top = document.elementFromPoint(box.x + box.width / 2, box.y + 2) // beside the interval, which goes across
      return top === e ? (href ? 'opens' : 'shut') : ''
    }"""
    place.evaluate("e => e.scrollIntoView({block: 'center'})")
    found: dict[str, list[ElementHandle]] = {"opens": [], "shut": [], "": []}
    for mark in place.locator("g[role] path").element_handles():
        found[mark.evaluate(script)].append(mark)
    for kind, cursor in (("shut", ["default", "auto"]), ("opens", ["pointer"])):
        box = found[kind][0].bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 2)
        assert found[kind][0].evaluate("e => getComputedStyle(e).cursor") in cursor
        page.mouse.down()
        page.mouse.up()
        settle(page)
        expect(page.locator("h1")).to_have_text("Explanations" if kind == "opens" else "What changed")
    viewer(page)


def test_a_bar_of_a_part_opens_the_students_images(page: Page):
    go(page, "/focus")
    place = page.locator(".st-key-figure_parts_chart [data-testid=stVegaLiteChart] svg")
    place.wait_for()
    script = "e => e.__data__?.mark.marktype === 'rect' && e.__data__.datum.role === 'teacher'"
    bars = [mark for mark in place.locator("g[role] path").element_handles() if mark.evaluate(script)]
    bars[0].click(position={"x": 3, "y": 3})
    expect(page.locator("h1")).to_have_text("Explanations")
    settle(page)
    expect(page.locator("h2").first).to_contain_text("ResNet18 distilled at α = 0.1")


def test_what_a_mark_opens_is_reached_by_the_keyboard(page: Page):
    go(page, "/rank")
    page.locator(".st-key-figure_rank_chart").get_by_role("button", name="Images").focus()
    page.keyboard.press("Enter")
    link = page.get_by_test_id("stPopoverBody").get_by_role("link", name="ResNet18, α = 0.1")
    link.focus()
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    settle(opened.value)
    expect(opened.value.locator("h1")).to_have_text("Explanations")
    expect(opened.value.locator("h2").first).to_contain_text("ResNet18 distilled at α = 0.1")
    expect(opened.value).to_have_url(re.compile("sort=Rank"))


def test_a_chart_comes_as_a_file_and_tells_what_it_shows(page: Page):
    go(page, "/rank")
    for kind, begins in (("csv", b"network,alpha,"), ("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator(".st-key-figure_rank_chart").get_by_role("button", name=kind.upper(), exact=True).click()
        assert download.value.suggested_filename == f"tiny-rank-chart.{kind}"
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(begins)
        if kind == "csv":
            assert b"explanations?" not in content
    page.locator(".st-key-figure_rank_chart").get_by_role("button", name="Definition").click()
    expect(page.get_by_test_id("stPopoverBody")).to_contain_text("Do student and teacher order the parts")
