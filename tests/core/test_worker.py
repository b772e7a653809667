import os
import signal
import subprocess
import sys
import time

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
