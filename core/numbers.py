"""Numbers in words."""


def percent(share: float) -> str:
    """Return a share as a whole percentage; one above 0 that would be rounded to it is "< 1%"."""
    return "< 1%" if 0 < share <= 0.005 else f"{share:.0%}"
