"""A study whose folder goes away while it is run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import UserError
from core.run.lock import lock_path
from core.run.status import identity, status_path


@contextmanager
def unless_removed(folder: Path) -> Iterator[Callable[[], None]]:
    """Give what raises UserError once the folder is no longer there; as does the block, whatever else befell it.

    What the run itself has put there since is removed at the end, and nothing else: somebody may be putting something
    of their own in the place of the study.
    """
    own = identity(folder)
    gone = UserError(
        f"{folder} was removed or moved while the study was run, so the run has ended. Where it lies elsewhere now, it "
        "can be gone on with from there."
    )

    def there() -> bool:
        try:
            return identity(folder) == own
        except OSError:  # it cannot be said now, as on a network disk that is away for a moment
            return True

    def check() -> None:
        if not there():
            raise gone

    try:
        yield check
    except BaseException:
        if there():
            raise
        if not (folder / "study.toml").exists() and not lock_path(folder).exists():  # else another one was begun there
            status_path(folder).unlink(missing_ok=True)
        with suppress(OSError):
            status_path(folder).parent.rmdir()
            folder.rmdir()
        raise gone from None
