"""The file in which lecturers write who may hand in later, and whose submissions those are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checker.submissions import names
from checker.formats import files
from checker.submissions import deadlines
from checker.records.settings import RunSettings
from checker.errors import UsageError
from checker.records.submission import Submission

FILE = "extensions.csv"


def granted(
    settings: RunSettings, given: Path | None, out: Path, submitted: Sequence[Submission]
) -> tuple[RunSettings, tuple[str, ...]]:
    """Return the settings with the extensions in a file, or else in that of the output folder, where there is one; and
    who has an extension and has handed in nothing.

    Raises UsageError where the file makes no sense.
    """
    path = given or out / FILE
    if given is None and not path.is_file():
        return settings, ()
    deadline = settings.assignment.deadline
    if deadline is None:
        raise UsageError(f"{path}: the assignment has no deadline to extend.", "Give it one in its assignment.toml.")
    known = {one.name: (names.student(one.name), *_also(one)) for one in submitted}
    found = deadlines.grant(deadlines.read(files.content(path), deadline), known)
    return replace(settings, extensions=found.until), found.unknown


def _also(submission: Submission) -> tuple[str, ...]:
    who = submission.identity
    return who.name, who.email, who.number
