"""The one exception whose message is meant for the person at the keyboard."""

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something a user can mend; the message is one plain sentence that says how."""


class Unreadable(UserError):  # noqa: N818 - a kind of the one above
    """A file that is there and that the system would not give: nothing is known against what is in it."""


def memory_is_full(error: BaseException) -> bool:
    """Return whether an error says that there is no memory: of the GPU, or of this machine, where torch has no kind."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = str(error)  # by libraries that pass another's error on as their own
    words = ("DefaultCPUAllocator", "out of memory", os.strerror(errno.ENOMEM))
    return bool(kinds & {"MemoryError", "OutOfMemoryError"}) or any(word in said for word in words)


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that does not exist, with the nearest ones that do.

    Parameters
    ----------
    kind : str
        What was looked for, as a reader would call it ("study", "architecture").
    name : str
        The name that was given.
    known : iterable of str
        The names that exist.
    """
    names = sorted(set(known))
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif names:
        hint = f"There is: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}."
    else:
        hint = f"There is no {kind} yet."
    return UserError(f"There is no {kind} called '{name}'. {hint}")
