"""Many visitors at once: clients that click through the pages, and Chromiums among them that are timed as well."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from playwright.async_api import Browser
from playwright.async_api import Error as BrowserError

from dashboard.bench.browsers import chromium, menu, trouble, turn, visit
from dashboard.bench.client import LostError, arrive
from dashboard.bench.server import Server

CLIENTS, BROWSERS, PAUSE = 20, 2, 5.0
"""How many come, and the seconds from one click of a visitor to the next."""
MINUTE = 60


@dataclass(frozen=True)
class Click:
    """A page that somebody asked for."""

    real: bool
    """Whether in a Chromium."""
    first: bool
    """Whether it was the one to arrive on, which has more to load."""
    at: float
    """Seconds since the doors opened."""
    seconds: float
    failure: str = ""


@dataclass
class Found:
    """What all visitors met, as it happens."""

    clicks: list[Click] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes of the server at the beginning and after every minute; the last when all had left."""


@dataclass
class _Day:
    """When the doors are open, and the book that everybody writes into."""

    length: float
    found: Found = field(default_factory=Found)
    start: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        return time.monotonic() - self.start

    @property
    def over(self) -> bool:
        return self.now >= self.length

    def note(self, real: bool, first: bool, at: float, seconds: float, failure: str) -> None:
        self.found.clicks.append(Click(real, first, at, seconds, failure))


async def crowd(
    server: Server, minutes: float, clients: int = CLIENTS, browsers: int = BROWSERS, pause: float = PAUSE
) -> Found:
    """Let visitors move through the pages, each in an order of its own, and return what they met.

    Visitors arrive one by one within the first pause. Each clicks every `pause` seconds, or once the last page is there
    if that takes longer.

    Parameters
    ----------
    server : Server
    minutes : float
    clients, browsers : int
    pause : float
        Seconds.

    Raises
    ------
    UserError
        There is no Chromium for `browsers`.
    """
    async with AsyncExitStack() as stack:
        chromiums = [await stack.enter_async_context(chromium()) for _ in range(browsers)]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        day = _Day(minutes * MINUTE)
        day.found.memory.append(server.memory())
        guests = [partial(_browser, each) for each in chromiums] + [_client] * clients
        for number, guest in enumerate(guests):
            group.create_task(guest(day, server.address, random.Random(number), pause * number / len(guests), pause))  # noqa: S311
        group.create_task(_weigh(day, server))
    day.found.memory.append(server.memory())
    return day.found


async def _client(day: _Day, address: str, order: random.Random, late: float, pause: float) -> None:
    await asyncio.sleep(late)
    while not day.over:
        at = day.now
        try:
            async with arrive(address) as visitor:
                page, answer = "", await visitor.open()
                if not visitor.pages:
                    raise LostError(answer.failure or "the first page brought no menu")
                day.note(False, True, at, answer.seconds, answer.failure)
                while await _next_click(day, at, pause):
                    at = day.now
                    page = order.choice([each for each in visitor.pages if each != page])
                    answer = await visitor.open(page)
                    day.note(False, False, at, answer.seconds, answer.failure)
        except LostError as error:
            day.note(False, False, at, day.now - at, str(error))
            await asyncio.sleep(pause)


async def _browser(browser: Browser, day: _Day, address: str, order: random.Random, late: float, pause: float) -> None:
    await asyncio.sleep(late)
    while not day.over:
        at = day.now
        try:
            page = await visit(browser, address)
            day.note(True, True, at, day.now - at, await trouble(page))
            titles = await menu(page)
            title = titles[0]
            while await _next_click(day, at, pause):
                at = day.now
                title = order.choice([each for each in titles if each != title])
                day.note(True, False, at, await turn(page, title), await trouble(page))
        except BrowserError as error:
            day.note(True, False, at, day.now - at, error.message)
            await asyncio.sleep(pause)
        for context in browser.contexts:
            await context.close()


async def _next_click(day: _Day, last: float, pause: float) -> bool:
    """Wait until it is time to click again; say whether the doors are still open then."""
    await asyncio.sleep(max(last + pause - day.now, 0))
    return not day.over


async def _weigh(day: _Day, server: Server) -> None:
    for minute in range(1, int(day.length // MINUTE) + 1):
        await asyncio.sleep(minute * MINUTE - day.now)
        day.found.memory.append(server.memory())
