"""Where a submission's pages lie in the folder of results."""

from checker.formats import files, text
from checker.records.submission import Submission


def page_of(submission: Submission) -> str:
    """Return a submission's page for demonstrators, relative to the output folder."""
    return f"reports/{files.slug(submission.name)}.html"


def student_page_of(submission: Submission) -> str:
    """Return a submission's page for whoever has handed it in, relative to the output folder."""
    return f"students/{files.slug(submission.name)}.html"


def student(name: str) -> str:
    """Return a submission's name as decisions have it: one that a spreadsheet takes for a name and nothing more."""
    return name if name[:1].isalnum() and text.one_line(name) == name else files.slug(name)
