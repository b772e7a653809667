"""What is said of tasks that failed."""

import re

from core.errors import UserError, memory_is_full
from core.store import in_words


def why(error: BaseException) -> str:
    """Return why a task failed, as one line."""
    if isinstance(error, UserError):
        return str(error)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, without a second's import
        return "the GPU's memory is full; end what else uses it, and the same command goes on from here."
    if memory_is_full(error):
        return "this machine's memory is full; end what else uses it, and the same command goes on from here."
    if isinstance(error, OSError):
        about = f"{error.filename}: " if error.filename else ""
        return f"{about}{in_words(error)}; once that is mended, the same command goes on from here."
    return f"{type(error).__name__}: {error}".splitlines()[0]


def reasons(failed: dict[str, str], architectures: set[str]) -> str:
    """Say what failed, and a reason that differs in nothing but the network's name only once."""
    alike: dict[str, list[str]] = {}
    for name, said in failed.items():
        alike.setdefault(re.sub("|".join(sorted(architectures, key=len, reverse=True)), "", said), []).append(name)
    return "; ".join(
        f"{first} failed: {failed[first]}" + (f" (so did, alike, {', '.join(rest)})" if rest else "")
        for first, *rest in alike.values()
    )
