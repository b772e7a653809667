"""Whatever is uploaded as a photo ends in an image or in one sentence, in bounded memory, and reaches no disk."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from core.data.apart import MEMORY
from tests.hostile.mutated import files
from tests.hostile.opening import Opened, Opener
from tests.hostile.photos import File, either, hostile, odd

IMAGE, SENTENCE, TOO_LONG = 0, 3, -signal.SIGPROF
"""How the process ends that opens one; `open_apart` has a sentence for the last."""


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    with Opener() as opener:
        yield opener


def wrong(found: Opened, *ends: int) -> bool:
    """Whether a file ended otherwise than as it may; a file about to be written to is another end."""
    one_sentence = found.said.startswith("This file ") and found.said.endswith(".") and "\n" not in found.said
    whole = len(found.shape) == 2 and 0 < min(found.shape) <= max(found.shape) <= 2000
    right = {IMAGE: whole, SENTENCE: one_sentence, TOO_LONG: True}
    return found.code not in ends or not right[found.code] or found.memory > MEMORY


@pytest.mark.parametrize(
    ("made", "ends"), [(odd, (IMAGE,)), (hostile, (SENTENCE, TOO_LONG)), (either, (IMAGE, SENTENCE, TOO_LONG))]
)
def test_each_file_ends_as_it_must(opener: Opener, made: dict[str, File], ends: tuple[int, ...]) -> None:
    found = {name: opener.open(file() if callable(file) else file) for name, file in made().items()}
    assert len(found) > 30
    assert {name: each for name, each in found.items() if wrong(each, *ends)} == {}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=files())
def test_each_changed_file_ends_as_it_may(opener: Opener, data: bytes) -> None:
    found = opener.open(data)
    assert not wrong(found, IMAGE, SENTENCE, TOO_LONG), found
