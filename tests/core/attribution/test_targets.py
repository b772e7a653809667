import numpy as np
import pytest

from core.attribution import pick_targets
from core.errors import UserError

LABELS = np.array([0, 2, 1], dtype=np.int32)
TEACHER = np.array([[3, 1, 2], [1, 3, 2], [9, 9, 0]], dtype=np.float16)
OWN = np.array([[0, 0, 1], [1, 0, 0], [0, 2, 0]], dtype=np.float16)


@pytest.mark.parametrize(("policy", "classes"), [("teacher", [0, 1, 0]), ("label", [0, 2, 1]), ("own", [2, 0, 1])])
def test_targets_follow_the_policy(policy: str, classes: list[int]) -> None:
    got = pick_targets(policy, LABELS, TEACHER, OWN)  # type: ignore[arg-type]
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, classes)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(UserError, match="no target called 'student'"):
        pick_targets("student", LABELS, TEACHER, OWN)  # type: ignore[arg-type]
