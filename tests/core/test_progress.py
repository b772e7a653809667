import io

import pytest
from rich.console import Console

from core.progress import duration, headline, shown
from core.run.loop import Progress


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (45.4, "45 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3600, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_headline_has_the_share_and_the_time_left() -> None:
    assert headline(Progress(25, 100, 60, 180, {})) == " 25% in 1 min 0 s, about 3 min 0 s left"
    assert headline(Progress(0, 100, 1, None, {})) == "  0% in 1 s"
    assert headline(Progress(0, 0, 0, None, {})).startswith("100%")


def test_without_a_terminal_a_line_for_each_finished_task() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=40)) as tell:
        for share in range(50):
            tell(Progress(share, 100, 1, 9, {"train a": "epoch 1 of 9"}))
        tell(Progress(50, 100, 1, 9, {}, "train a [x]"))
    lines = out.getvalue().splitlines()
    assert lines[-1] == " 50% in 1 s, about 9 s left  done: train a [x]"
    assert len(lines) <= 2, "no flood"


def test_in_a_terminal_a_bar_and_what_runs() -> None:
    out = io.StringIO()
    with shown(Console(file=out, force_terminal=True, width=80)) as tell:
        tell(Progress(50, 100, 10, 10, {"train resnet18": "epoch 3 of 6"}, "read images"))
    for part in ("read images", "50% in 10 s, about 10 s left", "epoch 3 of 6"):
        assert part in out.getvalue()
