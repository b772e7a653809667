"""What is kept between visitors."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from dashboard.once import once


def test_who_asks_together_gets_one_thing_made_once() -> None:
    made, begun = [], threading.Event()

    @once(4)
    def slow(name: str) -> list[str]:
        made.append(name)
        begun.wait(10)
        return [name]

    with ThreadPoolExecutor(8) as visitors:
        asked = [visitors.submit(slow, "a") for _ in range(8)]
        while not made:
            time.sleep(0.001)
        begun.set()
        found = [each.result() for each in asked]
    assert made == ["a"]
    assert all(each is found[0] for each in found)


def test_the_oldest_goes_and_what_failed_is_tried_again() -> None:
    made = []

    @once(2)
    def make(name: str, times: int = 1) -> str:
        made.append(name)
        if made == ["a"]:
            raise ValueError("not this time")
        return name * times

    with pytest.raises(ValueError, match="not this time"):
        make("a")
    assert [make("a"), make("b", times=2), make("b", times=2), make("a")] == ["a", "bb", "bb", "a"]
    assert made == ["a", "a", "b"]
    make("c")
    make("a")
    assert made == ["a", "a", "b", "c", "a"]


def test_none_is_kept_and_a_table_is_a_copy() -> None:
    made = []

    @once(2)
    def table(name: str) -> pd.DataFrame | None:
        made.append(name)
        return pd.DataFrame({"x": [1.0]}) if name == "there" else None

    assert table("not there") is table("not there")
    first = table("there")
    assert first is not None
    first["x"] = 2.0
    again = table("there")
    assert again is not None
    assert again["x"].to_list() == [1.0]
    assert made == ["not there", "there"]
