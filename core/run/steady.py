"""Whether a study stays as it is while it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import UserError
from core.run.status import read_status

TELLING = ("study.toml", "manifest.json", "summary.parquet")
"""Files of which a run replaces one with all that it does."""


@contextmanager
def steady(folder: Path) -> Iterator[None]:
    """Refuse what the block reads of a study that a run is changing: it may be of two states, which nobody could tell.

    Raises
    ------
    UserError
        A run is under way, or was while the block lasted; whatever else the block said is a consequence.
    """
    before, status = _stamps(folder), read_status(folder)
    running = status is not None and status.alive
    changed = UserError(
        f"The study in {folder} is changed by a run while it is read: what is read may be of two states. Try again "
        "when the run has ended."
    )
    try:
        yield
    except Exception:
        if running or _stamps(folder) != before:
            raise changed from None
        raise
    if running or _stamps(folder) != before:
        raise changed


def _stamps(folder: Path) -> list[tuple[int, int, int] | None]:
    found: list[tuple[int, int, int] | None] = []
    for name in TELLING:
        try:
            file = (folder / name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((file.st_ino, file.st_mtime_ns, file.st_size))
    return found
