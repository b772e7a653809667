"""A study whose folder goes away while it is run."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import UserError
from core.run.lock import lock_path
from core.run.status import identity


@contextmanager
def unless_removed(folder: Path) -> Iterator[Callable[[], None]]:
    """Give what raises UserError once the folder is no longer there; as does the block, whatever else befell it.

    What was written since under its name, which is nobody's study, is removed at the end.
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
        if not (folder / "study.toml").exists() and not lock_path(folder).exists():  # else another one was begun there
            shutil.rmtree(folder, ignore_errors=True)
        raise gone from None
