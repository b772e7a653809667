"""A server on a tiny study, and a Chromium to look at it with."""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from core.study import Study
from dashboard.bench.browsers import FLAGS, NAMES
from dashboard.bench.server import served
from tests.networks import add_networks
from tests.tiny import tiny_study

READY = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
MINUTE = 60
SPARING = ("--process-per-site",)
"""One process for all pages of a context, which has read Streamlit's scripts: a sixth less to compute for a page."""


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return add_networks(tiny_study(tmp_path_factory.mktemp("browser") / "studies" / "tiny"))


@pytest.fixture(scope="session")
def server(study: Study) -> Iterator[str]:
    with served(study.folder.parents[1]) as server:
        yield server.address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., Browser]]:
    """Start a Chromium, with further flags."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail("BROWSER_TESTS=required, but there is no Chromium on the PATH")
        pytest.skip("there is no Chromium on the PATH")
    with sync_playwright() as playwright, ExitStack() as stack:

        def start(*flags: str) -> Browser:
            browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *SPARING, *flags])
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="session")
def browser(chromium: Callable[..., Browser]) -> Browser:
    return chromium()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    with visiting(browser, server) as page:
        yield page


FREE: dict[tuple[Browser, str], list[BrowserContext]] = defaultdict(list)
"""Of a browser and a server: what visitors have left, with a window and Streamlit's scripts and nothing of theirs."""


@contextmanager
def visiting(browser: Browser, server: str, **options: Any) -> Iterator[Page]:
    """Come as a fresh visitor; whatever the test does, nothing may ask another host than the server.

    Streamlit's scripts and the window, which are the same for all, are not made anew.
    """
    usual: dict[str, Any] = {"viewport": {"width": 1300, "height": 1000}, "accept_downloads": True}
    free = FREE[browser, server] if not options else []
    if free:
        context = free.pop()
    else:
        context = browser.new_context(base_url=server, **{**usual, **options})
        # It stays: with a context's last page its window goes, and with a site's its process.
        context.new_page().goto("/_stcore/health")
    page = context.new_page()
    page.set_default_timeout(MINUTE * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    yield page
    if options:
        context.close()
    else:
        page.evaluate("localStorage.clear()")
        context.clear_cookies()
        for each in context.pages[1:]:
            each.close()
        free.append(context)
    foreign = {url for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    foreign = {url for url in foreign if urlsplit(url).netloc != urlsplit(server).netloc}
    assert not foreign, f"asked other hosts: {sorted(foreign)}"


@pytest.fixture(scope="session")
def viewer_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("viewer"), "tests/browser/viewer_app.py") as server:
        yield server.address


@pytest.fixture
def visit(browser: Browser, viewer_app: str) -> Iterator[Callable[..., Page]]:
    """Open the viewer's page with what stands in the address; further options go to the browser."""
    with ExitStack() as stack:

        def visit(address: str = "", **options: Any) -> Page:
            page = stack.enter_context(visiting(browser, viewer_app, **options))
            page.goto(f"/?{address}")
            page.wait_for_selector(READY)
            page.wait_for_selector("[data-test=viewer][data-version]")
            return page

        yield visit
