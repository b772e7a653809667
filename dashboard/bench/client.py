"""A visitor without a browser: what Streamlit's page says to its server, and how it takes the answers.

The protocol is Streamlit's own, from the messages that ship with it (`streamlit.proto`): a `BackMsg` asks for a run of
a page, and `ForwardMsg`s bring its elements, between one that says a run began and one that says its script finished.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Origin, Subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

PATIENCE = 60.0
"""Seconds after which a page is taken to be lost."""
PROTOCOLS = [Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN")]


@dataclass(frozen=True)
class Answer:
    """A page that was asked for."""

    page: str
    """Its place in the address bar; "" is the first."""
    seconds: float
    """From the click to the script's end."""
    failure: str = ""
    """Why there is no page to read, "" where there is."""


class LostError(Exception):
    """The connection is gone, and with it the session."""


class Visitor:
    """One session of a server, in the middle of a connection.

    Attributes
    ----------
    pages : dict
        Of every page in the menu, its place in the address bar and what Streamlit knows it by. Known from the first
        answer on.
    """

    def __init__(self, connection: ClientConnection, address: str) -> None:
        self._connection, self._address = connection, address
        self._cached: dict[str, int] = {}  # a message's hash, and the number of the run that last had it
        self._runs = 0
        self.pages: dict[str, str] = {}

    async def open(self, page: str = "") -> Answer:
        """Ask for a page and wait until its script has finished.

        Raises
        ------
        LostError
            There is no connection any more.
        """
        start = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._connection.send(self._request(page).SerializeToString())
                failure = await self._answer(self.pages.get(page, ""))
        except TimeoutError:
            failure = f"there was no answer in {PATIENCE:.0f} s"
        except ConnectionClosed as error:
            raise LostError(f"the server closed the connection ({error})") from error
        return Answer(page, time.perf_counter() - start, failure)

    def _request(self, page: str) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.page_script_hash = self.pages.get(page, "")
        state.cached_message_hashes.extend(self._cached)
        context = state.context_info
        context.url, context.color_scheme = f"{self._address}/{page}", "light"
        context.locale, context.timezone, context.timezone_offset = "en", "UTC", 0
        return message

    async def _answer(self, page_hash: str) -> str:
        """Read on to the end of the run of this page; return what is wrong with it."""
        ours, failure, age, message = False, "", 0, ForwardMsg()
        while True:
            received = await self._connection.recv()
            message.ParseFromString(received if isinstance(received, bytes) else received.encode())
            kind = message.WhichOneof("type")
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                # A run that the click interrupts, or a fragment's, is not the answer.
                ours, failure = message.new_session.page_script_hash == page_hash or not page_hash, ""
                age = message.new_session.config.max_cached_message_age
            elif kind == "navigation":
                self.pages = {each.url_pathname: each.page_script_hash for each in message.navigation.app_pages}
            elif kind == "page_not_found":
                failure = "there is no such page"
            elif kind == "ref_hash":
                if message.ref_hash not in self._cached:
                    failure = "the server refers to what it never sent"
                self._cached[message.ref_hash] = self._runs
            elif kind == "delta":
                if message.metadata.cacheable:
                    self._cached[message.hash] = self._runs
                failure = failure or _trouble(message.delta.new_element)
            elif kind == "script_finished" and ours:
                self._forget(age)
                if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return failure
                if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    return failure or "the page does not compile"

    def _forget(self, age: int) -> None:
        """Count a run, and forget the messages that the last `age` did not use, as a browser does."""
        self._runs += 1
        self._cached = {key: run for key, run in self._cached.items() if self._runs - run <= age}


@asynccontextmanager
async def arrive(address: str) -> AsyncIterator[Visitor]:
    """Connect to a server; the session ends with the block.

    Parameters
    ----------
    address : str
        http://host:port

    Raises
    ------
    LostError
        It does not answer.
    """
    host = urlsplit(address).netloc
    try:
        connection = await connect(
            f"ws://{host}/_stcore/stream",
            origin=Origin(address),
            subprotocols=PROTOCOLS,
            max_size=None,
            ping_interval=None,  # a browser sends none either
            proxy=None,
        )
    except (OSError, WebSocketException) as error:
        raise LostError(f"the server does not take the connection ({error})") from error
    async with connection:
        yield Visitor(connection, address)


def _trouble(element: Element) -> str:
    """Return the message of an element that tells a person of an error, "" for any other."""
    if element.WhichOneof("type") == "exception":
        return f"{element.exception.type}: {element.exception.message}"
    if element.WhichOneof("type") == "alert" and element.alert.format == Alert.ERROR:
        return element.alert.body
    return ""
