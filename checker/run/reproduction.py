"""The command with which a demonstrator repeats a check."""

import shlex
from pathlib import Path

from checker.records.evidence import Evidence
from checker.records.settings import RunSettings


def command(evidence: Evidence, settings: RunSettings) -> str:
    """Return the command that repeats a check. A student's file name is quoted, so that it is safe to paste. Only the
    last two parts of the assignment's folder appear: in a project as handed out, these are the whole path."""
    data = (
        "--practice-data" if settings.dataset.note.practice else f"--data {shlex.quote(settings.assignment.data.file)}"
    )
    folder = shlex.quote(Path(*Path(settings.assignment.folder).parts[-2:]).as_posix())
    submission = evidence.submission
    file = shlex.quote(Path(submission.path).name)
    if submission.member or submission.failure:  # the path may hold many submissions
        file += f" --only {shlex.quote(submission.name)}"
    return f"checker batch {file} --assignment {folder} {data} --fresh"
