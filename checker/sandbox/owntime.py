"""Measures a job's own time, independently of the machine's load.

Theory of operation: a tree of processes is read at intervals. The own time between two readings is the processor time
of its processes, plus the time in which none of them wanted a processor, for example during sleep. Waiting for a
processor is due to the machine's load and does not count. A late reading changes nothing. So own time on a busy machine
equals wall-clock time on an idle one.

Linux reports for each thread its time on a processor and its waiting time (``schedstat``), the latter only when the
wait is over. So if a thread is waiting at a reading, only processor time counts. The waiting time of a thread that has
ended is lost. So if much processor time belongs to no existing thread, only processor time counts. Other systems report
nothing about threads, and the same rule decides: processor time if there was much of it, else the clock.

When a process has ended, its parent reaps it and inherits its processor time. ``Counter`` neither counts the part that
was read before again nor loses the rest. A parent is read before its children: a child that is reaped between the two
is missed until the next reading, and not counted twice. A process may also be missing once because its parent ended
while the tree was listed.
"""

import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

BY_CLOCK = 10
"""The wall-clock limit on a job is this many times the limit on its own time."""
HAS_THREADS = sys.platform.startswith("linux")
MUCH = 0.1 if HAS_THREADS else 0.02
"""Share of the time between two readings that makes processor time "much". On Linux only the processor time that
belongs to no existing thread is compared with it; rounding alone makes that some hundredths of a second. Elsewhere all
processor time is compared, which may be little on a busy machine."""

Who = tuple[int, float]
"""A process: its id and its start time."""


class Spent(NamedTuple):
    """Processor seconds of a process, and those inherited from its reaped children."""

    own: float
    inherited: float = 0.0


class Turns(NamedTuple):
    """Seconds that a thread has run, and has waited for a processor."""

    ran: float
    waited: float = 0.0


@dataclass(frozen=True)
class Reading:
    """The times of a tree of processes so far. ``wants``: a thread was running or waiting for a processor."""

    at: float
    processes: Mapping[Who, Spent] = field(default_factory=dict)
    threads: Mapping[int, Turns] = field(default_factory=dict)
    wants: bool = False


NOTHING = Reading(0.0)
"""The reading of a tree that has not started."""


def read(tree: Sequence[psutil.Process]) -> Reading:
    """Read a tree of processes, parents before their children; processes that have ended meanwhile are left out."""
    at, wants = time.monotonic(), False
    processes: dict[Who, Spent] = {}
    threads: dict[int, Turns] = {}
    for process in tree:
        with contextlib.suppress(psutil.Error, OSError):
            if not HAS_THREADS:
                times = process.cpu_times()
                inherited = times.children_user + times.children_system
                processes[process.pid, process.create_time()] = Spent(times.user + times.system, inherited)
                continue
            place = Path("/proc", str(process.pid))
            who, spent = _process(place)
            processes[who] = spent
            threads |= _threads(place)
            wants = wants or _wants(place)
    return Reading(at, processes, threads, wants)


def _process(place: Path) -> tuple[Who, Spent]:
    fields, ticks = _fields(place), os.sysconf("SC_CLK_TCK")
    user, system, children_user, children_system = (int(value) / ticks for value in fields[11:15])
    return (int(place.name), float(fields[19])), Spent(user + system, children_user + children_system)


def _threads(place: Path) -> dict[int, Turns]:
    found = {}
    for thread in (place / "task").iterdir():
        with contextlib.suppress(OSError, ValueError):
            ran, waited, _ = (thread / "schedstat").read_text().split()
            found[int(thread.name)] = Turns(int(ran) / 1e9, int(waited) / 1e9)
    return found


def _wants(place: Path) -> bool:
    """Tell whether a thread of a process is running or waiting for a processor."""
    for thread in (place / "task").iterdir():
        with contextlib.suppress(OSError):
            if _fields(thread)[0] == "R":
                return True
    return False


def _fields(place: Path) -> list[str]:
    """Return the fields of ``stat`` of a process or thread, from its state on; the name before may hold anything."""
    return (place / "stat").read_text(errors="replace").rpartition(")")[2].split()


class Counter:
    """Adds up a job's own time from one reading to the next, from ``start`` on, or else from the first ``add`` on."""

    def __init__(self, start: Reading | None = None) -> None:
        self.counted = 0.0
        self.used = 0.0
        self._last = start
        self._missing: Mapping[Who, Spent] = {}
        self._unburied = 0.0

    def add(self, now: Reading) -> None:
        """Add the processor time and the own time since the last reading."""
        last, self._last = self._last, now
        if last is None:
            return
        used, elapsed = self._used(last, now), now.at - last.at
        nothing = Turns(0.0)
        before = [(turns, last.threads.get(number, nothing)) for number, turns in now.threads.items()]
        ran = sum(max(turns.ran - then.ran, 0.0) for turns, then in before)
        waited = sum(max(turns.waited - then.waited, 0.0) for turns, then in before)
        is_known = not now.wants and used - ran <= MUCH * elapsed
        self.used += used
        self.counted += used + (max(elapsed - used - waited, 0.0) if is_known else 0.0)

    def _used(self, last: Reading, now: Reading) -> float:
        """Return the processor seconds since the last reading, including those of processes that have ended."""
        back = {who: spent for who, spent in self._missing.items() if who in now.processes}
        self._missing = {who: spent for who, spent in last.processes.items() if who not in now.processes}
        self._unburied += _total(self._missing) - _total(back)
        known, nothing = {**last.processes, **back}, Spent(0.0)
        before = [(spent, known.get(who, nothing)) for who, spent in now.processes.items()]
        own = sum(spent.own - then.own for spent, then in before)
        inherited = sum(spent.inherited - then.inherited for spent, then in before)
        seen_before = max(min(self._unburied, inherited), 0.0)
        self._unburied -= seen_before
        return max(own + inherited - seen_before, 0.0)


def _total(processes: Mapping[Who, Spent]) -> float:
    return sum(spent.own + spent.inherited for spent in processes.values())
