"""Networks asked in a process of their own: the same answers, and what becomes of one that ends or hangs."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import pytest

from core import live, turns
from core.ask import Ask
from core.errors import UserError
from core.live import apart as client
from core.live import explainer, memory
from core.live.apart import ROOT, Apart
from core.live.cache import Arrays
from core.live.task import Task
from core.models import load_model, save_model
from core.study import Study
from core.turns import Place, Stopped
from tests.networks import add_networks
from tests.tiny import tiny_study

METHODS = ["saliency", "integrated_gradients"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return add_networks(tiny_study(tmp_path_factory.mktemp("apart") / "tiny"))


@pytest.fixture(scope="module")
def scene(study: Study) -> live.Scene:
    photo = np.kron(np.random.default_rng(0).integers(0, 255, (6, 9, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    return live.scene_of(study, photo)


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    apart = Apart()
    yield apart
    apart.start().kill()


@pytest.fixture
def odd() -> Iterator[Apart]:
    """One whose process hangs over a task of saliency, ends over one of gradients, and answers other methods."""
    odd = Apart([sys.executable, "-m", "tests.core.live.odd_explainer"])
    yield odd
    odd.start().kill()


def answers(apart: Apart, study: Study, scene: live.Scene, method: str) -> list[dict[str, np.ndarray]]:
    return list(apart(study, study.teacher, Task("map", scene.image, method=method), Place().check))


def test_maps_are_those_made_here(study: Study, scene: live.Scene, apart: Apart) -> None:
    ask = Ask(tolerance=0.02)
    by_key = [
        {(r.cell.name, r.method): r for r in live.settled(found, study.teacher)}
        for found in (
            live.explain_image(study, scene, study.cells, METHODS, ask, by=apart),
            live.explain_image(study, scene, study.cells, METHODS, ask),
        )
    ]
    assert by_key[0].keys() == by_key[1].keys()
    for key, one in by_key[0].items():
        other = by_key[1][key]
        np.testing.assert_array_equal(one.map, other.map)
        assert vars(one).keys() == vars(other).keys()
        for name in ("predicted", "probability", "target", "evaluations", "converged", "final"):
            assert getattr(one, name) == getattr(other, name)
        np.testing.assert_equal(
            (one.gap, one.difference, one.alignment), (other.gap, other.difference, other.alignment)
        )


def test_checks_are_those_made_here(study: Study, scene: live.Scene, apart: Apart) -> None:
    (one,) = live.check_maps(study, scene, [study.teacher], "saliency", by=apart)
    (other,) = live.check_maps(study, scene, [study.teacher], "saliency")
    np.testing.assert_equal(one.trust.arrays(), other.trust.arrays())


def test_a_network_that_is_missing_is_told_as_here(study: Study, scene: live.Scene, apart: Apart) -> None:
    path = study.path("models", study.cells[-1])
    away = path.rename(path.with_suffix(".away"))
    try:
        with pytest.raises(UserError, match=f"There is no file {path}"):
            list(live.explain_image(study, scene, study.cells, ["saliency"], by=apart))
    finally:
        away.rename(path)


def test_weights_that_are_damaged_are_told_as_here(study: Study, scene: live.Scene, apart: Apart) -> None:
    path = study.path("models", study.cells[-1])
    whole = path.read_bytes()
    model, header = load_model(path)
    save_model(path, model, replace(header, std=(0.1, 0.1, 0.1)))  # one that it has not in memory
    changed = path.read_bytes()
    path.write_bytes(changed[:-1] + bytes([changed[-1] ^ 1]))
    try:
        with pytest.raises(UserError, match="is damaged"):
            list(apart(study, study.cells[-1], Task("answer", scene.image), Place().check))
    finally:
        path.write_bytes(whole)


def test_a_method_that_is_none_is_told_and_others_go_on(study: Study, scene: live.Scene, apart: Apart) -> None:
    with pytest.raises(UserError, match="no method called 'salience'"):
        answers(apart, study, scene, "salience")
    assert answers(apart, study, scene, "saliency")


def test_what_goes_wrong_in_there_is_no_sentence_but_an_error(study: Study, scene: live.Scene, apart: Apart) -> None:
    with pytest.raises(RuntimeError, match="targets must be below 4"):
        list(apart(study, study.teacher, Task("map", scene.image, method="saliency", target=99), Place().check))
    assert answers(apart, study, scene, "saliency")


def test_who_stops_has_it_ended_soon_and_others_go_on(study: Study, scene: live.Scene, apart: Apart) -> None:
    place, count = Place(), 0

    def check(alive: bool = True) -> None:
        nonlocal count
        count += 1
        if count == 3:
            place.stop()
        place.check()

    with pytest.raises(Stopped):
        list(apart(study, study.teacher, Task("map", scene.image, Ask(tolerance=0), METHODS[1]), check))
    assert answers(apart, study, scene, "saliency")


def test_one_that_is_closed_early_leaves_nothing_behind(study: Study, scene: live.Scene, apart: Apart) -> None:
    levels = apart(
        study, study.teacher, Task("map", scene.image, Ask(tolerance=0), METHODS[1]), lambda alive=True: None
    )
    next(levels)
    levels.close()  # type: ignore[attr-defined]
    assert not apart.start()._listening


def test_a_process_that_is_killed_is_one_sentence_and_the_next_one_answers(study: Study, scene: live.Scene) -> None:
    apart = Apart()
    first = apart.start()
    os.kill(first._process.pid, signal.SIGSTOP)  # so that it is asked, and then killed
    threading.Timer(0.5, first.kill).start()
    with pytest.raises(UserError, match="process that explains images ended"):
        answers(apart, study, scene, "saliency")
    assert answers(apart, study, scene, "saliency")
    assert apart.start() is not first
    apart.start().kill()


def test_one_that_ends_meanwhile_is_one_sentence(study: Study, scene: live.Scene, odd: Apart) -> None:
    with pytest.raises(UserError, match="process that explains images ended"):
        answers(odd, study, scene, "integrated_gradients")
    assert answers(odd, study, scene, "grad_cam")


def test_one_that_hangs_is_ended_and_said(
    study: Study, scene: live.Scene, odd: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(odd, study, scene, "grad_cam")  # it has begun
    hung = odd.start()
    monkeypatch.setattr(turns, "STUCK", 0.5)
    with pytest.raises(UserError, match="no sign of life"):
        answers(odd, study, scene, "saliency")
    assert hung._process.wait(60) == -signal.SIGKILL
    monkeypatch.setattr(turns, "STUCK", 60.0)
    assert answers(odd, study, scene, "grad_cam")


def test_one_that_does_not_even_read_is_ended_and_said(
    study: Study, scene: live.Scene, odd: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(odd, study, scene, "grad_cam")
    os.kill(odd.start()._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(turns, "STUCK", 0.5)
    large = Task("map", np.zeros((1000, 1000, 3), np.uint8), method="grad_cam")  # more than a pipe holds
    with pytest.raises(UserError, match="no sign of life"):
        list(odd(study, study.teacher, large, Place().check))
    monkeypatch.setattr(turns, "STUCK", 60.0)
    assert answers(odd, study, scene, "grad_cam")


def test_whatever_ends_the_reading_ends_the_process_and_the_next_one_answers(
    study: Study, scene: live.Scene, odd: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: object) -> None:
        raise ValueError("no message")

    monkeypatch.setattr(threading, "excepthook", lambda told: None)
    with monkeypatch.context() as patch:
        patch.setattr(client, "read_frame", fails)
        with pytest.raises(UserError, match="process that explains images ended"):
            answers(odd, study, scene, "grad_cam")
    assert answers(odd, study, scene, "grad_cam")


def test_all_who_wait_for_one_that_hangs_are_told_so(
    study: Study, scene: live.Scene, odd: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(odd, study, scene, "grad_cam")
    monkeypatch.setattr(turns, "STUCK", 1.0)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(answers, odd, study, scene, "saliency") for _ in range(2)]
    assert ["no sign of life" in str(each.exception()) for each in waiting] == [True, True]


def test_who_stops_while_it_hangs_waits_no_longer(study: Study, scene: live.Scene, odd: Apart) -> None:
    place = Place()
    threading.Timer(0.2, place.stop).start()
    with pytest.raises(Stopped):
        list(odd(study, study.teacher, Task("map", scene.image, method="saliency"), place.check))


def test_one_that_cannot_be_begun_is_one_sentence(study: Study, scene: live.Scene) -> None:
    with pytest.raises(UserError, match=r"No process can be begun to explain images: No such file or directory\."):
        answers(Apart(["/no/such/program"]), study, scene, "saliency")


def test_memory_that_ends_in_there_ends_it(study: Study, scene: live.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class ExitedError(BaseException):
        pass

    def exits(code: int) -> None:
        raise ExitedError

    def full(*given: object) -> Iterator[Arrays]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        yield {}

    monkeypatch.setattr(explainer, "compute", full)
    monkeypatch.setattr(explainer.os, "_exit", exits)
    with pytest.raises(ExitedError):
        begun(study, scene, []).advance()


def test_another_network_than_the_one_asked_for_is_not_read(study: Study) -> None:
    header, address = study.header(study.teacher), study.address(study.teacher)
    assert memory.model_at(address, header)
    with pytest.raises(UserError, match="was made anew while it was asked"):
        memory.model_at(address, replace(header, digest="of another"))


def test_it_is_deaf_to_the_terminal(odd: Apart) -> None:
    assert os.getsid(odd.start()._process.pid) != os.getsid(0)


def test_it_ends_with_whoever_asked() -> None:
    code = "from core.live.apart import apart; print(apart().start()._process.pid, flush=True); input()"
    asks = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert asks.stdout is not None
    explains = psutil.Process(int(asks.stdout.readline()))
    os.kill(asks.pid, signal.SIGKILL)
    asks.wait()
    assert explains.wait(60) is None or not explains.is_running()


def test_who_asks_needs_no_torch(study: Study, tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from typing import cast
import numpy as np
from core import live
from core.live.apart import apart
from core.study import open_study
study = open_study({str(study.folder)!r})
scene = live.scene_of(study, np.zeros((40, 50, 3), np.uint8))
kept = live.LiveCache(Path({str(tmp_path)!r}))
found = list(live.explain_image(study, scene, study.cells[:2], {METHODS}, kept=kept, by=apart()))
live.settled(found, study.teacher)
import dashboard.live_view, dashboard.photo_view
sys.exit("torch" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_signs_of_life_are_passed_on_until_there_is_an_answer(study: Study, scene: live.Scene, odd: Apart) -> None:
    signs: list[int] = []
    found = list(
        odd(study, study.teacher, Task("map", scene.image, method="smoothgrad"), lambda: signs.append(len(signs)))
    )
    assert len(found) == 1
    assert len(signs) == 1 + 3 + 2, "as it begins, for every sign, for what is found and for the end"


def begun(study: Study, scene: live.Scene, said: list[str]) -> explainer._Running:
    plain, arrays = Task("map", scene.image, method="integrated_gradients").parts()
    asked = {"task": plain, "header": asdict(study.header(study.teacher)), "address": study.address(study.teacher)}
    says = cast(explainer._Says, lambda number, says, why="", arrays=None: said.append(says))
    return explainer._Running(1, asked, arrays, says)


def test_life_is_shown_at_every_pass_that_is_due(
    study: Study, scene: live.Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(explainer, "SIGN", 0.0)
    running = begun(study, scene, said)
    while said[-1:] != ["end"]:
        running.advance()
    assert said.count("alive") >= said.count("found") >= 1
    stopped = begun(study, scene, said)
    stopped.closed.set()
    stopped.advance()
    assert said[-1] == "stopped"
