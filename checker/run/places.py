"""Where submissions run: boxes on this machine, or whatever offers the same."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Protocol

import psutil

from checker.errors import HarnessError
from checker.records.assignment import Assignment
from checker.records.gathered import Gathered
from checker.records.settings import RunSettings, Watch
from checker.records.submission import Submission
from checker.run import check
from checker.sandbox import Boxes, Sandbox, choose

WAITING_MIB = 1_500
"""What the two processes that wait in a slot's boxes, with all imported, take between them."""


class Place(Protocol):
    """Where submissions run. ``kind``: the kind of its sandbox, on which evidence depends."""

    kind: str

    def gather(self, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        """Run one there and return all that was observed. Called from many threads."""

    def answer_again(self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        """Find the answer once more in what a run has left, and train it there. Called from many threads."""

    def train_further(
        self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch
    ) -> Gathered:
        """Train one there for the further seeds, too; return all that was observed. Called from many threads."""

    def close(self) -> None:
        """End whatever still runs there; nothing more is taken."""


class Pool:
    """Boxes on this machine, kept from one submission to the next, as many as are in use at the same time.

    They are walled unless a sandbox is given. Raises SandboxMissingError where there is no wall on this machine.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = choose() if sandbox is None else sandbox
        self.kind = self._sandbox.name
        self._idle: list[Boxes] = []
        self._open: set[Boxes] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __str__(self) -> str:
        return "this machine"

    def gather(self, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        with self.lend() as boxes:
            return check.examine(submission, settings, boxes, watch)

    def answer_again(self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        with self.lend() as boxes:
            return check.answer_again(gathered, submission, settings, boxes, watch)

    def train_further(
        self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch
    ) -> Gathered:
        with self.lend() as boxes:
            return check.train_further(gathered, submission, settings, boxes, watch)

    def warm(self) -> None:
        """Start what waits in a slot's boxes."""
        with self.lend() as boxes:
            boxes.warm()

    @contextlib.contextmanager
    def lend(self) -> Iterator[Boxes]:
        """Lend a slot's boxes; they are closed where anything went wrong meanwhile, and kept else."""
        boxes = self._take()
        try:
            yield boxes
        except BaseException:
            self._drop(boxes)
            raise
        if self._closed:
            raise HarnessError("The batch was interrupted.")
        with self._lock:
            self._idle.append(boxes)

    def _take(self) -> Boxes:
        with self._lock:
            if self._closed:
                raise HarnessError("The batch was interrupted.")
            if self._idle:
                return self._idle.pop()
            boxes = self._sandbox.open()
            self._open.add(boxes)
            return boxes

    def _drop(self, boxes: Boxes) -> None:
        with self._lock:
            self._open.discard(boxes)
        boxes.close()

    def close(self) -> None:
        """End whatever runs in any box; no more are lent."""
        with self._lock:
            self._closed = True
            still_open = list(self._open)
        for boxes in still_open:
            boxes.close()


def jobs_that_fit(assignment: Assignment) -> int:
    """Return how many submissions this machine can run side by side: by its cores, and by memory limits and what waits
    in their boxes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    room = psutil.virtual_memory().total // 2**20
    return max(1, min(cores, int(room // memory_of_one(assignment))))


def memory_of_one(assignment: Assignment) -> int:
    """Return how many MiB a submission may take together with what waits in its boxes."""
    return max(assignment.execute.memory_mib, assignment.retrain.memory_mib) + WAITING_MIB
