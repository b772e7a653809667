import os
import signal
import threading

import pytest

from core.run.interrupt import Interrupt


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Loses:
    """Gets its Ctrl-C in a destructor, where Python can raise nothing."""

    def __del__(self) -> None:
        ctrl_c()


def test_it_is_not_lost_where_nothing_can_be_raised() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:  # noqa: PT012
        interrupt.check()
        Loses()
        interrupt.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_one_waits_for_nothing() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupt():  # noqa: PT012
        ctrl_c()
        ctrl_c()
        pytest.fail("it went on")


def test_what_fails_because_of_it_is_not_the_story() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupt():  # noqa: PT012
        ctrl_c()
        raise EOFError
    with pytest.raises(EOFError), Interrupt():
        raise EOFError


def test_who_is_done_is_done() -> None:
    with Interrupt():
        ctrl_c()


def test_other_threads_have_no_signals() -> None:
    seen: list[bool] = []

    def work() -> None:
        with Interrupt() as interrupt:
            interrupt.check()
            seen.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
