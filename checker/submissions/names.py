"""Submissions' names in tables of decisions."""

from checker.formats import files, text


def student(name: str) -> str:
    """Return a submission's name for tables of decisions; a spreadsheet can't take it for a formula."""
    return name if name[:1].isalnum() and text.one_line(name) == name else files.slug(name)
