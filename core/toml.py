"""Settings as text: TOML, within what its numbers can be."""

import tomllib
from pathlib import Path
from typing import Any

_BEYOND = 2**63
"""No whole number of TOML reaches it; Python's reader has no bound, and nothing that is given one can write it out."""

LARGEST = 16_000
"""Characters of settings, ten times what studies have: Python's reader takes ten seconds for a key of 20,000 dots."""


def parse_toml(text: str) -> dict[str, Any]:
    """Return what a text of TOML says.

    Raises
    ------
    ValueError
        It is no TOML, is longer than settings are, or a whole number in it is of more than 64 bits.
    RecursionError
        Lists or tables lie within each other too deeply.
    """
    if len(text) > LARGEST:
        raise ValueError(f"{len(text):,} characters, where settings have at most {LARGEST:,}")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python refuses to read thousands of digits, and says how to make it
        raise _beyond() from None
    _check(tree)
    return tree


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a file of settings says; raises what `parse_toml` does, OSError, and ValueError where it is empty."""
    tree = parse_toml(path.read_text(encoding="utf-8"))
    if not tree:
        raise ValueError("there are no settings in it")
    return tree


def _check(value: Any) -> None:
    if isinstance(value, int) and not -_BEYOND <= value < _BEYOND:
        raise _beyond()
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _check(each)


def _beyond() -> ValueError:
    return ValueError("a whole number is of more than 64 bits")
