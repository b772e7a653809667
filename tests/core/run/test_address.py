import re
import sys

import pytest

from core.cli.running import run
from core.errors import UserError


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("somewhere", "--cluster is auto, or the HOST:PORT of a Ray cluster's head, not 'somewhere'"),
        ("ray://127.0.0.1:10001", "--cluster is auto, or the HOST:PORT"),
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1. One is begun with: ray start --head --port=1"),
        ("127.0.0.1:99999", "No Ray cluster answers at 127.0.0.1:99999."),
    ],
)
def test_where_no_cluster_is(address: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "core.run.complete", None)  # which imports torch, and cannot be imported now
    with pytest.raises(UserError, match=re.escape(said)):
        run("quick", cluster=address)
