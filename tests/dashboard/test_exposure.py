"""Whom the server answers: its own pages, under its own names."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dashboard.bench.server import served

SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture(scope="module")
def server(tiny_folders: Path) -> Iterator[str]:
    with served(tiny_folders) as server:
        yield server.address


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
