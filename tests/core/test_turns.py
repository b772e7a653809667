import threading

import pytest

from core import turns
from core.turns import PASSED, Place, Stopped, Turns


class Worker:
    """Someone in a line, at work until told to end."""

    def __init__(self, place, log, name):
        self.place, self.log, self.name = place, log, name
        self.begun, self.end, self.error = threading.Event(), threading.Event(), None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            with self.place:
                self.log.append(self.name)
                self.begun.set()
                self.end.wait(20)
        except Stopped as error:
            self.error = error

    def join(self):
        self.end.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


def queue(turns, count, log):
    """Return workers who came one after another."""
    workers = []
    for number in range(count):
        worker = Worker(Place(turns), log, number)
        workers.append(worker)
        while len(turns._line) <= number:
            pass
    return workers


def test_one_at_a_time_in_the_order_of_coming():
    log = []
    workers = queue(Turns(), 5, log)
    for number, worker in enumerate(workers):
        assert worker.begun.wait(20)
        assert log == list(range(number + 1))
        assert [each.place.before for each in workers[number:]] == list(range(5 - number))
        worker.join()
    assert all(worker.place.before == 0 for worker in workers)


def test_who_leaves_the_line_frees_the_place():
    log = []
    workers = queue(Turns(), 4, log)
    workers[1].place.stop()
    workers[1].thread.join(20)
    assert isinstance(workers[1].error, Stopped)
    assert [worker.place.before for worker in workers] == [0, 0, 1, 2]
    for number in (0, 2, 3):
        assert workers[number].begun.wait(20)
        workers[number].join()
    assert log == [0, 2, 3]


def test_who_has_gone_does_not_hold_the_line():
    """Nobody says so: the place itself finds it out."""
    turns, log, here = Turns(), [], [True]
    first, *_ = queue(turns, 1, log)
    gone = Worker(Place(turns, lambda: here[0]), log, "gone")
    while len(turns._line) < 2:
        pass
    last = Worker(Place(turns), log, "last")
    here[0] = False
    gone.thread.join(20)
    assert isinstance(gone.error, Stopped)
    first.join()
    assert last.begun.wait(20)
    last.join()
    assert log == [0, "last"]


def test_gone_once_is_gone():
    answers = [True, False, True]
    place = Place(there=lambda: answers.pop(0))
    place.check()
    with pytest.raises(Stopped):
        place.check()
    assert place.stopped
    with pytest.raises(Stopped), place:
        raise AssertionError("it was given a turn")


def test_a_failure_gives_the_turn_back():
    turns = Turns()
    with pytest.raises(ValueError, match="no"), Place(turns):
        raise ValueError("no")
    with Place(turns) as place:
        assert place.before == 0


def test_whoever_comes_again_is_last():
    turns, log = Turns(), []
    mine = Place(turns)
    with mine:
        other = Worker(Place(turns), log, "other")
        while len(turns._line) < 2:
            pass
    assert other.begun.wait(20)
    again = Worker(mine, log, "mine")
    while mine.before != 1:
        pass
    other.join()
    again.join()
    assert log == ["other", "mine"]


def test_short_turns_go_before_long_ones_in_the_order_of_coming():
    turns, log = Turns(), []
    workers = queue(turns, 3, log)
    short = [Place(turns), Place(turns)]
    for number, place in enumerate(short):
        place.short = True
        workers.append(Worker(place, log, f"short {number}"))
        while len(turns._line) < 4 + number:
            pass
    assert [worker.place.before for worker in workers] == [0, 3, 4, 1, 2], "but not before who is at work"
    for number in (0, 3, 4, 1, 2):
        assert workers[number].begun.wait(20)
        workers[number].join()
    assert log == [0, "short 0", "short 1", 1, 2]


def test_a_long_turn_is_not_passed_for_ever():
    turns, log = Turns(), []
    at_work, *long = queue(turns, 3, log)
    short = []
    for number in range(PASSED + 3):
        place = Place(turns)
        place.short = True
        short.append(Worker(place, log, f"short {number}"))
        while len(turns._line) < 4 + number:
            pass
    for worker in (at_work, *short, *long):
        worker.end.set()
    for worker in (at_work, *short, *long):
        worker.join()
    first = [f"short {number}" for number in range(PASSED)]
    assert log == [0, *first, 1, 2, *[f"short {PASSED + number}" for number in range(3)]]


def test_without_a_line_nobody_is_before():
    with Place() as first, Place() as second:
        assert (first.before, second.before) == (0, 0)


def test_a_stop_while_one_looks_is_not_lost():
    def there():
        place.stop()  # as another thread may at just that moment
        return True

    place = Place(there=there)
    assert place.stopped


def test_who_passes_on_goes_to_the_end_and_comes_again():
    log, line = [], Turns()
    first = Place(line)
    with first:
        others = [Worker(Place(line), log, number) for number in range(2)]
        while len(line._line) < 3:
            pass
        assert not first.due
        passing = threading.Thread(target=lambda: (first.pass_on(), log.append("first")))
        passing.start()
        for other in others:
            assert other.begun.wait(20)
            assert first.before, "it waits"
            other.join()
        passing.join(20)
        assert sorted(log[:2]) == [0, 1]
        assert log[2] == "first"
        assert first.at_work
    assert not line._line


def test_a_turn_is_due_after_a_while_where_others_wait(monkeypatch):
    line = Turns()
    with Place(line) as place:
        monkeypatch.setattr(turns, "SLICE", 0.0)
        assert not place.due, "nobody waits"
        other = Worker(Place(line), [], 0)
        while len(line._line) < 2:
            pass
        assert place.due
        monkeypatch.setattr(turns, "SLICE", 100.0)
        assert not place.due, "not yet"
        assert not other.place.due
    other.join()


def test_who_gives_no_sign_of_life_is_cut_off(monkeypatch):
    monkeypatch.setattr(turns, "LOOK", 0.01)
    log, line = [], Turns()
    stuck, next_ = Worker(Place(line), log, "stuck"), Worker(Place(line), log, "next")
    assert stuck.begun.wait(20) or next_.begun.wait(20)
    first, second = (stuck, next_) if stuck.begun.is_set() else (next_, stuck)
    assert not first.place.cut_off
    monkeypatch.setattr(turns, "STUCK", 0.1)
    assert second.begun.wait(20), "the line goes on"
    monkeypatch.setattr(turns, "STUCK", 100.0)
    assert first.place.cut_off
    with pytest.raises(Stopped):
        first.place.check()
    second.place.check()
    assert not second.place.cut_off
    for each in (first, second):
        each.join()
    assert not line._line
