"""A choice of the faults of `python -m tests.faulted`, which makes them all."""

import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Unreadable
from core.manifest import manifest_path
from core.run.failures import why
from core.run.manifest import Files, up_to_date
from core.run.recipe import keys
from core.study import Study
from tests.faulted import BYTES, DESCRIPTORS, Swept, based, often
from tests.faults import FAULTS, Faults, few_files
from tests.subjects import ALONE, SUBJECTS, Subject

KINDS = 2
"""Of calls that fail, of each subject."""


@pytest.fixture(scope="session")
def base(run_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the study that was run, made ready for faults. Read only."""
    return based(run_cache, tmp_path_factory.mktemp("faults") / "base")


@pytest.mark.parametrize("what", ["the manifest", "no manifest"])
def test_what_cannot_be_read_once_is_no_reason_to_make_it_anew(what: str, base: Path, tmp_path: Path) -> None:
    cache = shutil.copytree(base, tmp_path / "cache")
    study = Study(cache / "studies" / "small")
    if what == "no manifest":
        manifest_path(study.folder).unlink()
    wanted = keys(study)

    def found() -> Files:
        return up_to_date(study, wanted, True, lambda sentence: None)

    with often(cache):
        with Faults(cache) as counted:
            whole = found()
        assert whole
        for nth in range(1, counted.seen["read"] + 1):
            with Faults(cache, "read", "EIO", nth):
                try:
                    assert found() == whole, f"{nth}: taken for damaged"
                    continue
                except (Unreadable, OSError) as error:
                    said = why(error)
            assert "Input/output error" in said, nth
            assert "anew" not in said, nth


@pytest.mark.parametrize("of", ["logits", "maps", "header", "manifest"])
def test_of_a_file_that_cannot_be_read_nobody_is_told_to_make_it_anew(of: str, base: Path, tmp_path: Path) -> None:
    cache = shutil.copytree(base, tmp_path / "cache")
    study = Study(cache / "studies" / "small")
    read: dict[str, Callable[[], object]] = {
        "logits": lambda: study.logits(ALONE),
        "maps": lambda: study.maps(ALONE, "saliency"),
        "header": lambda: study.header(ALONE),
        "manifest": lambda: study.manifest,
    }
    with few_files(0), pytest.raises(Unreadable) as caught:
        read[of]()
    assert "Too many open files" in str(caught.value)
    assert "anew" not in str(caught.value)
    assert read[of]() is not None


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
    assert swept.told.total() + swept.unnoticed.total() >= 3
