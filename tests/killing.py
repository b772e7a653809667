"""`kill -9` at a chosen moment of a chosen stage of a run: as functions, and as a program that is killed so.

`python -m tests.killing run …` is `python -m core run …` that ends as the JSON in $KILL says, the arguments of `arm`.
"""

import functools
import json
import os
import signal
import threading
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from core import cli, stages

STAGES = {
    "read images": "prepare",
    "train": "train_cells",
    "predict": "predict_cell",
    "explain": "explain_cell",
    "measure": "measure",
    "time": "cost",
    "conclude": "conclude",
}
"""And the functions of `core.stages`, in the order in which a study gets to them."""


def arm(stage: str, files: int = 0, seconds: float = 0.0, whom: str = "all") -> None:
    """Kill when, from now on and in this process, a stage is so far.

    Parameters
    ----------
    stage : str
    files : int
        When so many files of it are written, but the last of them has no name yet; 0 is never.
    seconds : float
        So long after its first task began; at the latest when that is done and the run does not know it. 0 is never.
    whom : str
        "all" processes of the session; the "run" that started the others, which see it and end; or the "worker" that
        is at it.
    """
    name, place = STAGES[stage], os.replace
    work = getattr(stages, name)
    fired, count = False, 0

    def kill() -> None:
        nonlocal fired
        if fired:
            return
        fired = True
        if whom == "all":
            os.killpg(0, signal.SIGKILL)
        parent = parent_process()  # not known yet where this module is read anew for a worker
        run = parent.pid if whom == "run" and parent is not None else None
        os.kill(run or os.getpid(), signal.SIGKILL)

    @functools.wraps(work)  # by its name another process finds its own
    def killed(*args: Any) -> Any:
        here = threading.get_ident()

        def replace(source: Any, target: Any) -> None:
            nonlocal count
            if threading.get_ident() == here and Path(target).name != "run.json":  # which is written by the clock
                count += 1
                if count == files:
                    kill()
            place(source, target)

        os.replace = replace  # type: ignore[assignment]
        if seconds:
            clock = threading.Timer(seconds, kill)
            clock.daemon = True
            clock.start()
        found = work(*args)
        if seconds:
            kill()
        return found

    setattr(stages, name, killed)


if __name__ in ("__main__", "__mp_main__"):  # the second in the processes of the first
    arm(**json.loads(os.environ["KILL"]))
if __name__ == "__main__":
    cli.main()
