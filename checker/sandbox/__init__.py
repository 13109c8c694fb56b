"""Where a guest runs: one small protocol, and the walls behind it.

A ``Sandbox`` opens boxes; a ``Box`` runs jobs, one after the other, and tells of each how it ended. A guest
that fails is a result (``Execution``); a sandbox that fails is a ``HarnessError``.

A caller hands a job's frames in and receives the guest's frames while it runs. The callback may raise
``EvidenceError``: the box is then ended, as it is for a limit reached.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from checker.errors import SandboxMissingError
from checker.frames import Frame
from checker.records import Execution, Limits
from checker.sandbox import bubblewrap, plain

Receive = Callable[[Frame], None]

KINDS = ("bubblewrap", "none")


class Box(Protocol):
    """A place for one guest at a time; nothing of one job is left for the next."""

    def run(self, job: Sequence[Frame], limits: Limits, receive: Receive) -> Execution:
        """Run one job to its end, however it ends."""

    def close(self) -> None:
        """End whatever still runs in the box and remove it. May be called from another thread."""


class Sandbox(Protocol):
    """A kind of wall."""

    name: str

    def open(self) -> Box:
        """Open a new, empty box."""


def choose(kind: str) -> Sandbox:
    """Return the sandbox of a kind; SandboxMissingError says how to get one that does not work here."""
    if kind == "none":
        return plain.PlainProcess()
    reason = bubblewrap.why_not()
    if reason:
        raise SandboxMissingError(
            f"There is no working sandbox on this machine: {reason}",
            f"{bubblewrap.how_to_get()} Or, for files that you trust as your own, say --sandbox none.",
        )
    return bubblewrap.Bubblewrap()
