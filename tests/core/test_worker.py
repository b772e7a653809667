import os
import platform
import signal
import subprocess
import sys
import time

import pytest

PARENT = """
import multiprocessing, time
from core.worker import die_with_parent

def work():
    die_with_parent()
    import os
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    # Not daemonic: only die_with_parent can end it.
    multiprocessing.get_context("spawn").Process(target=work).start()
    time.sleep(60)
"""


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to collect a process that has ended.
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_worker_ends_when_its_parent_is_killed(tmp_path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        try:
            assert running(worker)
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            deadline = time.monotonic() + 10
            while running(worker) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not running(worker)
        finally:
            if running(worker):
                os.kill(worker, signal.SIGKILL)


ORPHAN = """
import multiprocessing, os, sys, time

if __name__ == "__mp_main__":
    # Before the worker asks for anything: its parent has ended by then.
    os.kill(os.getppid(), 9)
    while os.getppid() == int(os.environ["PARENT"]):
        time.sleep(0.01)

from core.worker import die_with_parent

def work():
    die_with_parent()
    time.sleep(20)
    print("still here", flush=True)

if __name__ == "__main__":
    os.environ["PARENT"] = str(os.getpid())
    multiprocessing.get_context("spawn").Process(target=work).start()
    time.sleep(60)
"""


def test_a_worker_whose_parent_ended_before_it_began_ends_too(tmp_path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.wait() == -signal.SIGKILL
        assert parent.stdout is not None
        assert parent.stdout.read() == ""  # to the end, which is when the worker, who has inherited it, has ended


FAULTS = """
import resource, sys
import numpy as np
from core.worker import keep_memory

if sys.argv[1] == "keep":
    keep_memory()
np.ones(4_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(4_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_used_again() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc can be told to")
    given, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, check=True).stdout)
        for way in ("give", "keep")
    )
    assert kept < given / 5
