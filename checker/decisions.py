"""What demonstrators have decided: a CSV with a row for each student, which people fill in and no program overwrites.

A later batch only appends rows, for students who are new, and leaves every byte that is there as it is. A spreadsheet
may have saved the file with other separators or in another encoding; both are found out.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checker.errors import UsageError

FILE = "decisions.csv"
COLUMNS = ("student", "decision", "note", "by")
SEPARATORS = ",;\t"


class Decision(StrEnum):
    TICK = "tick"
    RESUBMIT = "resubmit"


@dataclass(frozen=True)
class Decided:
    """A student's row. ``decision`` is None where nobody has decided, or where ``problem`` says what is wrong."""

    decision: Decision | None
    note: str = ""
    by: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Sheet:
    text: str
    separator: str
    rows: tuple[dict[str, str], ...]
    columns: tuple[str, ...]


def extended(content: bytes, students: Sequence[str]) -> bytes:
    """Return the file with a row for each student; ``content`` is what it holds so far, b"" for nothing.

    Raises UsageError where it is not a table of decisions.
    """
    if not content.strip(b"\xef\xbb\xbf \r\n"):
        return ("\ufeff" + _lines([COLUMNS], ",") + _lines([(s, "", "", "") for s in students], ",")).encode()
    sheet = _sheet(content)
    known = {row["student"] for row in sheet.rows}
    new = [student for student in students if student not in known]
    if not new:
        return content
    rows = [[student if column == "student" else "" for column in sheet.columns] for student in new]
    ending = "" if sheet.text.endswith("\n") else "\n"
    return ("\ufeff" + sheet.text + ending + _lines(rows, sheet.separator)).encode()


def read(content: bytes) -> dict[str, Decided]:
    """Return each student's decision.

    Raises UsageError where the file is not a table of decisions.
    """
    found: dict[str, Decided] = {}
    for row in _sheet(content).rows:
        student, decided = row["student"], _decided(row)
        if student in found and found[student].decision != decided.decision:
            decided = Decided(None, problem="two rows that contradict each other")
        if student:
            found[student] = decided
    return found


def _decided(row: dict[str, str]) -> Decided:
    word = row["decision"].strip().casefold()
    note, by = row.get("note", ""), row.get("by", "")
    if word in tuple(Decision):
        return Decided(Decision(word), note, by)
    problem = f"“{row['decision']}” is neither tick nor resubmit" if word else ""
    return Decided(None, note, by, problem)


def _sheet(content: bytes) -> _Sheet:
    text = _decoded(content)
    for separator in SEPARATORS:
        lines = _lines_of(text, separator)
        columns = tuple(cell.strip().casefold() for cell in lines[0]) if lines else ()
        if {"student", "decision"} <= set(columns):
            rows = [dict(zip(columns, [*line, *[""] * len(columns)], strict=False)) for line in lines[1:] if line]
            return _Sheet(text, separator, tuple(rows), columns)
    raise UsageError(
        f"{FILE} has no columns student and decision, or has a cell that does not end.",
        f"Give it the first row {','.join(COLUMNS)} again, and look for a quotation mark without a partner.",
    )


def _lines_of(text: str, separator: str) -> list[list[str]]:
    """Return a table's cells; none where a quotation mark has no partner, for new rows would end in that cell."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return []


def _decoded(content: bytes) -> str:
    """Return the text without a byte order mark. What is not UTF-8 comes from a spreadsheet on Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _lines(rows: Iterable[Sequence[str]], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue()
