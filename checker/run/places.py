"""Places where submissions run: boxes on this machine, or any other implementation of ``Place``.

The sandbox belongs to the place, and a place has a wall unless a person asked for none. Run settings do not mention a
sandbox, so code that forgets to choose one runs students' files behind the wall.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import psutil

from checker.errors import HarnessError, StoppedError
from checker.records.assignment import Assignment
from checker.records.gathered import Gathered
from checker.records.settings import Live, RunSettings, Watch
from checker.records.submission import Submission
from checker.records.variants import Variant
from checker.run import check
from checker.run.slots import Slots
from checker.sandbox import kinds
from checker.sandbox.boxes import Box, Boxes, Sandbox
from checker.whatif import training
from checker.whatif.refusal import RefusedError

LOOK_SECONDS = 0.02
"""Interval between checks that somebody still waits for a training."""
WAITING_MIB = 1_500
"""Memory, in MiB, of the two processes that wait in a slot's boxes with everything imported."""


class Place(Protocol):
    """A place where submissions run. Its methods are called from many threads."""

    kind: str
    """The kind of sandbox that files run in: one of ``checker.sandbox.KINDS``."""

    def gather(self, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        """Run a submission there and return all evidence."""

    def answer_again(self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch) -> Gathered:
        """Select the answer again in the evidence of an earlier run, and train it there."""

    def train_further(
        self, gathered: Gathered, submission: Submission, settings: RunSettings, watch: Watch
    ) -> Gathered:
        """Train a submission's answer there for the further seeds, too; return all evidence."""

    def get_ready(self) -> None:
        """Warm up a box for variants, so that nobody waits for it later."""

    def train_variant(self, gathered: Gathered, variant: Variant, settings: RunSettings, live: Live) -> Gathered:
        """Train a changed network there, from evidence alone, while a person watches; return its evidence.

        Raises RefusedError if it cannot be tried, StoppedError once ``live`` is not wanted any more.
        """

    def close(self) -> None:
        """End everything that still runs there. The place takes no more submissions."""


class Pool:
    """Boxes on this machine, as many as are in use simultaneously. They are kept from one submission to the next.

    They have a wall unless you give another sandbox. Raises SandboxMissingError if this machine has no wall. With
    ``slots``, the number of boxes that run at a time is limited over all commands together.
    """

    def __init__(self, sandbox: Sandbox | None = None, slots: Slots | None = None) -> None:
        self._sandbox = kinds.choose() if sandbox is None else sandbox
        self.kind = self._sandbox.name
        self._idle: list[Boxes] = []
        self._open: set[Boxes] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._slots = slots

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

    def get_ready(self) -> None:
        with self.lend() as boxes:
            boxes.ours.warm()

    def train_variant(self, gathered: Gathered, variant: Variant, settings: RunSettings, live: Live) -> Gathered:
        with self.lend() as boxes, _ending(boxes.ours, live):
            return training.train(gathered, variant, settings, boxes.ours, live)

    def open_early(self, slots: int) -> None:
        """Start ``slots`` boxes for students' files in the background."""
        with self._lock:
            opened = [self._opened() for _ in range(slots)]
            self._idle += opened
        for boxes in opened:
            boxes.students.get_ready()

    def warm(self) -> None:
        """Start the processes that wait in a slot's boxes."""
        with self.lend() as boxes:
            boxes.warm()

    @contextlib.contextmanager
    def lend(self) -> Iterator[Boxes]:
        """Lend a slot's boxes. They are kept for the next submission, or closed after an exception."""
        with self._slots.taken() if self._slots else contextlib.nullcontext():
            boxes = self._take()
            try:
                yield boxes
            except (StoppedError, RefusedError):
                self._keep(boxes)
                raise
            except BaseException:
                self._drop(boxes)
                raise
            if self._closed:
                raise HarnessError("The batch was interrupted.")
            self._keep(boxes)

    def _keep(self, boxes: Boxes) -> None:
        with self._lock:
            self._idle.append(boxes)

    def _take(self) -> Boxes:
        with self._lock:
            if self._closed:
                raise HarnessError("The batch was interrupted.")
            if self._idle:
                return self._idle.pop()
            return self._opened()

    def _opened(self) -> Boxes:
        boxes = self._sandbox.open()
        self._open.add(boxes)
        return boxes

    def _drop(self, boxes: Boxes) -> None:
        with self._lock:
            self._open.discard(boxes)
        boxes.close()

    def close(self) -> None:
        """End everything that runs in any box. No more boxes are lent."""
        with self._lock:
            self._closed = True
            still_open = list(self._open)
        if self._slots is not None:
            self._slots.close()
        for boxes in still_open:
            boxes.close()


@contextlib.contextmanager
def _ending(box: Box, live: Live) -> Iterator[None]:
    """End the box's job as soon as nobody waits for it any more. The box is kept."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_SECONDS):
            if not live.is_wanted():
                box.cancel()  # again and again: the job may not have begun yet

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


@contextlib.contextmanager
def trusted() -> Iterator[Boxes]:
    """Open boxes without a wall, and close them at the end. No other code of ours chooses to run a file bare.

    They are for two kinds of files only. The assignment's own notebooks (hand-out; the reference, if no batch lends its
    boxes) are the lecturer's, and the lecturer's rules run on the host as well. A self-check runs a student's own file
    on the student's own machine. It could be run bare there anyway, and there is often no bubblewrap. Every other file
    runs in a ``Place``.
    """
    with closing(kinds.choose("none").open()) as boxes:
        yield boxes


def jobs_that_fit(assignment: Assignment) -> int:
    """Return the number of submissions that this machine can run in parallel, given its cores and its memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    room = psutil.virtual_memory().total // 2**20
    return max(1, min(cores, int(room // memory_of_one(assignment))))


def memory_of_one(assignment: Assignment) -> int:
    """Return the maximum memory of a submission, in MiB, including the processes that wait in its boxes."""
    return max(assignment.execute.memory_mib, assignment.retrain.memory_mib) + WAITING_MIB
