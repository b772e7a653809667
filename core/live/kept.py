"""How answers and maps of an image lie in the live cache, and what is told from them apart from what is none."""

from core.ask import Ask
from core.header import Header
from core.live.cache import Arrays
from core.live.scene import Scene
from core.store import digest_of

VERSION = 2
"""Raise it when results change: what is kept on disk is then computed again."""
OF_A_MAP = {"maps", "gap", "difference", "region_difference", "evaluations", "converged"}
"""What a `core.attribution.Explanation` always holds; some have a map of saliency as well."""


def answer_key(header: Header, scene: Scene) -> str:
    """Return what a network's answer is kept under."""
    return digest_of([VERSION, vars(header), scene.digest, "answer"])


def map_key(header: Header, scene: Scene, method: str, target: int, ask: Ask) -> str:
    """Return what a network's map of a class is kept under."""
    return digest_of([VERSION, vars(header), scene.digest, method, target, ask.score, ask.baseline, ask.tolerance])


def is_answer(classes: int, arrays: Arrays) -> bool:
    """Return whether arrays, from wherever, are an answer among so many classes."""
    return arrays.keys() == {"answer"} and arrays["answer"].shape == (2,) and bool(0 <= arrays["answer"][0] < classes)


def is_map(side: int, arrays: Arrays) -> bool:
    """Return whether arrays, from wherever, are an explanation of one image of `side` pixels."""
    maps = {"maps": (1, side, side), "saliency": (1, side, side)}
    whole = OF_A_MAP <= arrays.keys() <= {*OF_A_MAP, "saliency"}
    return whole and all(value.shape == maps.get(name, (1,)) for name, value in arrays.items())


def read_answer(arrays: Arrays) -> tuple[int, float]:
    """Return the class that a network answers, and its probability."""
    predicted, probability = arrays["answer"]
    return int(predicted), float(probability)
