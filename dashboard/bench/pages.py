"""One visitor: how long the first page of a fresh server takes, then every page, then a change of what is shown."""

import time
from pathlib import Path

from playwright.async_api import Page

from dashboard.bench.browsers import chromium, click, menu, settle, turn, visit
from dashboard.bench.server import ROOT, served
from dashboard.warm import WAIT_SECONDS

FIRST, WARM, CHANGE_MAPS, CHANGE_CHART = (
    "first page of a server just healthy",
    "page change, warm",
    "α or network to the maps repainted",
    "α or network to the chart redrawn",
)
SWITCHES = "[data-testid=stSidebar] [data-testid=stButtonGroup]"
SHOWN = {"Explanations": "[data-test=viewer]", "Rank alignment": "[data-testid=stVegaLiteChart]"}
"""The page where a change is timed, and what it changes there."""


async def timings(rounds: int, cache: Path = ROOT / "cache") -> dict[str, list[float]]:
    """Return the seconds of everything timed, by its name.

    Parameters
    ----------
    rounds : int
        Servers started, times that every page is opened, and times that every switch goes off and on.
    cache : Path
        As for `served`.
    """
    found: dict[str, list[float]] = {FIRST: [], WARM: [], CHANGE_MAPS: [], CHANGE_CHART: []}
    async with chromium() as browser:
        for number in range(rounds):
            with served(cache) as server:
                start = time.perf_counter()
                page = await visit(browser, server.address)
                found[FIRST].append(time.perf_counter() - start)
                if number == rounds - 1:
                    await _warm(page, rounds, found)
                await page.context.close()
    return found


async def _warm(page: Page, rounds: int, found: dict[str, list[float]]) -> None:
    titles = await menu(page)
    around = [*titles[1:], titles[0]]
    for title in around:
        await turn(page, title)
    await page.wait_for_timeout(2000 * WAIT_SECONDS)  # what the server loads after its first page is part of being warm
    for _ in range(rounds):
        found[WARM] += [await turn(page, title) for title in around]
    for title, name in zip(SHOWN, (CHANGE_MAPS, CHANGE_CHART), strict=True):
        await turn(page, title)
        await switch(page, SHOWN[title], 1)  # each view is built once
        found[name] += await switch(page, SHOWN[title], rounds)


async def switch(page: Page, shows: str, rounds: int) -> list[float]:
    """Put the smallest network and the last α off and on; return the seconds until each change is seen.

    Parameters
    ----------
    page : Page
        Settled.
    shows : str
        Selector of what it changes.
    rounds : int
        Times that both go off and on: four changes.
    """
    element = await page.locator(shows).first.element_handle()
    seconds = []
    for _ in range(rounds):
        for group in range(2):
            for _ in ("off", "on"):
                button = await page.locator(SWITCHES).nth(group).get_by_role("button").last.element_handle()
                seconds.append(await click(button, element))
                await settle(page)
    return seconds
