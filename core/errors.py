"""The one exception whose message is meant for the person at the keyboard."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something a user can mend; the message is one plain sentence that says how."""


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
