"""What one network is asked about one image, and who may be told to find it out."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from core.ask import Ask
from core.cells import Cell
from core.live.cache import Arrays
from core.live.networks import Networks


@dataclass(frozen=True)
class Task:
    """What one network is asked about one image.

    Parameters
    ----------
    kind : str
        "answer": its class and that class's probability, as `answer` (2,). "map": an `Explanation` of the one image,
        level by level. "trust": what `core.trust.Trust` holds of a map.
    image : ndarray
        (S, S, 3) uint8.
    ask : Ask
    method : str
        Of `core.methods`.
    target : int
        The class explained.
    maps : dict of ndarray
        Of "trust": the map `shown` (S, S), and another method's as `other`, where there is one.
    gap, difference : float
        Of "trust": of the map shown.
    """

    kind: Literal["answer", "map", "trust"]
    image: np.ndarray
    ask: Ask = field(default_factory=Ask)
    method: str = ""
    target: int = 0
    maps: Arrays = field(default_factory=dict)
    gap: float = np.nan
    difference: float = np.nan

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Return it as what JSON can hold, and arrays; `from_parts` puts it together again."""
        plain = {"kind": self.kind, "method": self.method, "target": self.target}
        plain |= {"gap": self.gap, "difference": self.difference, "ask": asdict(self.ask)}
        return plain, {"image": self.image, **self.maps}

    @classmethod
    def from_parts(cls, plain: dict[str, Any], arrays: Arrays) -> "Task":
        """Return the task of such parts."""
        maps = {name: value for name, value in arrays.items() if name != "image"}
        return cls(**{**plain, "ask": Ask(**plain["ask"])}, image=arrays["image"], maps=maps)


class Check(Protocol):
    """Called again and again while a task is done; raises `Stopped` where nobody wants it any more."""

    def __call__(self, alive: bool = True) -> None:
        """Look; `alive`: this is a sign of life as well (`core.turns.Place.check`)."""


By: TypeAlias = Callable[[Networks, Cell, Task, Check], Iterator[Arrays]]
"""Who finds it out: takes the networks, which of them, the task and a check; yields level after level."""


def here(networks: Networks, cell: Cell, task: Task, check: Check) -> Iterator[Arrays]:
    """Find it out in this thread; the first time, torch is loaded."""
    from core.live.compute import compute

    check()
    yield from compute(task, networks.header(cell), partial(networks.model, cell), check)
