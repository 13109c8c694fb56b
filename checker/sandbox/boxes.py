"""The protocol between callers with jobs and the sandboxes that run them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from checker.records.assignment import Limits
from checker.records.job import Execution
from checker.wire.frames import Frame

Receive = Callable[[Frame], None]


class Box(Protocol):
    """A place for one guest at a time; no job leaves anything for the next."""

    def run(self, job: Sequence[Frame], limits: Limits, receive: Receive) -> Execution:
        """Run one job to its end, whatever the ending; start the box first if needed. HarnessError if it does not
        start."""

    def warm(self) -> None:
        """Start the box now, so that the next job need not wait; HarnessError if it does not start."""

    def get_ready(self) -> None:
        """Start the box in the background, without waiting."""

    def cancel(self) -> None:
        """End the job that is running, and keep the box for the next. May be called from another thread."""

    def renew(self) -> None:
        """Give the next job a fresh box."""

    def close(self) -> None:
        """End all processes in the box and remove it. May be called from another thread."""


@dataclass(frozen=True)
class Boxes:
    """The boxes of one job slot: one for students' code, and one in which only our code ever runs."""

    students: Box
    ours: Box

    def warm(self) -> None:
        """Start both now, so that the next job need not wait."""
        self.students.warm()
        self.ours.warm()

    def close(self) -> None:
        """Close both. May be called from another thread."""
        self.students.close()
        self.ours.close()


class Sandbox(Protocol):
    """A kind of sandbox."""

    name: str

    def open(self) -> Boxes:
        """Open new, empty boxes. They start nothing before the first job."""
