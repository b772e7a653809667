"""A choice of the faults of `python -m tests.faulted`, which makes them all."""

import random
import zlib
from pathlib import Path

import pytest

from tests.faulted import BYTES, DESCRIPTORS, Swept, based
from tests.faults import FAULTS
from tests.subjects import SUBJECTS, Subject

KINDS = 2
"""Of calls that fail, of each subject."""


@pytest.fixture(scope="session")
def base(run_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the study that was run, made ready for faults. Read only."""
    return based(run_cache, tmp_path_factory.mktemp("faults") / "base")


@pytest.mark.parametrize(
    "subject", [pytest.param(each, id=each.name) for each in SUBJECTS if each.name != "report"]
)  # to draw a report takes as long as all of these
def test_whatever_fails_is_said_and_goes_on_to_the_same_bits(subject: Subject, base: Path, tmp_path: Path) -> None:
    chance = random.Random(zlib.crc32(subject.name.encode()))
    swept = Swept(subject, base, tmp_path)
    met = [kind for kind, count in swept.counts.items() if count]
    for kind in chance.sample(met, min(KINDS, len(met))):
        swept.fail(kind, chance.choice(FAULTS[kind]), chance.randint(1, swept.counts[kind]))
    swept.starve("descriptors", chance.choice(DESCRIPTORS))
    swept.starve("bytes", chance.choice(BYTES))
    assert swept.survived.total() + swept.passed.total() >= 3
