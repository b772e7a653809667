"""Clients that speak Streamlit's protocol to a real server, at small size. Nothing here is about how long it takes."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from core.errors import UserError
from dashboard.bench.browsers import chromium, menu, trouble, turn, visit
from dashboard.bench.client import Answer, LostError, arrive
from dashboard.bench.pages import SHOWN, switch
from dashboard.bench.report import crowd_table, failures, pages_table, uploads_table, viewer_table
from dashboard.bench.server import Server, served
from dashboard.bench.uploads import Upload, together
from dashboard.bench.viewer import ACTIONS, Act, acts
from dashboard.bench.visitors import Click, Found, crowd
from dashboard.navigation import SECTIONS
from tests.loops import finished
from tests.networks import add_networks
from tests.tiny import tiny_study

PAGES = {name for names in SECTIONS.values() for name in names} - {"home"} | {""}


@pytest.fixture(scope="module")
def server(tiny_folders: Path) -> Iterator[Server]:
    with served(tiny_folders) as server:
        yield server


async def walk(address: str) -> tuple[set[str], list[Answer]]:
    """Open every page twice: the second time, most of it is what the client says it has."""
    async with arrive(address) as visitor:
        first = await visitor.open()
        return set(visitor.pages), [first, *[await visitor.open(page) for _ in range(2) for page in visitor.pages]]


def printed(table: object) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


def test_a_client_opens_every_page_of_the_menu_without_an_error(server: Server):
    pages, answers = finished(walk(server.address))
    assert pages == PAGES
    assert [answer.failure for answer in answers] == [""] * (1 + 2 * len(PAGES))


def test_what_a_page_says_is_wrong_is_a_failure(tiny_folders: Path, tmp_path: Path):
    shutil.copytree(tiny_folders / "studies" / "tiny", tmp_path / "studies" / "tiny")
    (tmp_path / "studies" / "tiny" / "summary.parquet").write_bytes(b"no table")
    with served(tmp_path) as server:
        _, answers = finished(walk(server.address))
    assert next(answer.failure for answer in answers if answer.page == "rank")


def test_a_server_that_is_gone_is_told(tiny_folders: Path):
    async def outlive() -> None:
        with served(tiny_folders) as server:
            connection = arrive(server.address)
            visitor = await connection.__aenter__()
            assert not (await visitor.open()).failure
        with pytest.raises(LostError, match="closed the connection"):
            await visitor.open("rank")
        with pytest.raises(LostError, match="does not take"):
            await arrive(server.address).__aenter__()

    finished(outlive())


@pytest.fixture
def chromiums() -> None:
    if shutil.which("chromium") is None and os.environ.get("BROWSER_TESTS") != "required":
        pytest.skip("there is no Chromium on the PATH")


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_a_browser_turns_pages_and_switches(server: Server):
    async def visited() -> list[float]:
        async with chromium() as browser:
            page = await visit(browser, server.address)
            title = (await menu(page))[3]
            seconds = [await turn(page, title)]
            assert await page.locator("h1").text_content() == title == "Rank alignment"
            seconds += await switch(page, SHOWN[title], 1)
            assert not await trouble(page)
            return seconds

    assert len(finished(visited())) == 5


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_clients_and_a_browser_move_through_the_pages_together(server: Server):
    found = finished(crowd(server, minutes=0.2, clients=2, browsers=1, pause=1.0))
    assert not failures(found.clicks)
    assert sum(click.first for click in found.clicks) == 3, "each arrives once, and nobody is thrown out"
    assert all(size > 2**20 for size in found.memory)


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_photos_dropped_at_once_are_all_answered(tmp_path: Path):
    add_networks(tiny_study(tmp_path / "studies" / "tiny"))
    with served(tmp_path) as server:
        found = finished(together(server, visitors=2))
        assert server.peak() >= server.memory() > 2**20
    assert [upload.failure for upload in found] == ["", ""]
    assert all(0 < upload.first <= upload.last and upload.place in (0, 1) for upload in found)
    with pytest.raises(UserError, match="while it runs"):
        server.peak()


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_what_is_done_to_the_viewer_is_drawn_and_not_told(server: Server):
    found = {act.name: act for act in finished(acts(server, seconds=0.2))}
    assert set(found) == set(ACTIONS)
    assert {(act.messages, act.panels) for act in found.values()} == {(0, 3)}
    assert all(act.frames > 0 for act in found.values())
    assert found["opacity"].drawings > 0


def test_the_tables_of_uploads_and_of_the_viewer_have_a_row_each():
    uploads = [Upload(0, 1.23, 4.0), Upload(9, 10.0, 20.0, "[bold]lost")]
    text = printed(uploads_table(uploads, 2_500_000_000))
    assert any("2500 MB" in line for line in text)
    assert any("1.2" in line and "4.0" in line for line in text)
    assert any("9" in line and "[bold]lost" in line for line in text)
    assert any("swipe" in line and "59.9" in line for line in printed(viewer_table([Act("swipe", 4, 59.9, 58.0, 0)])))


def test_the_table_has_a_row_a_minute_and_counts_first_pages_apart():
    slow = Click(real=False, first=True, at=1, seconds=9)
    clicks = [Click(real=False, first=False, at=at, seconds=at / 100) for at in range(5, 120, 5)]
    broken = Click(real=True, first=False, at=70, seconds=60, failure="ValueError: [bold]no")
    found = Found([slow, *clicks, broken], [100_000_000, 200_000_000, 210_000_000, 220_000_000])
    lines = [line.replace("│", " ").split() for line in printed(crowd_table(found))]
    rows = {line[0]: line[1:] for line in lines if len(line) > 5 and line[0] in ("first", "1", "2", "all")}
    assert rows["first"] == ["100", "1", "9.00", "9.00", "9.00", "0", "0", "0"]
    assert rows["1"] == ["200", "11", "0.30", "0.53", "0.55", "0", "0", "0"]
    assert rows["2"] == ["210", "12", "0.88", "1.12", "1.15", "0", "1", "60.00", "60.00", "60.00", "1"]
    assert rows["all"][:3] == ["220", "23", "0.60"]
    assert failures(found.clicks) == ["Chromium, after 70 s: ValueError: [bold]no"]
    assert failures([broken] * 30)[-1] == "and 20 more"


def test_timings_of_one_visitor_are_told_by_name():
    text = "\n".join(printed(pages_table({"a page": [0.1, 0.2, 0.9], "nothing": []})))
    assert "0.20" in text
    assert "0.90" in text
    assert "nothing" in text
