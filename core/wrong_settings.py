"""What is wrong with a study's settings, in words."""

import re
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from core.errors import unknown

TOO_DEEP = "lists or tables lie within each other too deeply"
"""What is wrong with settings that nobody has written by hand."""


def wrong(error: ValidationError, whole: type[BaseModel]) -> str:
    """Return all that is wrong, as one line: the keys, what was found, what is allowed, and what is near.

    Parameters
    ----------
    error : ValidationError
        Of a study's settings.
    whole : type
        What they should be.
    """
    try:
        return "; ".join(_plain(each, whole) for each in error.errors())
    except RecursionError:  # what was found cannot be written out
        return TOO_DEEP


def _plain(error: Any, whole: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        section: Any = whole
        for part in error["loc"][:-1]:
            section = section.model_fields[part].annotation
        return f"unknown key {where}. {unknown('key', str(error['loc'][-1]), section.model_fields)}"
    if error["type"] == "missing":
        return f"{where} is missing"
    found = "" if isinstance(error["input"], dict) or error["type"] == "too_long" else f" (found {error['input']!r})"
    message = _rule(error)
    return f"{where}: {message}{found}{_near(error)}" if where else message


def _rule(error: Any) -> str:
    """Say what is allowed; pydantic's own words where they are plain enough."""
    last = error["loc"][-1] if error["loc"] else ""
    rules = {
        "model_type": f"input should be a table of settings, [{last}]",
        "string_pattern_mismatch": "letters, digits, '-' and '_' only, at most 64, the first a letter or a digit",
        "too_short": "at least one is needed",
        "too_long": "at most {max_length} are taken (found {actual_length})",
    }
    rule = rules.get(error["type"], "").format(**error.get("ctx", {}))
    message = rule or str(error["msg"]).removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _near(error: Any) -> str:
    """Offer the allowed word that is nearest to a misspelt one."""
    if error["type"] != "literal_error":
        return ""
    allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    near = get_close_matches(str(error["input"]), allowed, n=1)
    return f". Did you mean {near[0]}?" if near else ""
