"""What people upload stays in memory: nothing of it is written to a temporary file on the way."""

from starlette.formparsers import MultiPartParser
from streamlit import config


def keep_in_memory() -> None:
    """Let Streamlit's server spool no upload, which it would do to a temporary file, from 1 MB on.

    Said before the first page is drawn: nothing can be uploaded earlier.
    """
    # As the server counts, of the largest that it takes and what a form puts around it.
    MultiPartParser.spool_max_size = 2 * config.get_option("server.maxUploadSize") * 1024**2
