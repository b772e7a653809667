"""What a worker process does for itself."""

import os
import threading
import time

POLL_SECONDS = 1.0


def die_with_parent() -> None:
    """End this process soon after the process that started it has ended, however that ended."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="die-with-parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    # Not sys.exit: in a thread it ends only the thread.
    os._exit(1)
