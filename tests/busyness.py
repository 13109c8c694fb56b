"""Processes that keep processors busy."""

import os
import subprocess
import sys
from contextlib import contextmanager

BUSY = 3 * (os.cpu_count() or 1)


@contextmanager
def busy_loops():
    """Have more loops than processors, each in a session of its own: Linux shares out time by session."""
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop, start_new_session=True) for _ in range(BUSY)]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.wait()
