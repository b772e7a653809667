import sys

import pytest

from core.bounded import bounded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is bounded elsewhere")


def test_no_more_is_given_than_is_allowed_and_all_again_afterwards() -> None:
    with bounded(50_000_000):
        assert len(bytearray(10_000_000)) == 10_000_000
        with pytest.raises(MemoryError):
            bytearray(500_000_000)
    assert len(bytearray(500_000_000)) == 500_000_000


def test_an_error_inside_ends_the_bound_too() -> None:
    with pytest.raises(KeyError), bounded(1_000_000):
        raise KeyError
    assert len(bytearray(100_000_000)) == 100_000_000
