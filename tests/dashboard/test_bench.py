"""Clients that speak Streamlit's protocol to a real server, at small size. Nothing here is about how long it takes."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from core.errors import UserError
from dashboard.bench.browsers import chromium, menu, trouble, turn, visit
from dashboard.bench.client import Answer, LostError, arrive
from dashboard.bench.pages import CHANGE_MAPS, SHOWN, WARM, switch
from dashboard.bench.report import (
    crowd_misses,
    crowd_table,
    failures,
    pages_misses,
    pages_table,
    uploads_table,
    viewer_misses,
    viewer_table,
)
from dashboard.bench.server import ROOT, Server, free_port, served
from dashboard.bench.uploads import PHOTO_PAGE, Upload, photo, together
from dashboard.bench.viewer import ACTIONS, Act, acts
from dashboard.bench.visitors import Click, Found, crowd
from dashboard.bench.weights import weights_home
from dashboard.navigation import SECTIONS
from tests.loops import finished
from tests.networks import add_networks
from tests.tiny import tiny_study

PAGES = {name for names in SECTIONS.values() for name in names} - {"home"} | {""}


@pytest.fixture(scope="module")
def server(tiny_folders: Path) -> Iterator[Server]:
    with served(tiny_folders) as server:
        yield server


@pytest.fixture(scope="module")
def explaining(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has networks to explain photos by."""
    cache = tmp_path_factory.mktemp("explaining")
    add_networks(tiny_study(cache / "studies" / "tiny"))
    with served(cache) as server:
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


def test_a_client_drops_a_photo_that_is_explained(explaining: Server):
    async def dropped(address: str) -> list[Answer]:
        async with arrive(address) as visitor:
            await visitor.open()
            mine = photo(9)  # which nobody else here drops
            found = [await visitor.drop("photo.jpg", mine), await visitor.open(PHOTO_PAGE)]
            return [*found, *[await visitor.drop("photo.jpg", content) for content in (mine, b"no photo")]]

    answers = finished(dropped(explaining.address))
    nowhere, opened, taken, refused = (answer.failure for answer in answers)
    assert nowhere == "the page takes no file"
    assert (opened, taken) == ("", "")
    assert "is not an image" in refused


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
        with pytest.raises(UserError, match="while it runs"):
            server.peak()

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
    found = finished(crowd(server, minutes=0.1, clients=2, browsers=1, pause=0.5, photos=0))
    assert not failures(found.clicks)
    assert sum(click.first for click in found.clicks) == 3, "each arrives once, and nobody is thrown out"
    assert all(size > 2**20 for size in found.memory)


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_photos_dropped_at_once_are_all_answered(explaining: Server):
    found = finished(together(explaining, visitors=2))
    assert explaining.peak() >= explaining.memory() > 2**20
    assert [upload.failure for upload in found] == ["", ""]
    assert all(0 < upload.first <= upload.last and upload.place in (0, 1) for upload in found)


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_what_is_done_to_the_viewer_is_drawn_and_not_told(server: Server):
    found = {act.name: act for act in finished(acts(server, seconds=0.2, settled=600))}
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
    lines = [line.replace("│", " ").split() for line in printed(crowd_table(found, 10**9))]
    rows = {line[0]: line[1:] for line in lines if len(line) > 5 and line[0] in ("first", "1", "2", "all")}
    assert rows["first"] == ["100", "1", "9.00", "9.00", "9.00", "0", "0", "0"]
    assert rows["1"] == ["200", "11", "0.30", "0.53", "0.55", "0", "0", "0"]
    assert rows["2"] == ["210", "12", "0.88", "1.12", "1.15", "0", "1", "60.00", "60.00", "60.00", "1"]
    assert rows["all"][:3] == ["220", "23", "0.60"]
    assert failures(found.clicks) == ["Chromium, after 70 s: ValueError: [bold]no"]
    assert failures([broken] * 30)[-1] == "and 20 more"


def test_what_is_asked_of_a_server_with_visitors_is_said_where_it_is_not_so():
    def found(seconds: float, *memory: int, photo: bool = False) -> Found:
        clicks = [Click(False, False, at, seconds, photo=photo) for at in range(100)]
        return Found(clicks, [size * 1_000_000 for size in memory])

    assert crowd_misses(found(0.9, 100, 300, 300, 310, 320, 400)) == [], "whoever leaves takes nothing along"
    assert crowd_misses(found(1.0, 100, 300, 300, 300, 300, 300)) == ["client: p95 is 1.00 s, not below 1.00 s"]
    assert crowd_misses(found(5.0, 100, 300, 300, 300, 300, 300, photo=True)) == [], "a photo is no page"
    (said,) = crowd_misses(found(0.1, 100, 200, 300, 310, 331, 331))
    assert "from 300 MB after minute 2 to 331 MB, more than 10%" in said
    assert crowd_misses(found(0.1, 100, 200, 300, 300)) == [], "two minutes tell nothing of growth"
    assert crowd_misses(found(0.1, 100, 200)) == []
    assert crowd_misses(Found([Click(True, True, 0, 60, "lost")], [1, 1])) == ["Chromium, after 0 s: lost"]


def test_what_is_asked_of_pages_and_of_the_viewer_is_said_where_it_is_not_so():
    assert pages_misses({WARM: [0.1, 0.2, 0.9], CHANGE_MAPS: [], "else": [9.0]}) == []
    (said,) = pages_misses({WARM: [0.1, 0.3, 0.9]})
    assert said.startswith(f"{WARM}: half of them take 0.30 s or more")
    good, told, slow = Act("swipe", 4, 50.0, 50.0, 0), Act("pan", 4, 60.0, 60.0, 2), Act("zoom", 4, 49.9, 49.9, 0)
    assert viewer_misses([good]) == []
    assert viewer_misses([good, told, slow]) == [
        "pan: 2 messages to the server, not 0",
        "zoom: 49.9 frames a second, not 50",
    ]


@pytest.mark.browser
@pytest.mark.usefixtures("chromiums")
def test_a_page_that_does_not_open_is_one_failure_and_not_the_end():
    nobody = Server(f"http://localhost:{free_port()}", 0)
    found = finished(together(nobody, visitors=2))
    assert [upload.failure[:23] for upload in found] == ["the page does not open:"] * 2
    with pytest.raises(UserError, match="did not get what it waited for"):
        finished(acts(nobody))


def test_random_weights_are_found_in_place_of_torchvisions():
    """In a process of its own, as the script stands in for what all others have."""
    code = (
        "import runpy; run = runpy.run_path; runpy.run_path = lambda *given, **named: None\n"
        "for _ in range(2): run('dashboard/bench/imagenet_home.py')\n"
        "from core.imagenet import ImageNet\n"
        "networks = ImageNet(); networks.fetch(); model = networks.model(networks.cells[-1])\n"
        "import torch; print(model(torch.ones(1, 3, 224, 224)).shape)"
    )
    with weights_home() as home:
        environment = {**os.environ, "TORCH_HOME": home, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    assert "[1, 1000]" in done.stdout, done.stderr
    assert not Path(home).exists()


def test_timings_of_one_visitor_are_told_by_name():
    text = "\n".join(printed(pages_table({"a page": [0.1, 0.2, 0.9], "nothing": []})))
    assert "0.20" in text
    assert "0.90" in text
    assert "nothing" in text
