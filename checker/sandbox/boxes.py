"""The protocol between those who have jobs and the walls behind which jobs run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from checker.records.assignment import Limits
from checker.records.job import Execution
from checker.wire.frames import Frame

Receive = Callable[[Frame], None]


class Box(Protocol):
    """A place for one guest at a time; nothing of one job is left for the next."""

    def run(self, job: Sequence[Frame], limits: Limits, receive: Receive) -> Execution:
        """Run one job to its end, however it ends. Whatever has to be started first is started now."""

    def warm(self) -> None:
        """Start now what the next job would have to wait for; HarnessError where it does not start."""

    def get_ready(self) -> None:
        """Do the same in the background, and do not wait."""

    def renew(self) -> None:
        """Let the next job have a box in which nothing has ever run."""

    def close(self) -> None:
        """End whatever still runs in the box and remove it. May be called from another thread."""


@dataclass(frozen=True)
class Boxes:
    """What one job slot needs: a box for students' code, and one in which no code but ours ever runs."""

    students: Box
    ours: Box

    def warm(self) -> None:
        """Start in both what the next job would have to wait for."""
        self.students.warm()
        self.ours.warm()

    def close(self) -> None:
        """Close both. May be called from another thread."""
        self.students.close()
        self.ours.close()


class Sandbox(Protocol):
    """A kind of wall."""

    name: str

    def open(self) -> Boxes:
        """Open new, empty boxes. It costs nothing until a job is run in one."""
