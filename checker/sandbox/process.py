"""Run a guest's process: hand it a job, read its frames, watch its limits, and leave nothing of it.

Theory of operation: three threads stand around the process. One writes the job to its standard input, one
keeps the tail of its standard error, one looks at the clock and adds up the memory of the process and all its
descendants. The calling thread reads frames. Whoever finds a limit reached notes why and kills the whole
tree; the reader then meets the end of the stream, and what had arrived before it stays.

Memory is the sum of resident sets, which is cheap to read and counts shared pages more than once. Only where
that sum is over the limit is the proportional set size asked for, which the kernel has to add up page by page.
"""

import contextlib
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from checker import frames
from checker.errors import EvidenceError, HarnessError
from checker.frames import Frame, Kind
from checker.records import Ending, Execution, Limits

TAIL_BYTES = 8_192
WATCH_SECONDS = 0.5
GRACE_SECONDS = 5.0


@dataclass
class Guest:
    """A running guest and what is known of its end."""

    process: subprocess.Popen[bytes]
    limits: Limits
    started: float = field(default_factory=time.monotonic)
    ending: Ending | None = None
    peak_memory: float = 0.0
    cpu_seconds: dict[int, float] = field(default_factory=dict)
    nonsense: str = ""

    def end(self, reason: Ending | None = None) -> None:
        """Kill the process and its descendants; the first reason given is the one that counts."""
        self.ending = self.ending or reason
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [*top.children(recursive=True), top]
        return []

    def watch(self) -> None:
        """Look after the limits until the process is gone."""
        while self.process.poll() is None:
            memory = self._measure()
            self.peak_memory = max(self.peak_memory, memory)
            if memory > self.limits.memory_mib:
                self.end(Ending.MEMORY)
            elif time.monotonic() - self.started > self.limits.wall_seconds:
                self.end(Ending.WALL_CLOCK)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(WATCH_SECONDS)

    def _measure(self) -> float:
        """Return the memory of all processes in MiB; note their CPU time on the way."""
        tree = self.tree()
        for process in tree:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self.cpu_seconds[process.pid] = times.user + times.system
        resident = sum(_memory(process, _resident) for process in tree)
        if resident <= self.limits.memory_mib:
            return resident
        return sum(_memory(process, _proportional) for process in tree)


def _memory(process: psutil.Process, way: Callable[[psutil.Process], float]) -> float:
    with contextlib.suppress(psutil.Error, OSError):
        return way(process) / 2**20
    return 0.0


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss)


def _proportional(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return _resident(process)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    job: Sequence[Frame],
    limits: Limits,
    receive: Callable[[Frame], None],
    sandbox: str,
    on_start: Callable[[Guest], None],
) -> Execution:
    """Run one guest from start to end and say how it ended.

    Raises HarnessError where the process cannot be started at all.
    """
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(f"The guest could not be started: {error}", "Run `checker doctor`.") from error
    guest, tail = Guest(process, limits), deque[bytes](maxlen=TAIL_BYTES // 1_024)
    assert process.stdin and process.stdout and process.stderr
    on_start(guest)
    threads = [
        threading.Thread(target=_write_job, args=(process.stdin, job), daemon=True),
        threading.Thread(target=_keep_tail, args=(process.stderr, tail), daemon=True),
        threading.Thread(target=guest.watch, daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        finished = _read_frames(guest, process.stdout, receive)
        _let_end(guest, finished)
    finally:
        guest.end()
        process.wait()
        for thread in threads:
            thread.join()
        process.stdout.close()
    ending = guest.ending or (Ending.FINISHED if finished else Ending.CRASHED)
    return Execution(
        ending=ending,
        exit_code=process.returncode,
        wall_seconds=round(time.monotonic() - guest.started, 3),
        cpu_seconds=round(sum(guest.cpu_seconds.values()), 3),
        peak_memory_mib=round(guest.peak_memory, 1),
        output_tail=guest.nonsense or b"".join(tail)[-TAIL_BYTES:].decode("utf-8", "replace"),
        sandbox=sandbox,
    )


def _write_job(stream: IO[bytes], job: Sequence[Frame]) -> None:
    with contextlib.suppress(OSError), stream:
        for frame in job:
            frames.write(stream, frame)  # type: ignore[arg-type]  # a pipe is a binary stream


def _keep_tail(stream: IO[bytes], tail: deque[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError), stream:
        while part := stream.read1(1_024):  # type: ignore[attr-defined]  # pipes are buffered
            tail.append(part)


def _read_frames(guest: Guest, stream: IO[bytes], receive: Callable[[Frame], None]) -> bool:
    """Pass frames on until the guest says END (True), or its stream or its allowance ends (False)."""
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


def _let_end(guest: Guest, finished: bool) -> None:
    """Give a guest that is done a moment to end by itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        guest.process.wait(GRACE_SECONDS if finished else 1.0)
