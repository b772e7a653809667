"""A server on a tiny study, and a Chromium to look at it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core.study import Study
from tests.networks import add_networks
from tests.tiny import tiny_study

ROOT = Path(__file__).parents[2]
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
READY = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
MINUTE = 60


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return add_networks(tiny_study(tmp_path_factory.mktemp("browser") / "studies" / "tiny"))


@pytest.fixture(scope="session")
def server(study: Study) -> Iterator[str]:
    with serve(study.folder.parents[1]) as address:
        yield address


@contextmanager
def serve(cache: Path, script: str = "dashboard/Home.py", **environment: str) -> Iterator[str]:
    """Keep a server on the studies of a cache folder, on a free port; yield its address."""
    port = free_port()
    process = started(cache, port, script, **environment)
    try:
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(MINUTE)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def started(cache: Path, port: int, script: str = "dashboard/Home.py", **environment: str) -> subprocess.Popen[bytes]:
    """Start a server, and wait until it answers; its log is in the cache."""
    log = cache / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "WHERE_MODELS_LOOK_CACHE": str(cache), **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(f"http://localhost:{port}", process, log)
    except BaseException:
        process.kill()
        raise
    return process


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + MINUTE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server does not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail("BROWSER_TESTS=required, but there is no Chromium on the PATH")
        pytest.skip("there is no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    with visiting(browser, server) as page:
        yield page


@contextmanager
def visiting(browser: Browser, server: str, **options: Any) -> Iterator[Page]:
    """Come as a fresh visitor; whatever the test does, nothing may ask another host than the server."""
    usual = {"viewport": {"width": 1300, "height": 1000}, "accept_downloads": True}
    context = browser.new_context(base_url=server, **{**usual, **options})
    page = context.new_page()
    page.set_default_timeout(MINUTE * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    yield page
    context.close()
    foreign = {url for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    foreign = {url for url in foreign if urlsplit(url).netloc != urlsplit(server).netloc}
    assert not foreign, f"asked other hosts: {sorted(foreign)}"


@pytest.fixture(scope="session")
def viewer_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("viewer"), "tests/browser/viewer_app.py") as address:
        yield address


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
