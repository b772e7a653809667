"""What tests of the viewer do and look at, on maps that are known (`viewer_app.py`)."""

import base64
import io
import re
from collections.abc import Callable

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from core.overlay import shared_scale
from tests.browser.conftest import READY
from tests.browser.viewer_app import relevance

Open = Callable[..., Page]
MAPS = [relevance(number, 0, True) for number in range(3)]
SHARED = shared_scale(MAPS)


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
