import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from core.data.listing import TOGETHER, file_facts, fingerprint, hold_out


@pytest.mark.parametrize("count", [0, 1, TOGETHER, 2 * TOGETHER + 1])
def test_a_digest_is_that_of_one_text_however_many_files(count: int) -> None:
    """What was computed from a data set goes by its digest: it must not change with how it is summed up."""
    files = [(f'some "file" ü {i}.jpg', i, 10**18 + i) for i in range(count)]
    settings = {"seed": 1, "image_size": 64, "crop": "box"}
    text = json.dumps(["folder 1", settings, files], sort_keys=True)
    assert fingerprint("folder 1", settings, files) == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_held_out_of_a_class_is_up_to_it_alone() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 500)
    chosen = hold_out(labels, 0.2, (3, 1))
    for label in range(7):
        members = np.flatnonzero(labels == label)
        count = round(0.2 * len(members))
        expected = members[np.random.default_rng((3, 1, label)).permutation(len(members))[:count]]
        assert np.array_equal(np.flatnonzero(chosen & (labels == label)), np.sort(expected))
    assert not hold_out(np.array([], int), 0.5, 0).size
    assert hold_out(np.array([4, 4, 9]), 0.9, 0).tolist().count(True) == 1, "never all of a class, nor one of one"


def test_a_name_that_no_file_of_the_folder_can_have_is_missing(tmp_path: Path) -> None:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a..jpg").touch()
    (tmp_path / "outside").touch()
    strange = ["b\0", "c", ".", "../outside", "a/../../outside"]
    facts, missing = file_facts(tmp_path / "root", ["a..jpg", *strange])
    assert [path for path, _, _ in facts] == ["a..jpg"]
    assert missing == strange
