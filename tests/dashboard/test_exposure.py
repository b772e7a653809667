"""Whom the server answers: its own pages, under its own names."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from dashboard.bench.server import Server, served

SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture(scope="module")
def running(tiny_folders: Path) -> Iterator[Server]:
    with served(tiny_folders) as server:
        yield server


@pytest.fixture(scope="module")
def server(running: Server) -> str:
    return running.address


def asked(address: str, host: str, origin: str) -> int:
    """Ask for a session as a page of `origin` would, to which the server is called `host`; return the status."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request("GET", "/_stcore/stream", headers={**SOCKET, "Host": host, "Origin": origin})
        return connection.getresponse().status
    finally:
        connection.close()


def test_only_its_own_pages_may_drive_it(server: str) -> None:
    """Nor a site whose name is made to mean this machine (DNS rebinding)."""
    own = urlsplit(server).netloc
    evil = f"evil.example:{urlsplit(server).port}"
    assert asked(server, own, server) == 101
    assert asked(server, own, "http://evil.example") == 403
    assert asked(server, evil, f"http://{evil}") == 403


def test_it_listens_on_this_machine_only(running: Server) -> None:
    ports = psutil.Process(running.pid).net_connections("tcp")
    assert {port.laddr.ip for port in ports if port.status == psutil.CONN_LISTEN} <= {"127.0.0.1", "::1"}


def test_a_foreign_page_cannot_upload_for_a_visitor(server: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
    connection.request("PUT", "/_stcore/upload_file/session/file", b"photo")
    assert connection.getresponse().status == 403
    connection.close()


def test_no_folder_is_served(server: str) -> None:
    """What is not there is answered by Streamlit's own empty page."""
    for path in ("/app/static/Home.py", "/dashboard/Home.py", "/README.md", "/../README.md", "/.streamlit/config.toml"):
        connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse().read()
        connection.close()
        assert b"Where Models Look" not in answer, path
        assert b"streamlit run" not in answer, path
        assert b"allowedHosts" not in answer, path
