"""Where Models Look: distil a teacher into smaller students, and measure how far the places they look at move."""

from core.errors import UserError
from core.study import Study, open_study, study_names

__all__ = ["Study", "UserError", "open_study", "study_names"]
