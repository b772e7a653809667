"""Visitors who drop a photo each at the same moment: whether all are answered, in turn, and what it takes of memory."""

import asyncio
import io
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image
from playwright.async_api import Browser
from playwright.async_api import Error as BrowserError

from dashboard.bench.browsers import chromium, trouble, visit
from dashboard.bench.server import Server

VISITORS = 10
LARGEST = 3_000_000_000
"""Bytes that the server may hold at most."""
WIDTH, HEIGHT = 4000, 3000
"""Pixels of a photo, as a telephone takes them."""
PATIENCE = 900_000
"""Milliseconds after which a visitor is taken to be forgotten."""
ERRORS = "[data-testid=stException], [data-testid=stAlertContentError]"
# Notes the first place in the line that a visitor is told, and then waits for what was asked for.
WATCH = """([shows, errors]) => {
  const place = /([0-9]+) others? (?:is|are) before you/.exec(document.querySelector("[data-testid=stMain]").innerText)
  if (place) window.placeInLine ??= Number(place[1])
  const said = [...document.querySelectorAll("h2, button")].some((each) => each.innerText.includes(shows))
  return said || document.querySelector(errors) !== null
}"""
FIRST, LAST = "The teacher answers", "Results as JSON"
"""What is read once the first maps are there, and once all are."""


@dataclass(frozen=True)
class Upload:
    """What became of one visitor's photo."""

    place: int
    """How many were before, as the visitor was told first; 0 where nobody was."""
    first: float
    """Seconds from the drop to the first answer."""
    last: float
    """Seconds to the end of all that was computed."""
    failure: str = ""


async def together(server: Server, visitors: int = VISITORS) -> list[Upload]:
    """Let visitors open the page, wait for each other, and drop a photo each; return what they met, as answered.

    Raises
    ------
    UserError
        There is no Chromium.
    """
    ready = asyncio.Barrier(visitors)
    async with chromium() as browser, asyncio.TaskGroup() as group:
        guests = [
            group.create_task(_guest(browser, f"{server.address}/your_image", photo(n), ready)) for n in range(visitors)
        ]
        found = await asyncio.gather(*guests)
    return sorted(found, key=lambda upload: upload.first)


def photo(number: int) -> bytes:
    """Return a JPEG of soft coloured shapes, other ones for every number."""
    shapes = np.random.default_rng(number).integers(0, 255, (12, 16, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(shapes).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


async def _guest(browser: Browser, address: str, content: bytes, ready: asyncio.Barrier) -> Upload:
    page = await visit(browser, address)
    await ready.wait()
    start = time.monotonic()
    seconds: list[float] = []
    failure = ""
    try:
        file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}
        await page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        for shows in (FIRST, LAST):
            await page.wait_for_function(WATCH, arg=[shows, ERRORS], polling=100, timeout=PATIENCE)
            seconds.append(time.monotonic() - start)
        failure = await trouble(page)
        place = await page.evaluate("window.placeInLine ?? 0")
    except BrowserError as error:
        place, failure = 0, error.message
    first, last = (*seconds, *[time.monotonic() - start] * 2)[:2]
    return Upload(int(place), first, last, failure)
