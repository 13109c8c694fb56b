"""Submissions' names as tables of decisions have them."""

from checker.formats import files, text


def student(name: str) -> str:
    """Return a submission's name as decisions have it: one that a spreadsheet takes for a name and nothing more."""
    return name if name[:1].isalnum() and text.one_line(name) == name else files.slug(name)
