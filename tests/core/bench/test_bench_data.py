import re

from rich.console import Console

from core.bench.data import run


def test_a_listing_is_measured_and_told(capsys) -> None:
    run(Console(width=200), 1200)
    said = capsys.readouterr().out
    assert re.search(r"^1,200 images of 200 classes listed, split and named by a digest in [\d.]+ s of processor", said)
