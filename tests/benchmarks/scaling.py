"""How a batch grows on a cluster: what it costs from 100 to 100,000 submissions on 1 to 1,000 boxes, simulated.

Theory of operation: three figures of the simulation are measured here. What submissions cost comes from the stored
evidence of all examples (``python3 noxfile.py -s examples`` leaves it), what the client spends on each from doing that
work on the same evidence, and what Dask spends on each from empty tasks of the same size through a real scheduler and
real worker processes. The simulation then plays a batch event by event. Each box is a server that takes one submission
at a time; the scheduler is one server, the client another. As in ``checker batch``, no more submissions are on their
way than two for each box, and one that the client has not judged is still on its way.
"""

import heapq
import itertools
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import measuring
from rich.console import Console
from rich.table import Table

from checker.assignment import folders
from checker.records.codec import from_json
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.report import html
from checker.run import check, cluster, references, scheduler_addresses, store
from checker.run.keys import Keys
from checker.run.store import Stored
from checker.submissions import choice

EVIDENCE = measuring.ROOT / "out" / "examples" / "ocean_proximity" / "evidence"
COUNTS = (100, 1_000, 10_000, 100_000)
BOXES = (1, 10, 100, 1_000)
JUDGES = 16
"""Processes of a client that judged in parallel, as it does not."""
TASKS = 400
TRACING_SECONDS = 0.25
"""Of a worker's host, for one submission; see docs/performance.md."""
WARM_SECONDS = 15.0
"""Until the two boxes of a slot have imported everything, on a machine that does nothing else."""
GIGABIT = 125e6
"""Bytes in a second over the client's line."""


@dataclass(frozen=True)
class Costs:
    """What was measured: seconds of each example in its boxes; of a submission on its worker's host, on the client and
    in Dask; bytes of one on its way out and back, and of the data set."""

    boxes: tuple[float, ...]
    worker: float
    client: float
    dask: float
    sent: float
    returned: float
    data: int


@dataclass(frozen=True)
class Outcome:
    """What a batch came to: seconds; hours of boxes; shares of the time in which boxes, client and scheduler worked;
    bytes over the client's line."""

    count: int
    boxes: int
    seconds: float
    box_hours: float
    boxes_busy: float
    client_busy: float
    scheduler_busy: float
    gigabytes: float


def draw(count: int, costs: Costs) -> list[float]:
    """Return seconds in boxes for so many submissions, always the same ones, drawn from those of the examples."""
    drawn = random.Random(0)
    return [drawn.choice(costs.boxes) for _ in range(count)]


def simulate(
    seconds: Sequence[float], boxes: int, costs: Costs, judges: int = 1, begins: float = WARM_SECONDS
) -> Outcome:
    """Play a batch event by event: submissions that take so many seconds in their boxes, in this order, of which the
    first is sent when ``begins`` seconds have passed."""
    count, lasting = len(seconds), iter(seconds)
    client = costs.client / judges + (costs.sent + costs.returned) / GIGABIT
    events: list[tuple[float, int, str]] = []
    order, unsent = itertools.count(), count
    scheduler_free = client_free = now = busy = 0.0
    idle, waiting = boxes, 0

    def at(moment: float, what: str) -> None:
        heapq.heappush(events, (moment, next(order), what))

    def submit(moment: float) -> None:
        nonlocal scheduler_free, unsent
        unsent -= 1
        scheduler_free = max(scheduler_free, moment) + costs.dask
        at(scheduler_free, "arrives")

    for _ in range(min(count, 2 * boxes)):
        submit(begins)
    while events:
        now, _, what = heapq.heappop(events)
        if what == "judged":
            if unsent:
                submit(now)
            continue
        if what == "ends":
            client_free = max(client_free, now) + client
            at(client_free, "judged")
        idle, waiting = (idle + 1, waiting) if what == "ends" else (idle, waiting + 1)
        if idle and waiting:
            idle, waiting = idle - 1, waiting - 1
            took = next(lasting) + costs.worker
            busy += took
            at(now + took, "ends")
    return Outcome(
        count=count,
        boxes=boxes,
        seconds=now,
        box_hours=now * boxes / 3_600,
        boxes_busy=busy / (now * boxes),
        client_busy=count * client / now,
        scheduler_busy=count * costs.dask / now,
        gigabytes=(count * (costs.sent + costs.returned) + boxes * costs.data) / 1e9,
    )


# -- measuring -------------------------------------------------------------------------------------------


def measure(folder: Path) -> Costs:
    """Return what submissions cost, by the evidence in a folder."""
    gathered = load(folder)
    took = tuple(map(references.seconds, gathered))
    sent = statistics.fmean(len(choice.read(one)) for one in choice.find(measuring.ROOT / "submissions"))
    packed = [store.pack(one) for one in gathered]
    returned = statistics.fmean(map(len, packed))
    data, client = _client(gathered, packed)
    return Costs(took, _packing(gathered), client, _dask(int(sent), int(returned)), sent, returned, data)


def load(folder: Path) -> list[Gathered]:
    """Return the evidence in a folder, in the order of names."""
    return [_gathered(place) for place in store.places(folder)]


def _gathered(place: Path) -> Gathered:
    stored = from_json(Stored, (place / "evidence.json").read_bytes())
    found = store.load(place.parent, stored.evidence.submission.name, Keys(stored.run, stored.key))
    if found is None:
        sys.exit(f"The evidence in {place} is damaged.")
    return found


def _packing(gathered: list[Gathered]) -> float:
    """Return the seconds of a worker's host for one submission, besides those in boxes: tracing, and packing."""
    begun = time.process_time()
    for one in gathered:
        store.pack(one)
    return (time.process_time() - begun) / len(gathered) + TRACING_SECONDS


def _client(gathered: list[Gathered], packed: list[bytes]) -> tuple[int, float]:
    """Return the bytes of the data set, and the client's seconds for a submission: unpacked, stored, judged, shown."""
    assignment = folders.find(None, measuring.ROOT / "reference")
    data = measuring.load_data(assignment.data)
    settings = RunSettings(assignment=assignment, dataset=data, seeds=assignment.seeds.grading)
    reference = ReferenceResults(
        scores=dict.fromkeys(settings.seeds, 0.9), baselines=dict.fromkeys(settings.seeds, 0.5)
    )
    with tempfile.TemporaryDirectory() as out:
        begun = time.process_time()
        for content in packed:
            one = store.unpack(content)
            store.save(Path(out), one.evidence.submission.name, Keys("run", "key"), one)
            html.render_page(check.judge(one, settings, reference))
        return len(data.csv), (time.process_time() - begun) / len(packed)


def start(stack: ExitStack, *module: str) -> None:
    """Run a module with its arguments as a process of its own, until the stack is closed."""
    command = [sys.executable, "-m", *module]
    process = subprocess.Popen(command, cwd=measuring.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)


def start_scheduler(stack: ExitStack) -> str:
    """Run a scheduler on loopback until the stack is closed; return its address."""
    place = Path(stack.enter_context(tempfile.TemporaryDirectory()), "scheduler.json")
    scheduler = "distributed.cli.dask_scheduler --host 127.0.0.1 --port 0 --no-dashboard"
    start(stack, *scheduler.split(), "--scheduler-file", str(place))
    while not place.exists() or not place.stat().st_size:  # it is written in one go
        time.sleep(0.1)
    return scheduler_addresses.address_of(str(place))


def _dask(sent: int, returned: int, workers: int = 2) -> float:
    """Return Dask's seconds for one submission, from empty tasks of this size through processes of their own."""

    def nothing(content: bytes) -> bytes:  # no name of a module: it travels whole, to where this file is not known
        return bytes(returned)

    with ExitStack() as stack:
        address = start_scheduler(stack)
        worker = f"distributed.cli.dask_worker {address} --nthreads 1 --no-nanny --resources box=1"
        for _ in range(workers):
            start(stack, *worker.split())
        client = stack.enter_context(closing(cluster.connect(address)))
        client.wait_for_workers(workers)
        executor = client.get_executor(resources={"box": 1}, pure=False)
        with ThreadPoolExecutor(4) as threads:
            begun = time.perf_counter()
            for _ in threads.map(lambda _: executor.submit(nothing, bytes(sent)).result(), range(TASKS)):
                pass
            return (time.perf_counter() - begun) / TASKS


# -- telling ---------------------------------------------------------------------------------------------


def show(title: str, outcomes: list[Outcome]) -> None:
    columns = ("submissions", "boxes", "hours", "box hours", "boxes busy", "client busy", "scheduler busy", "GB")
    table = Table(*columns, title=title)
    for one in outcomes:
        shares = (f"{share:.1%}" for share in (one.boxes_busy, one.client_busy, one.scheduler_busy))
        hours = (f"{one.seconds / 3_600:,.2f}", f"{one.box_hours:,.1f}")
        table.add_row(f"{one.count:,}", f"{one.boxes:,}", *hours, *shares, f"{one.gigabytes:,.2f}")
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def main() -> None:
    if not store.places(EVIDENCE):
        print(f"Skipped: there is no evidence in {EVIDENCE}. Type: python3 noxfile.py -s examples")
        return
    costs = measure(EVIDENCE)
    said = asdict(replace(costs, boxes=()))
    mean, median = statistics.fmean(costs.boxes), statistics.median(costs.boxes)
    print(f"One submission: {mean:.1f} s in boxes (median {median:.1f}, longest {max(costs.boxes):.0f});", said)
    as_it_is = [simulate(draw(count, costs), boxes, costs) for count in COUNTS for boxes in BOXES]
    show("A batch as it is", as_it_is)
    parallel = [simulate(draw(count, costs), boxes, costs, JUDGES) for count in COUNTS for boxes in BOXES]
    show(f"With a client that judges in {JUDGES} processes", parallel)
    outcomes = {"as it is": as_it_is, "judged in parallel": parallel}
    measuring.write_json({"costs": asdict(costs)} | {name: [*map(asdict, those)] for name, those in outcomes.items()})


if __name__ == "__main__":
    main()
