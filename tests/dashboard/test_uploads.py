"""Uploads, as Streamlit's server takes them in: as large as a page says, and in memory alone."""

import runpy
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette import requests
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.starlette import starlette_routes

from core.data.photos import MAX_BYTES
from dashboard import studies_add, uploads
from dashboard.uploads import Bounded, keep_in_memory, kept
from tests.loops import finished

MEGABYTE = 1024**2


class Here:
    """A server's sessions, and what was uploaded to them."""

    def __init__(self) -> None:
        self.found: list[bytes] = []

    def is_active_session(self, session: str) -> bool:
        return True

    def add_file(self, session_id: str, file: Any) -> None:
        self.found.append(file.data)


async def put(size: int) -> bytes:
    """Upload so many bytes to the server's own route, and return what it kept."""
    line = b"--x"
    head = b'\r\nContent-Disposition: form-data; name="file"; filename="own.pth"\r\n\r\n'
    body = line + head + bytes(size) + b"\r\n" + line + b"--\r\n"

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    here = Here()
    route = starlette_routes.create_upload_routes(here, here, None)[0]  # type: ignore[arg-type]
    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"%d" % len(body))]
    of = {"session_id": "a", "file_id": "b"}
    request = Request({"type": "http", "method": "PUT", "headers": headers, "path_params": of}, receive)
    answer = await route.endpoint(request)  # type: ignore[attr-defined]
    assert answer.status_code == 204
    return here.found[0]


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starlette_routes, "is_xsrf_enabled", lambda: False)
    monkeypatch.setattr(requests, "MultiPartParser", MultiPartParser)
    monkeypatch.setattr(Bounded, "spool_max_size", MEGABYTE)


@pytest.mark.parametrize("size", [1_500_000, MAX_BYTES, 40 * MEGABYTE])
def test_an_upload_is_taken_and_stays_in_memory(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any) -> None:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    keep_in_memory()
    assert len(finished(put(size))) == size
    assert Bounded._under_way == 0


def test_all_uploads_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in_memory()
    monkeypatch.setattr(uploads, "TOGETHER", 3 * MEGABYTE)
    assert len(finished(put(2 * MEGABYTE))) == 2 * MEGABYTE
    with pytest.raises(HTTPException, match="try again"):
        finished(put(4 * MEGABYTE))
    monkeypatch.setattr(uploads, "kept", lambda: 2 * MEGABYTE)
    with pytest.raises(HTTPException, match="try again"):
        finished(put(2 * MEGABYTE))
    assert Bounded._under_way == 0, "what was refused holds nothing"
    monkeypatch.setattr(uploads, "kept", lambda: 0)
    assert len(finished(put(2 * MEGABYTE))) == 2 * MEGABYTE


def test_what_sessions_hold_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    files = MemoryUploadedFileManager("/upload")
    monkeypatch.setattr(uploads.Runtime, "exists", lambda: True)
    monkeypatch.setattr(uploads.Runtime, "instance", lambda: SimpleNamespace(uploaded_file_mgr=files))
    for session, name, size in (("a", "1", 10), ("a", "2", 20), ("b", "1", 5)):
        files.add_file(session, UploadedFileRec(name, name, "image/png", bytes(size)))
    assert kept() == 35
    files.remove_session_files("a")
    assert kept() == 5


def test_the_server_takes_what_the_page_offers() -> None:
    from streamlit import config

    assert config.get_option("server.maxUploadSize") == studies_add.MAX_MEGABYTES


def test_memory_is_seen_to_before_a_page_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever page comes first after a restart: an upload may be under way."""

    def reached(pages: object, **options: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("streamlit.navigation", reached)
    with pytest.raises(InterruptedError):
        runpy.run_path(str(Path(__file__).parents[2] / "dashboard" / "Home.py"))
    assert requests.MultiPartParser is Bounded  # type: ignore[attr-defined]
    assert Bounded.spool_max_size > studies_add.MAX_MEGABYTES * MEGABYTE
