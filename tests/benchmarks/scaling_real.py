"""The simulation of ``scaling`` against real batches: 12, 24 and 48 submissions on one and two workers of this machine.

Theory of operation: submissions are copies of six quick examples under other names, always in the same order. Each
batch has a scheduler and workers of its own, one box each, on this machine as its client is, ``checker batch``; it
counts from the start of the workers to the end of the client. Two batches of one submission come before. The first
leaves the reference's evidence in the user's cache, so that no other runs the reference. The second finds all known:
what it takes is what a client takes before and after its submissions.

One run is the calibration, that of 12 submissions on one worker: from it come the seconds of each submission in its
boxes, the seconds until boxes are warm, and what ``scaling.measure`` makes of its evidence. It is shown beside what is
simulated with its own costs, which says whether the model leaves anything out; the other five are predictions.

The simulation knows nothing of machines. Two workers share the cores of this one with each other, the scheduler and the
client, so here their boxes are slower than simulated: by how much stands beside the ratio.
"""

import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import measuring
import scaling
from rich.console import Console
from rich.table import Table

from checker.run import batch, cluster, references

EXAMPLES = ("label-leak", "no-hidden-layer", "one-output", "only-jax", "only-pytorch", "too-little-training")
"""Of different cost: from those that end at an import to those that are trained for every seed."""
RUNS = ((12, 1), (24, 1), (48, 1), (12, 2), (24, 2), (48, 2))
"""Submissions and workers; the first is the calibration, which has every example equally often."""


@dataclass(frozen=True)
class Real:
    """A real batch: seconds until the boxes of its workers were warm, of its client, and of each submission in its
    boxes."""

    warm: float
    client: float
    boxes: tuple[float, ...]


@dataclass(frozen=True)
class Check:
    """A real batch beside the simulated one: seconds until its boxes were warm, and until its end, measured and
    simulated; how many times as long as simulated it took, and its submissions were in their boxes."""

    submissions: int
    workers: int
    warm: float
    measured: float
    simulated: float
    ratio: float
    slower_boxes: float


def check(place: Path, runs: Sequence[tuple[int, int]]) -> list[Check]:
    """Run batches in an empty folder, and simulate each from the first."""
    around = seconds_around(place / "around")
    print(f"A client takes {around:.1f} s around its submissions.")
    real = [run(place / f"{count} on {workers}", count, workers) for count, workers in runs]
    costs = scaling.measure(results(place / "{} on {}".format(*runs[0])))
    print("One submission:", asdict(costs))
    checks = []
    for (count, workers), one in zip(runs, real, strict=True):
        seconds = list(itertools.islice(itertools.cycle(costs.boxes), count))
        simulated = scaling.simulate(seconds, workers, costs, begins=real[0].warm + around).seconds
        slower, measured = statistics.fmean(one.boxes) / statistics.fmean(seconds), one.warm + one.client
        checks.append(Check(count, workers, one.warm, measured, simulated, measured / simulated, slower))
    return checks


def seconds_around(place: Path) -> float:
    """Return what a client takes besides its submissions; from then on the reference's evidence is in the cache."""
    hand_in(place, 1)
    with working(1) as (address, _):
        run_client(place, address)
        return run_client(place, address)


def run(place: Path, count: int, workers: int) -> Real:
    """Check so many submissions on workers of their own."""
    hand_in(place, count)
    with working(workers) as (address, warm):
        client = run_client(place, address)
    boxes = tuple(map(references.seconds, scaling.load(results(place))))
    if len(boxes) != count:
        sys.exit(f"Of {count} submissions {len(boxes)} left evidence.")
    return Real(warm, client, boxes)


def hand_in(place: Path, count: int) -> None:
    """Make submissions whose names have the order in which they are handed in."""
    for number, example in zip(range(count), itertools.cycle(EXAMPLES), strict=False):
        shutil.copytree(measuring.ROOT / "submissions" / example, place / "in" / f"student-{number:02}")


def results(place: Path) -> Path:
    """Return where a batch leaves its evidence."""
    return place / "out" / batch.EVIDENCE


@contextmanager
def working(workers: int) -> Iterator[tuple[str, float]]:
    """Yield the address of a scheduler with so many workers, and the seconds until all their boxes were warm."""
    with ExitStack() as stack:
        address = scaling.start_scheduler(stack)
        client = stack.enter_context(closing(cluster.connect(address)))
        begun = time.perf_counter()
        for _ in range(workers):
            scaling.start(stack, "checker", "worker", address, "--boxes", "1")
        client.wait_for_workers(workers, timeout=cluster.START_SECONDS)
        yield address, time.perf_counter() - begun


def run_client(place: Path, address: str) -> float:
    """Run a batch on what is handed in; return its seconds."""
    command = [sys.executable, "-m", "checker", "batch", str(place / "in"), *measuring.data_arguments()]
    to = ["--out", str(place / "out"), "--scheduler", address]
    return measuring.cost_of_command([*command, *to], (0, 1), cwd=measuring.ROOT).wall


def show(checks: Sequence[Check]) -> None:
    columns = ("submissions", "workers", "boxes warm", "measured", "simulated", "ratio", "boxes slower", "")
    table = Table(*columns, title="Real batches beside simulated ones")
    for one in checks:
        seconds = (f"{value:,.0f} s" for value in (one.warm, one.measured, one.simulated))
        ratios = (f"{one.ratio:.2f}", f"{one.slower_boxes:.2f}")
        note = "calibration" if one is checks[0] else "prediction"
        table.add_row(str(one.submissions), str(one.workers), *seconds, *ratios, note)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        checks = check(Path(place), RUNS)
    show(checks)
    measuring.write_json([asdict(one) for one in checks])


if __name__ == "__main__":
    main()
