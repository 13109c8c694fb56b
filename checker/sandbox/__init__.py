"""Where a guest runs: one small protocol (``boxes``), and the walls behind it.

A ``Sandbox`` opens ``Boxes``; a ``Box`` runs jobs, one after the other, and tells of each how it ended. A guest
that fails is a result (``Execution``); a sandbox that fails is a ``HarnessError``.

A caller hands a job's frames in and receives the guest's frames while it runs. The callback may raise
``EvidenceError``: the box is then ended, as it is for a limit reached.
"""

from checker.errors import SandboxMissingError
from checker.sandbox import bubblewrap, plain
from checker.sandbox.boxes import Box, Boxes, Receive, Sandbox

__all__ = ["KINDS", "Box", "Boxes", "Receive", "Sandbox", "choose"]

KINDS = ("bubblewrap", "none")


def choose(kind: str = KINDS[0]) -> Sandbox:
    """Return the sandbox of a kind, the walled one where none is named.

    Raises SandboxMissingError, which says how to get a sandbox that does not work here.
    """
    if kind == "none":
        return plain.PlainProcess()
    reason = bubblewrap.why_not()
    if reason:
        raise SandboxMissingError(
            f"There is no working sandbox on this machine: {reason}",
            f"{bubblewrap.how_to_get()} Or, for files that you trust as your own, say --sandbox none.",
        )
    return bubblewrap.Bubblewrap()
