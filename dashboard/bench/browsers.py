"""Real Chromiums, and how long a click takes in one: from the click to what it leads to, to the nearest frame."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, ElementHandle, Page, async_playwright

from core.errors import UserError

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60_000
"""Milliseconds after which a page is taken to be lost."""
SETTLED = """() => {
  const app = document.querySelector("[data-testid=stApp]")
  const charts = [...document.querySelectorAll("[data-testid=stVegaLiteChart]")]
  return app?.dataset.testScriptState === "notRunning" && app.dataset.testConnectionState === "CONNECTED"
    && document.querySelector("h1") !== null && !document.querySelector("[data-stale=true]")
    && charts.every((chart) => chart.querySelector("svg, canvas"))
}"""
"""Says whether a page is there: its script has ended, nothing of the page before is left, the charts are drawn."""
# A frame is the finest that a person can see, so that is how often it looks.
CLICK = """(button, [shows, whole, patience]) => new Promise((resolve, reject) => {
  const seen = () => {
    const found = shows instanceof Element ? shows : document.querySelector(shows)
    return found && (found.dataset.version ?? found.outerHTML)
  }
  const settled = SETTLED
  const [before, start] = [seen(), performance.now()]
  const look = () => {
    if (seen() && seen() !== before && (!whole || settled())) resolve((performance.now() - start) / 1000)
    else if (performance.now() - start > patience) reject(new Error(`nothing came in ${patience / 1000} s`))
    else requestAnimationFrame(look)
  }
  button.click()
  look()
})""".replace("SETTLED", SETTLED)
TITLE = "h1"
LINKS = "[data-testid=stSidebarNavLink]"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a Chromium of this machine; it ends with the block.

    Raises
    ------
    UserError
        There is none.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise UserError("There is no Chromium on this machine. Install one (apt-get install chromium).")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def visit(browser: Browser, address: str) -> Page:
    """Open an address as a new person would, with nothing kept from before, and wait until it is there."""
    context = await browser.new_context(viewport={"width": 1300, "height": 1000})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    await page.goto(address)
    await settle(page)
    return page


async def settle(page: Page) -> None:
    """Wait until a page is there."""
    await page.wait_for_function(SETTLED)


async def menu(page: Page) -> list[str]:
    """Return the titles in the menu."""
    return [title.strip() for title in await page.locator(LINKS).all_text_contents()]


async def turn(page: Page, title: str) -> float:
    """Click a page of the menu, not the one shown; return the seconds until it is there."""
    link = page.locator(LINKS).filter(has=page.get_by_text(title, exact=True))
    return await click(await link.element_handle(), TITLE, whole=True)


async def click(button: ElementHandle, shows: str | ElementHandle, whole: bool = False) -> float:
    """Click, and return the seconds until an element shows something else.

    Parameters
    ----------
    button : ElementHandle
    shows : str or ElementHandle
        The element, or a selector where another may take its place. Its `data-version` tells, where it has one.
    whole : bool
        Whether the rest of the page has to be there as well.
    """
    return float(await button.evaluate(CLICK, [shows, whole, PATIENCE]))


async def trouble(page: Page) -> str:
    """Return what a page tells a person of an error, "" where nothing is wrong."""
    found = page.locator("[data-testid=stException], [data-testid=stAlertContentError]")
    return " ".join(await found.all_text_contents())
