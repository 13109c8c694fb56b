"""Ways of doing one thing, timed side by side in one run: ratios with their spread, written as a table and as JSON."""

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

ROOT = Path(__file__).parent.parent.parent
MIB = 2**20


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
    before, wall = _children_cpu(), time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)  # type: ignore[call-overload]
    peak, ended = [0.0], threading.Event()
    watching = threading.Thread(target=_watch, args=(running.pid, peak, ended))
    watching.start()
    said, _ = running.communicate()
    ended.set()
    watching.join()
    if running.returncode not in codes:
        raise subprocess.CalledProcessError(running.returncode, command, said)
    return Cost(time.perf_counter() - wall, _children_cpu() - before, peak[0])


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(0.5):
        total = 0
        with suppress(psutil.Error):
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    total += getattr(process.memory_full_info(), "pss", process.memory_info().rss)
        peak[0] = max(peak[0], total / MIB)


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


def publish(title: str, figures: Sequence[Figure], to: Path | None) -> None:
    """Print figures as a table; write them as JSON where a path is given."""
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
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(json.dumps([asdict(one) for one in figures], indent=2))


def _seconds(value: float) -> str:
    return f"{value * 1e6:,.0f} µs" if value < 0.01 else f"{value:,.2f} s"


def output_path() -> Path | None:
    """Return where this run's JSON goes, from the command line."""
    return Path(sys.argv[1]) if len(sys.argv) > 1 else None


def quiet_environment() -> dict[str, str]:
    """Return this process's environment with one thread for every kind of work."""
    return os.environ | {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
