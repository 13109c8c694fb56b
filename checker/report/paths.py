"""Paths of a submission's pages in the folder of results."""

from checker.formats import files
from checker.records.submission import Submission


def page_of(submission: Submission) -> str:
    """Return the path of a submission's page for demonstrators, relative to the output folder."""
    return f"reports/{files.slug(submission.name)}.html"


def student_page_of(submission: Submission) -> str:
    """Return the path of a submission's page for its student, relative to the output folder."""
    return f"students/{files.slug(submission.name)}.html"


def record_of(submission: Submission) -> str:
    """Return the path of a submission's whole report for other programs, relative to the output folder."""
    return f"reports/{files.slug(submission.name)}.json"
