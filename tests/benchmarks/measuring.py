"""Ways of doing one thing, timed side by side in one run: ratios with their spread, written as a table and as JSON."""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from checker.assignment import dataset
from checker.records.assignment import DataSource
from checker.records.dataset import Dataset

ROOT = Path(__file__).parent.parent.parent
MIB = 2**20
LOOKS_PER_COUNT = 8


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds by the clock, seconds of processors, and at most so many MiB."""

    wall: float
    cpu: float
    peak_mib: float = 0.0


@dataclass(frozen=True)
class Figure:
    """One way against another: medians of both, and of their ratio in each round, with the ratios' range."""

    what: str
    slow: str
    fast: str
    slow_cost: Cost
    fast_cost: Cost
    ratio: float
    lowest: float
    highest: float


def cost_of(action: Callable[[], object]) -> Cost:
    """Time something in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, used / MIB)


def cost_of_command(command: Sequence[str | Path], codes: Sequence[int] = (0,), **more: object) -> Cost:
    """Time a command with all its children; its peak memory is theirs together, shared pages counted once.

    Raises CalledProcessError, with what it said, for an exit code that is not among ``codes``.
    """
    wall = time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)  # type: ignore[call-overload]
    watch = Watch(psutil.Process(running.pid))
    watch.start()
    said, _ = running.communicate()
    watch.end()
    if running.returncode not in codes:
        raise subprocess.CalledProcessError(running.returncode, command, said)
    return Cost(time.perf_counter() - wall, watch.cpu(), watch.peak_mib)


class Watch(threading.Thread):
    """Looks at a process and all below it, twice a second. What nobody waits for when it ends, as with all of a box,
    is in no parent's account; of each process the seconds at the last look count. Memory is added up every few
    seconds only: the kernel counts it page by page, which would take a good part of a core."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__()
        self._root, self._ended = root, threading.Event()
        self._seconds: dict[psutil.Process, float] = {}
        self.peak_mib = 0.0

    def run(self) -> None:
        for look in itertools.count():
            if self._ended.wait(0.5):
                return
            with suppress(psutil.Error):
                self._look(look % LOOKS_PER_COUNT == 0)

    def _look(self, count: bool) -> None:
        total = 0
        for process in (self._root, *self._root.children(recursive=True)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                self._seconds[process] = times.user + times.system
                total += getattr(process.memory_full_info(), "pss", process.memory_info().rss) if count else 0
        self.peak_mib = max(self.peak_mib, total / MIB)

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()

    def cpu(self) -> float:
        """Return the seconds of processors that all took."""
        return sum(self._seconds.values())


def compare(what: str, ways: Mapping[str, Callable[[], Cost]], rounds: int = 1) -> Figure:
    """Take two ways in turn, ``rounds`` times; the first is the slow one."""
    slow, fast = ways
    return against(what, slow, fast, in_turn(ways, rounds))


def in_turn(ways: Mapping[str, Callable[[], Cost]], rounds: int) -> list[dict[str, Cost]]:
    """Take all ways in turn, ``rounds`` times; return what each cost in each round."""
    return [{way: run() for way, run in ways.items()} for _ in range(rounds)]


def against(what: str, slow: str, fast: str, rounds: Sequence[Mapping[str, Cost]]) -> Figure:
    """Set one way against another, by what both cost in the same rounds."""
    ratios = [costs[slow].wall / costs[fast].wall for costs in rounds]
    return Figure(
        what,
        slow,
        fast,
        _median([costs[slow] for costs in rounds]),
        _median([costs[fast] for costs in rounds]),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )


def _median(costs: Sequence[Cost]) -> Cost:
    columns = zip(*((c.wall, c.cpu, c.peak_mib) for c in costs), strict=True)
    return Cost(*map(statistics.median, columns))


def publish(title: str, figures: Sequence[Figure]) -> None:
    """Print figures as a table, and write them as this run's JSON."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table("what", "ways", "wall", "CPU", "peak", "ratio", "lowest - highest", title=title)
    for one in figures:
        a, b = one.slow_cost, one.fast_cost
        table.add_row(
            one.what,
            f"{one.slow}\n{one.fast}",
            f"{_seconds(a.wall)}\n{_seconds(b.wall)}",
            f"{_seconds(a.cpu)}\n{_seconds(b.cpu)}",
            f"{a.peak_mib:,.0f} MiB\n{b.peak_mib:,.0f} MiB",
            f"{one.ratio:.2f}",
            f"{one.lowest:.2f} - {one.highest:.2f}",
        )
    console.print(table)
    write_json([asdict(one) for one in figures])


def _seconds(value: float) -> str:
    return f"{value * 1e6:,.0f} µs" if value < 0.01 else f"{value:,.2f} s"


def write_json(figures: object) -> None:
    """Write this run's figures to the path that the command line names, if it names one."""
    if len(sys.argv) > 1:
        to = Path(sys.argv[1])
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(json.dumps(figures, indent=2))


def data_arguments() -> list[str]:
    """Return what tells a batch which data to use: the real file where the environment names one."""
    return [] if os.environ.get(dataset.VARIABLE) else ["--practice-data"]


def load_data(source: DataSource) -> Dataset:
    """Return the same data in this process."""
    given = os.environ.get(dataset.VARIABLE)
    return dataset.load(source, Path(given) if given else None, practice=not given)


def quiet_environment() -> dict[str, str]:
    """Return this process's environment with one thread for every kind of work."""
    return os.environ | {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
