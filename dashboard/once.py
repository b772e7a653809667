"""Keep what is made of a study's tables: with many visitors, making it again at every look is most of their waiting."""

import threading
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar, cast

import pandas as pd

Made = TypeVar("Made", bound=Callable[..., Any])


def once(count: int) -> Callable[[Made], Made]:
    """Keep the last `count` things that a pure function has made, which is at work for one visitor at a time.

    Whoever asks meanwhile for the same thing waits, and makes it not again, as fifty would who arrive together.

    What it is given must be hashable, as `dashboard.state.Choices` is. Tables are handed out as views: whoever writes
    into one leaves what is kept as it is (copy on write).
    """

    def keep(make: Made) -> Made:
        kept: dict[Hashable, Any] = {}
        working = threading.RLock()

        @wraps(make)
        def made(*asked: Any, **named: Any) -> Any:
            key = asked, tuple(named.items())
            found = kept.get(key, kept)
            if found is kept:
                with working:
                    found = kept.get(key, kept)
                    if found is kept:
                        found = make(*asked, **named)
                        if len(kept) >= count:
                            del kept[next(iter(kept))]
                        kept[key] = found
            return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

        return cast(Made, made)

    return keep
