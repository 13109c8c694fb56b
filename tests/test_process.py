"""How the end of processes is waited for."""

import subprocess
import sys

import psutil

from checker.sandbox import process

FOREVER = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_what_nobody_has_cleared_away_has_ended():
    """A process that has ended counts as gone though its parent has not asked for its exit code yet."""
    with subprocess.Popen(FOREVER) as ended:
        seen = psutil.Process(ended.pid)
        ended.kill()
        process.await_end([seen], seconds=300)
        assert seen.status() == psutil.STATUS_ZOMBIE


def test_what_has_been_cleared_away_has_ended():
    """A process of which no trace is left is not waited for."""
    with subprocess.Popen(FOREVER) as ended:
        seen = psutil.Process(ended.pid)
        ended.kill()
    process.await_end([seen], seconds=300)
    assert not seen.is_running()


def test_what_goes_on_is_not_waited_for_without_end():
    """A process that does not end is waited for as long as was said, and left alone."""
    with subprocess.Popen(FOREVER) as going_on:
        process.await_end([psutil.Process(going_on.pid)], seconds=0.05)
        assert going_on.poll() is None
        going_on.kill()
