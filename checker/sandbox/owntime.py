"""How much time a job takes of its own, however busy the machine is.

Theory of operation: now and then a tree of processes is read. Of the time between two readings counts what its
processes have spent on processors, and what passed while none of them wanted one, as where they sleep. What
they spent waiting for a processor is the machine's doing, and does not count; nor does it matter how late a reading
comes. So on an idle machine counts what a clock shows, and on a busy one the same.

Linux tells of each thread how long it has run and how long it has waited (``schedstat``), the latter when the wait
is over. So where a thread stands in line at a reading, only processor time counts. A thread that has ended takes along
how long it has waited. So where much processor time is nobody's who is still there, only that counts. On other systems
nothing is known of threads, and the same rule decides: processor time counts where there was much of it, else
the clock.

A process's time passes to its parent when that buries it. What was seen of it before is not counted again, and what it
was not seen to spend is not lost. A parent is read before its children: one that is buried between the two is
missed until the next reading, and not counted twice. A process may also be missing once because its parent ended while
the tree was listed.
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
"""A limit on a job's own time has a clock behind it, which allows so many times as much."""
HAS_THREADS = sys.platform.startswith("linux")
MUCH = 0.1 if HAS_THREADS else 0.02
"""Of the time between two readings. Where threads are known only what these leave over is held against it, which
rounding makes some hundredths of a second. Elsewhere it is all of a process's time, of which others leave it little."""

Who = tuple[int, float]
"""A process: its number, and when it was started."""


class Spent(NamedTuple):
    """Processor seconds of a process, and those that its buried children have passed to it."""

    own: float
    inherited: float = 0.0


class Turns(NamedTuple):
    """How many seconds a thread has run, and has waited for a processor."""

    ran: float
    waited: float = 0.0


@dataclass(frozen=True)
class Reading:
    """What a tree of processes has spent so far. ``wants``: a thread had a processor, or stood in line for one."""

    at: float
    processes: Mapping[Who, Spent] = field(default_factory=dict)
    threads: Mapping[int, Turns] = field(default_factory=dict)
    wants: bool = False


NOTHING = Reading(0.0)
"""What has not begun."""


def read(tree: Sequence[psutil.Process]) -> Reading:
    """Read a tree of processes, parents before their children; what has gone meanwhile is left out."""
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
    """Tell whether a thread of a process runs or stands in line."""
    for thread in (place / "task").iterdir():
        with contextlib.suppress(OSError):
            if _fields(thread)[0] == "R":
                return True
    return False


def _fields(place: Path) -> list[str]:
    """Return what the system tells of a process or thread, from its state on; its name may hold anything."""
    return (place / "stat").read_text(errors="replace").rpartition(")")[2].split()


class Counter:
    """Adds up a job's own time from one reading to the next; without a first one the first that comes is the start."""

    def __init__(self, start: Reading | None = None) -> None:
        self.counted = 0.0
        self.used = 0.0
        self._last = start
        self._missing: Mapping[Who, Spent] = {}
        self._unburied = 0.0

    def add(self, now: Reading) -> None:
        """Count what has passed since the last reading."""
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
        """Return the processor seconds since the last reading, those of processes that have ended included."""
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
