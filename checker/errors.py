"""Error classes, with exit codes and the party at fault.

::

    CheckerError                     exit code   whose fault
    ├── UsageError                   2           the person at the keyboard
    │   ├── DatasetError             2           the data is missing, or is another file
    │   └── SandboxMissingError      2           this machine has no sandbox for untrusted files
    ├── AssignmentError              3           the assignment's author
    └── HarnessError                 4           ours: sandbox will not start, disk full, worker lost
        ├── EvidenceError            4           a guest sent malformed evidence
        ├── StoppedError             4           nobody waits for the result any more
        └── LostError                4           a submission lost one worker after another

A student's mistake is never an exception, but a ``Failure`` record that goes into the report. ``EvidenceError`` does
not leave the sandbox either: on an invalid frame the box is ended, and the ``Execution`` records this.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of the process."""

    ALL_PASSED = 0
    NOT_ALL_PASSED = 1
    USAGE = 2
    ASSIGNMENT_BROKEN = 3
    HARNESS_BROKEN = 4
    INTERRUPTED = 130


class CheckerError(Exception):
    """An error shown to a person: a sentence about the error (``message``), then advice (``help``)."""

    exit_code = ExitCode.HARNESS_BROKEN

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(CheckerError):
    """The command cannot run as typed."""

    exit_code = ExitCode.USAGE


class DatasetError(UsageError):
    """The data is missing, or is not the file that the assignment names."""


class SandboxMissingError(UsageError):
    """There are untrusted files to run, and this machine has no working sandbox."""


class AssignmentError(CheckerError):
    """The assignment's own files are broken, or its reference fails its own rules."""

    exit_code = ExitCode.ASSIGNMENT_BROKEN


class HarnessError(CheckerError):
    """The checker or its machine failed. This never counts against a student."""


class EvidenceError(HarnessError):
    """A guest sent a frame that is malformed, too large, or out of order."""


class StoppedError(HarnessError):
    """A training was stopped because nobody waits for its result any more."""


class LostError(HarnessError):
    """A submission lost too many workers, so it is not tried again."""
