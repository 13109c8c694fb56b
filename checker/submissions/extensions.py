"""Reads the lecturer's file of extensions and assigns them to submissions."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from checker.errors import UsageError
from checker.formats import files
from checker.records.submission import Submission
from checker.submissions import deadlines, names
from checker.submissions.deadlines import Granted

FILE = "extensions.csv"


def granted(deadline: datetime | None, given: Path | None, out: Path, submitted: Sequence[Submission]) -> Granted:
    """Return the extensions in the file ``given``, or else in ``extensions.csv`` in the output folder, if it exists.

    Raises UsageError if the file is malformed, or if the assignment has no deadline.
    """
    path = given or out / FILE
    if given is None and not path.is_file():
        return Granted({})
    if deadline is None:
        raise UsageError(f"{path}: the assignment has no deadline to extend.", "Give it one in its assignment.toml.")
    known = {one.name: (names.student(one.name), *_also(one)) for one in submitted}
    return deadlines.grant(deadlines.read(files.content(path), deadline), known)


def _also(submission: Submission) -> tuple[str, ...]:
    who = submission.identity
    return who.name, who.email, who.number
