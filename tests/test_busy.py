"""A job's own time on a busy machine is told from that of others; ``soak/test_busy_machine.py`` has a submission.

These tests keep every processor busy, so they run last, when nothing else does.
"""

import subprocess
import sys
import time

import pytest
from busyness import busy_loops

from checker.sandbox import owntime, process
from checker.sandbox.owntime import Counter

pytestmark = pytest.mark.busy


SECONDS = 2.0


def measured(source, seconds=SECONDS):
    """Return the counter of a Python process that runs for a while, and the duration."""
    command = [sys.executable, "-c", source]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as started:
        started.stdout.readline()
        begun = owntime.read(process.tree_of(started))
        counter, last = Counter(begun), begun
        while last.at - begun.at < seconds:
            time.sleep(0.2)
            last = owntime.read(process.tree_of(started))
            counter.add(last)
        process.kill_tree(started)
    return counter, last.at - begun.at


@pytest.mark.slow
@pytest.mark.parametrize("knows_threads", [True, False])
def test_who_sleeps_is_counted_by_the_clock(monkeypatch, knows_threads):
    """A sleeping process's time counts by the clock, also beside busy loops."""
    monkeypatch.setattr(owntime, "HAS_THREADS", knows_threads and owntime.HAS_THREADS)
    with busy_loops():
        counter, elapsed = measured("import time; print(flush=True); time.sleep(600)")
    assert counter.counted == pytest.approx(elapsed, rel=0.5)
    assert counter.used < 0.5 * elapsed


@pytest.mark.slow
@pytest.mark.skipif(not owntime.HAS_THREADS, reason="other systems do not tell how long a process waits")
@pytest.mark.parametrize("others", ["", "os.fork()", "threading.Thread(target=compute).start()"])
def test_who_computes_is_counted_by_processors(others):
    """Beside busy loops, a computing process has only the processor time that it gets."""
    source = f"import os, threading\ndef compute():\n    while True: pass\nprint(flush=True)\n{others}\ncompute()"
    with busy_loops():
        counter, elapsed = measured(source)
    assert counter.counted == pytest.approx(counter.used, abs=0.5)
    assert counter.counted > 0
    assert elapsed >= SECONDS
