"""A study whose folder goes away while it is run."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import UserError
from core.run.lock import lock_path
from core.run.status import identity

WRITTEN = {
    *("state", "models", "history", "logits", "maps", "relevance", "importance", "parts", "measures", "replay"),
    *("images.parquet", "costs.parquet", "summary.parquet", "manifest.json"),
}
"""What a run puts into its folder."""


@contextmanager
def unless_removed(folder: Path) -> Iterator[Callable[[], None]]:
    """Give what raises UserError once the folder is no longer there; as does the block, whatever else befell it.

    What the run has written since under its name, which is nobody's study, is removed at the end; unless anything else
    is there too, which somebody may have put in its place.
    """
    own = identity(folder)
    gone = UserError(
        f"{folder} was removed or moved while the study was run, so the run has ended. Where it lies elsewhere now, it "
        "can be gone on with from there."
    )

    def check() -> None:
        if identity(folder) != own:
            raise gone

    try:
        yield check
    except BaseException:
        if identity(folder) == own:
            raise
        # With a lock, another study was begun there.
        if folder.is_dir() and {path.name for path in folder.iterdir()} <= WRITTEN and not lock_path(folder).exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise gone from None
