"""How a demonstrator repeats a check."""

import shlex
from pathlib import Path

from checker.records.evidence import Evidence
from checker.records.settings import RunSettings


def command(evidence: Evidence, settings: RunSettings) -> str:
    """Return the command that does all this again; a student's file name in it may be pasted. Of the assignment's
    folder it holds the last two parts: in a project as it is handed out, these are the whole path."""
    data = (
        "--practice-data" if settings.dataset.note.practice else f"--data {shlex.quote(settings.assignment.data.file)}"
    )
    folder = shlex.quote(Path(*Path(settings.assignment.folder).parts[-2:]).as_posix())
    submission = evidence.submission
    file = shlex.quote(Path(submission.path).name)
    if submission.member or submission.failure:  # of many in one place
        file += f" --only {shlex.quote(submission.name)}"
    return f"checker batch {file} --assignment {folder} {data} --fresh"
