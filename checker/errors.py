"""What can go wrong, and whose fault it is.

::

    CheckerError                     exit code   whose fault
    ├── UsageError                   2           the person at the keyboard
    │   ├── DatasetError             2           no data, or not the data expected
    │   └── SandboxMissingError      2           no wall on this machine to run untrusted files behind
    ├── AssignmentError              3           the assignment's author
    └── HarnessError                 4           ours: sandbox will not start, disk full, worker lost
        ├── EvidenceError            4           a guest wrote something that is not evidence
        └── LostError                4           one machine after the other was lost with a submission

A student's mistake is never an exception: it is a ``Failure`` record that travels to the report.
``EvidenceError`` does not leave the sandbox either: a box whose frames make no sense is ended, and the
``Execution`` says so.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell."""

    ALL_PASSED = 0
    NOT_ALL_PASSED = 1
    USAGE = 2
    ASSIGNMENT_BROKEN = 3
    HARNESS_BROKEN = 4
    INTERRUPTED = 130


class CheckerError(Exception):
    """Anything the checker says to a person: one sentence of what happened, then what to do."""

    exit_code = ExitCode.HARNESS_BROKEN

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(CheckerError):
    """The command cannot be carried out as it was typed."""

    exit_code = ExitCode.USAGE


class DatasetError(UsageError):
    """The data is missing, or is not the file the assignment names."""


class SandboxMissingError(UsageError):
    """Untrusted files were handed in and this machine has no working sandbox."""


class AssignmentError(CheckerError):
    """The assignment's own files are broken, or its reference fails its own rules."""

    exit_code = ExitCode.ASSIGNMENT_BROKEN


class HarnessError(CheckerError):
    """The checker or its machine failed; never booked on a student."""


class EvidenceError(HarnessError):
    """A guest sent something that is malformed, too large, or out of order."""


class LostError(HarnessError):
    """So many machines were lost while they ran a submission that no further one is tried."""
