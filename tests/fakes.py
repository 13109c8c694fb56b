"""A fake sandbox: its guests are functions."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from checker.errors import EvidenceError
from checker.records.assignment import Limits
from checker.records.job import Ending, Execution
from checker.sandbox.boxes import Boxes
from checker.wire import frames
from checker.wire.frames import Frame

Guest = Callable[[Any, Sequence[Frame]], Iterator[Frame | Ending]]
"""A guest function: it takes a job and the frames beside it, and yields its frames and maybe an unusual ending."""


def an_execution(ending: Ending = Ending.FINISHED) -> Execution:
    """Return an execution of a guest's job with this ending."""
    code = 0 if ending is Ending.FINISHED else -9
    return Execution(
        ending=ending,
        exit_code=code,
        wall_seconds=12.5,
        cpu_seconds=11.0,
        peak_memory_mib=800.0,
        output_tail="",
        sandbox="fake",
    )


class FakeBox:
    """Runs a guest function; ``closed`` is set as soon as the box is closed, ``cancelled`` if its job is to end."""

    def __init__(self, guest: Guest) -> None:
        self.closed, self.cancelled = threading.Event(), threading.Event()
        self.jobs: list[tuple[Any, Sequence[Frame]]] = []
        self.is_warm = False
        self._guest = guest

    def run(self, job: Sequence[Frame], limits: Limits, receive: Callable[[Frame], None]) -> Execution:
        content, beside = frames.content(job[0]), job[1:-1]
        self.jobs.append((content, beside))
        self.cancelled.clear()
        try:
            for said in self._guest(content, beside):
                if isinstance(said, Ending):
                    return an_execution(said)
                if self.cancelled.is_set():
                    return an_execution(Ending.CRASHED)
                receive(said)
        except EvidenceError:
            return an_execution(Ending.NONSENSE)
        return an_execution(Ending.CRASHED if self.closed.is_set() else Ending.FINISHED)

    def get_ready(self) -> None:
        """Do nothing: a fake box needs no start."""

    def warm(self) -> None:
        self.is_warm = True

    def cancel(self) -> None:
        self.cancelled.set()

    def renew(self) -> None:
        """Do nothing: every job of a fake box is new anyway."""

    def close(self) -> None:
        self.closed.set()


class FakeSandbox:
    """Opens fake boxes and remembers them."""

    name = "fake"

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.boxes: list[FakeBox] = []

    def open(self) -> Boxes:
        self.boxes.append(FakeBox(self.guest))
        return Boxes(self.boxes[-1], self.boxes[-1])
