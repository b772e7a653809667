"""Keep what is made of a study's tables: with many visitors, making it again at every look is most of their waiting."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

import pandas as pd

Made = TypeVar("Made", bound=Callable[..., Any])


def once(count: int) -> Callable[[Made], Made]:
    """Keep the last `count` things that a pure function has made.

    What it is given must be hashable, as `dashboard.state.Choices` is. Tables are handed out as views: whoever writes
    into one leaves what is kept as it is (copy on write).
    """

    def keep(make: Made) -> Made:
        kept = lru_cache(maxsize=count)(make)

        @wraps(make)
        def made(*asked: Any, **named: Any) -> Any:
            found = kept(*asked, **named)
            return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

        return cast(Made, made)

    return keep
