"""Supervises a guest: sends it a job, reads its frames, enforces its limits, and returns its ending.

Theory of operation: three threads serve a guest. One writes the job to its standard input, one keeps the tail of its
standard error, one adds up the time (``owntime``) and memory of the process and all its descendants. The calling thread
reads frames. The thread that finds a limit exceeded notes the reason and kills the whole tree. The reader then meets
the end of the stream, and frames that arrived before it stay.

The tree may exist before the job, as in a box with a warm process. Its earlier usage is subtracted, so that memory and
time are the job's own.

Forks share most of their pages. The sum of resident set sizes counts shared pages once for each process, but is cheap
to read. The sum of proportional set sizes counts them once, but the kernel has to add it up page by page, which takes
tens of milliseconds. So the second sum is read only if the first has grown by a tenth since the last reading, or since
the job began, or exceeds the limit; and at the end if it was never read.
"""

import contextlib
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import psutil

from checker.errors import EvidenceError, HarnessError
from checker.records.assignment import Limits
from checker.records.job import Ending, Execution
from checker.sandbox import owntime
from checker.wire import frames
from checker.wire.frames import Frame, Kind

TAIL_BYTES = 8_192
WATCH_SECONDS = 0.5
LOOK_SECONDS = 0.01
GROWTH = 1.1
GRACE_SECONDS = 5.0
LISTS_CHILDREN = Path("/proc/self/task", str(os.getpid()), "children").exists()
"""Linux lists the children of each thread, unless its kernel was built without that."""
MAX_PROCESSES = 128 + (os.cpu_count() or 1)
"""More processes are a fork bomb. It is ended before its memory is added up, which would be slower than its growth."""


@dataclass(frozen=True)
class Streams:
    """The host's ends of a guest's standard streams."""

    job: IO[bytes]
    said: IO[bytes]
    noise: IO[bytes]


@dataclass(frozen=True)
class Usage:
    """Resources that a tree of processes uses: resident and proportional memory in MiB, and time."""

    resident: float = 0.0
    proportional: float = 0.0
    spent: owntime.Reading = owntime.NOTHING


NOTHING = Usage()


def usage(tree: Sequence[psutil.Process], before: Usage = NOTHING) -> Usage:
    """Measure a tree of processes; its time alone if ``before`` has its memory, which has not changed since."""
    if before is not NOTHING:
        return replace(before, spent=owntime.read(tree))
    return Usage(_sum(tree, _resident), _sum(tree, _proportional), owntime.read(tree))


def tree_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return a process and its descendants, parents before their children; [] if it has ended."""
    if process.poll() is not None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(process.pid)
        return [top, *top.children(recursive=True)]
    return []


def glance(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return what ``tree_of`` returns, but never read the machine's other processes: many watchers look twice a second.

    While processes end, some of their siblings may be missing. So nothing is killed by such a list.
    """
    if not LISTS_CHILDREN:
        return tree_of(process)
    tree, found = [], [] if process.poll() is not None else [process.pid]
    while found:
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            tree.append(psutil.Process(found.pop(0)))
            found += _children(tree[-1].pid)
    return tree


def _children(pid: int) -> list[int]:
    """Return the children of a process: a thread's are those that it forked."""
    threads = Path("/proc", str(pid), "task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def turns(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Yield again and again, so that the caller can wait, until the process and its descendants have taken ``seconds``
    of their own time, or ten times as many by the clock."""
    counter, until = owntime.Counter(), time.monotonic() + owntime.BY_CLOCK * seconds
    while counter.counted <= seconds and time.monotonic() <= until:
        yield
        counter.add(owntime.read(glance(process)))


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants."""
    for member in reversed(tree_of(process)):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            member.kill()
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def await_end(tree: Sequence[psutil.Process], seconds: float) -> None:
    """Wait until all have ended, at most ``seconds``. Zombies count as ended: an orphan's new parent may reap it
    seconds later, or never in a container without an init."""
    until = time.monotonic() + seconds
    while not all(map(has_ended, tree)) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)


def has_ended(process: psutil.Process) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        return process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) or not process.is_running()
    except psutil.NoSuchProcess:
        return True


@dataclass
class Guest:
    """A job that runs in a tree of processes, and its ending."""

    process: subprocess.Popen[bytes]
    limits: Limits
    before: Usage = NOTHING
    started: float = field(default_factory=time.monotonic)
    ending: Ending | None = None
    peak_memory: float = 0.0
    added_up_at: float | None = None
    nonsense: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    own: owntime.Counter = field(init=False)

    def __post_init__(self) -> None:
        self.own = owntime.Counter(replace(self.before.spent, at=self.started))

    def end(self, reason: Ending | None = None) -> None:
        """Kill the whole tree; the first reason counts."""
        self.ending = self.ending or reason
        kill_tree(self.process)

    def watch(self) -> None:
        """Enforce the limits until the job is over."""
        for pause in itertools.chain([0.0], itertools.repeat(WATCH_SECONDS)):
            is_over = self.over.wait(pause)
            tree = glance(self.process)
            if len(tree) > MAX_PROCESSES:
                self.end(Ending.PROCESSES)
                return
            self.own.add(owntime.read(tree))
            memory = self._memory(tree, is_over)
            if is_over or self.process.poll() is not None:
                return
            if memory > self.limits.memory_mib:
                self.end(Ending.MEMORY)
            elif self.own.counted > self.limits.seconds:
                self.end(Ending.TIME)
            elif time.monotonic() - self.started > owntime.BY_CLOCK * self.limits.seconds:
                self.end(Ending.WALL_CLOCK)

    def _memory(self, tree: Sequence[psutil.Process], is_over: bool) -> float:
        """Return an upper bound of the job's memory in MiB, and update the peak."""
        resident = _sum(tree, _resident) - self.before.resident
        if self.added_up_at is None:
            self.added_up_at = resident  # all that a new fork has is shared
        has_grown = resident > GROWTH * self.added_up_at or (is_over and not self.peak_memory)
        if not has_grown and resident <= self.limits.memory_mib:
            return resident
        self.added_up_at = resident
        memory = _sum(tree, _proportional) - self.before.proportional
        self.peak_memory = max(self.peak_memory, memory)
        return memory


def _sum(tree: Sequence[psutil.Process], what: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for process in tree:
        with contextlib.suppress(psutil.Error, OSError):
            total += what(process)
    return total


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _proportional(process: psutil.Process) -> float:
    """Return a process's proportional memory in MiB without file-backed pages, which other trees may share too."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except ProcessLookupError:
        return 0.0
    except OSError:
        return _resident(process)
    return sum(float(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))) / 2**10


def start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: int, stdout: int
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; HarnessError if it can't be started."""
    try:
        return subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(f"The guest could not be started: {error}", "Run `checker doctor`.") from error


def supervise(
    guest: Guest,
    streams: Streams,
    job: Sequence[Frame],
    receive: Callable[[Frame], None],
    let_end: Callable[[bool], int | None],
    sandbox: str,
) -> Execution:
    """Run one job to its end and return its execution.

    ``let_end`` is called with whether the guest finished; it removes the job's processes and returns the exit code.
    """
    tail = bytearray()
    threads = [
        threading.Thread(target=_write_job, args=(streams.job, job), daemon=True),
        threading.Thread(target=keep_tail, args=(streams.noise, tail), daemon=True),
    ]
    watcher = threading.Thread(target=guest.watch, daemon=True)
    for thread in (*threads, watcher):
        thread.start()
    finished = False
    try:
        finished = _read_frames(guest, streams.said, receive)
    finally:
        guest.over.set()
        watcher.join()
        exit_code = let_end(finished and guest.ending is None)
        for thread in threads:
            thread.join()
        streams.said.close()
    return Execution(
        ending=guest.ending or (Ending.FINISHED if finished else Ending.CRASHED),
        exit_code=exit_code,
        wall_seconds=round(time.monotonic() - guest.started, 3),
        cpu_seconds=round(guest.own.used, 3),
        peak_memory_mib=round(guest.peak_memory, 1),
        output_tail=guest.nonsense or as_text(tail),
        sandbox=sandbox,
        counted_seconds=round(guest.own.counted, 3),
    )


def as_text(tail: bytearray) -> str:
    """Return the tail of a stream as text."""
    return tail.decode("utf-8", "replace")


def _write_job(stream: IO[bytes], job: Sequence[Frame]) -> None:
    with contextlib.suppress(OSError), stream:
        for frame in job:
            frames.write(stream, frame)  # type: ignore[arg-type]  # a pipe is a binary stream


def keep_tail(stream: IO[bytes], tail: bytearray) -> None:
    """Read a stream to its end and keep its last bytes in ``tail``."""
    with contextlib.suppress(ValueError, OSError), stream:
        while part := stream.read1(1_024):  # type: ignore[attr-defined]  # pipes are buffered
            tail += part
            del tail[:-TAIL_BYTES]


def _read_frames(guest: Guest, stream: IO[bytes], receive: Callable[[Frame], None]) -> bool:
    """Pass frames on until END (True), or until the end of the stream, the output limit or a protocol error (False)."""
    room = guest.limits.output_mib * 2**20
    try:
        while (frame := frames.read(stream)) is not None:  # type: ignore[arg-type]  # a pipe is a binary stream
            if frame.kind is Kind.END:
                return True
            room -= frame.size
            if room < 0:
                guest.end(Ending.OUTPUT)
                return False
            receive(frame)
    except EvidenceError as error:
        guest.end(Ending.NONSENSE)
        guest.nonsense = error.message
    return False
