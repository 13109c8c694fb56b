"""Checks the typed options before anything else, and reports all errors together."""

from collections.abc import Callable, Sequence
from pathlib import Path

from checker.assignment import folders
from checker.errors import UsageError
from checker.formats import files
from checker.run import session
from checker.run.session import Request

Check = Callable[[], object]
"""Raises UsageError if something is wrong."""


def require(*checks: Check) -> None:
    """Run all checks. Raise UsageError with all errors that they raised."""
    faults = []
    for check in checks:
        try:
            check()
        except UsageError as fault:
            faults.append(fault)
    raise_any(faults)


def raise_any(faults: Sequence[UsageError]) -> None:
    """Raise several errors as one. Do nothing if there is none."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        lines = [f"• {fault.message} {fault.help}".rstrip() for fault in faults]
        raise UsageError("\n".join([f"{len(faults)} things are wrong with the command:", *lines]))


def of_request(request: Request) -> list[Check]:
    """Return the checks of the options that commands have in common."""
    return [
        lambda: session.require_one_source(request),
        lambda: request.assignment and folders.locate(request.assignment),
        lambda: readable("data", request.data),
        lambda: readable("file of extensions", request.extensions),
    ]


def readable(what: str, path: Path | None) -> None:
    """Raise UsageError if a file was named that cannot be read."""
    if path is not None and (why := files.unreadable(path)):
        raise UsageError(f"The {what} cannot be read: {path}: {why}.")


def there(path: Path) -> None:
    """Raise UsageError if nothing is at a path."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"There is nothing at {path}.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}.") from error
