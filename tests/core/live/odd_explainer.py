"""A process in the place of `core.live.explainer`, for tests: by the method asked for, it hangs, ends or answers."""

import os
import sys
import time
from typing import Any

import numpy as np

from core.live.frames import frame, read_frame


def main() -> None:
    """Do as asked until the input ends."""
    methods: dict[int, str] = {}
    answered: set[int] = set()
    while (told := read_frame(sys.stdin.buffer)) is not None:
        plain, _ = told
        number = plain["number"]
        if "begin" in plain:
            methods[number] = plain["begin"]["task"]["method"]
        elif "next" in plain:
            if methods[number] == "saliency":
                time.sleep(1000)
            if methods[number] == "integrated_gradients":
                os._exit(1)
            if methods[number] == "smoothgrad" and number not in answered:
                for _ in range(3):
                    say({"number": number, "says": "alive"})
            says = "end" if number in answered else "found"
            answered.add(number)
            say({"number": number, "says": says}, {"maps": np.zeros((1, 2, 2))})


def say(plain: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> None:
    """Write a message."""
    sys.stdout.buffer.write(frame(plain, arrays))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
