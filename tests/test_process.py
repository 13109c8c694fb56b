"""Waiting for the end of processes, and keeping the tail of their output."""

import io
import subprocess
import sys
import time

import psutil
import pytest

from checker.records.assignment import Limits
from checker.records.job import Ending
from checker.sandbox import owntime, process

FOREVER = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_what_nobody_has_cleared_away_has_ended():
    """A process that has ended counts as ended although its parent has not reaped it yet."""
    with subprocess.Popen(FOREVER) as ended:
        seen = psutil.Process(ended.pid)
        ended.kill()
        process.await_end([seen], seconds=300)
        assert seen.status() == psutil.STATUS_ZOMBIE


def test_what_has_been_cleared_away_has_ended():
    """A process that no longer exists is not waited for."""
    with subprocess.Popen(FOREVER) as ended:
        seen = psutil.Process(ended.pid)
        ended.kill()
    process.await_end([seen], seconds=300)
    assert not seen.is_running()


def test_what_goes_on_is_not_waited_for_without_end():
    """A process that does not end is waited for up to the timeout, and left alone."""
    with subprocess.Popen(FOREVER) as going_on:
        process.await_end([psutil.Process(going_on.pid)], seconds=0.05)
        assert going_on.poll() is None
        going_on.kill()


def watched(limits, source="import time; time.sleep(600)"):
    """Watch a Python process until it is ended; return its execution."""
    with subprocess.Popen([sys.executable, "-c", source]) as started:
        guest = process.Guest(started, limits)
        guest.watch()
    return guest


@pytest.mark.slow
def test_time_of_its_own_ends_a_guest():
    """A guest that sleeps longer than its limit is ended by the time limit."""
    guest = watched(Limits(seconds=1.0, memory_mib=1_000, output_mib=1))
    assert guest.ending is Ending.TIME
    assert guest.own.counted > 1.0
    assert guest.own.used < guest.own.counted


@pytest.mark.slow
def test_a_clock_stands_behind_a_limit_on_time(monkeypatch):
    """A guest whose own time does not pass is ended by the wall-clock limit."""
    monkeypatch.setattr(owntime.Counter, "add", lambda self, reading: None)
    guest = watched(Limits(seconds=0.1, memory_mib=1_000, output_mib=1))
    assert guest.ending is Ending.WALL_CLOCK
    assert time.monotonic() - guest.started > 1.0


@pytest.mark.slow
def test_turns_are_given_for_a_processs_own_time(monkeypatch):
    """Waiting for a process yields turns until its own time, or ten times that by the clock, is over."""
    with subprocess.Popen(FOREVER) as going_on:
        begun = time.monotonic()
        for _ in process.turns(going_on, 0.5):
            time.sleep(0.1)
        assert time.monotonic() - begun > 0.5
        monkeypatch.setattr(owntime.Counter, "add", lambda self, reading: None)
        begun = time.monotonic()
        for _ in process.turns(going_on, 0.05):
            time.sleep(0.1)
        assert time.monotonic() - begun > 0.5
        going_on.kill()


class Drops(io.RawIOBase):
    """A stream that returns a few bytes at a time."""

    def __init__(self, content):
        self.rest = content

    def readable(self):
        return True

    def readinto(self, buffer):
        drop, self.rest = self.rest[:7], self.rest[7:]
        buffer[: len(drop)] = drop
        return len(drop)


def test_a_tail_is_as_long_in_however_small_parts_it_comes():
    """The tail keeps as many of the last bytes as fit, also if they arrive a few at a time."""
    said, tail = b"".join(b"line %d\n" % number for number in range(5_000)), bytearray()
    process.keep_tail(io.BufferedReader(Drops(said)), tail)
    assert tail == said[-process.TAIL_BYTES :]


FAMILY = """
import subprocess, sys, threading
sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
started = []
thread = threading.Thread(target=lambda: (started.append(subprocess.Popen(sleeper)), done.wait()))
done = threading.Event()
thread.start()
while not started:
    pass
print("ready", flush=True)
done.wait()
"""


def test_a_glance_sees_all_descendants():
    """A glance lists what the whole list does, also a child that was forked by another thread than the first."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        assert process.glance(started) == process.tree_of(started)
        assert len(process.glance(started)) == 2
        process.kill_tree(started)
    assert process.glance(started) == []


def test_a_kernel_that_lists_no_children_is_served_too(monkeypatch):
    """If the system lists no children of threads, a glance reads the list of all processes."""
    monkeypatch.setattr(process, "LISTS_CHILDREN", False)
    with subprocess.Popen(FOREVER) as going_on:
        assert [member.pid for member in process.glance(going_on)] == [going_on.pid]
        going_on.kill()


HOG = "import time; held = bytearray(200 * 2**20); time.sleep({}); held = None; time.sleep(600)"


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "ending"), [(600, Ending.MEMORY), (2, Ending.TIME)])
def test_memory_is_read_when_it_has_grown(seconds, ending):
    """A guest that takes more than its limit is ended by it; the peak of one that gives memory back is known."""
    most = 100 if ending is Ending.MEMORY else 1_000
    guest = watched(Limits(seconds=4.0, memory_mib=most, output_mib=1), HOG.format(seconds))
    assert guest.ending is ending
    assert guest.peak_memory > 190
