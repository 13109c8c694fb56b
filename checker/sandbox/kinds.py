"""The kinds of sandbox, by name."""

from checker.errors import SandboxMissingError
from checker.sandbox import bubblewrap, plain
from checker.sandbox.boxes import Sandbox

KINDS = ("bubblewrap", "none")


def choose(kind: str = KINDS[0]) -> Sandbox:
    """Return the sandbox of a kind, by default bubblewrap.

    Raises SandboxMissingError, with instructions, if bubblewrap does not work here.
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
