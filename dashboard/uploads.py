"""What people upload stays in memory, and within bounds: nothing of it is written to a temporary file on the way."""

import threading

from starlette import requests
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

TOGETHER = 1_000_000_000
"""Bytes that all visitors' uploads may hold: those under way, and those kept until their page is left."""


def keep_in_memory() -> None:
    """Let Streamlit's server spool no upload, which it would do to a temporary file, from 1 MB on, and bound them all.

    Said before the first page is drawn: nothing can be uploaded earlier.
    """
    # As the server counts, of the largest that it takes and what a form puts around it.
    Bounded.spool_max_size = 2 * config.get_option("server.maxUploadSize") * 1024**2
    requests.MultiPartParser = Bounded  # type: ignore[misc]


class Bounded(MultiPartParser):
    """Starlette's reader of an upload, which is refused where all together would hold too much."""

    _under_way = 0
    _lock = threading.Lock()

    async def parse(self) -> FormData:
        """Read an upload; HTTPException 503 where there is no room for it now."""
        self._kept, self._taken = kept(), 0
        try:
            return await super().parse()
        finally:
            with Bounded._lock:
                Bounded._under_way -= self._taken

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take the next bytes of it."""
        with Bounded._lock:
            if self._kept + Bounded._under_way + end - start > TOGETHER:
                raise HTTPException(503, "Too much is being uploaded at the moment; try again in a minute.")
            Bounded._under_way += end - start
        self._taken += end - start
        super().on_part_data(data, start, end)


def kept() -> int:
    """Return the bytes of the uploads that visitors' sessions hold."""
    files = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(files, MemoryUploadedFileManager):
        return 0
    return sum(len(file.data) for of_one in list(files.file_storage.values()) for file in list(of_one.values()))
