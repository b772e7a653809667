"""Where Models Look: distil a teacher into smaller students, and measure how far the places they look at move."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.errors import UserError
    from core.study import Study, open_study, study_names

__all__ = ["Study", "UserError", "open_study", "study_names"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: a process that only opens a photo is there in a fifth of the time.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from core import study

    return getattr(study, name)
