"""Demonstrators' decisions: a CSV with a row for each student, which people fill in and no program overwrites.

A later batch only appends rows for new students and leaves every existing byte unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from checker.errors import UsageError
from checker.formats import sheets
from checker.formats.sheets import Sheet

FILE = "decisions.csv"
COLUMNS = ("student", "decision", "note", "by")


class Decision(StrEnum):
    TICK = "tick"
    RESUBMIT = "resubmit"


@dataclass(frozen=True)
class Decided:
    """A student's row. ``decision`` is None if nobody has decided, or if the row is invalid (see ``problem``)."""

    decision: Decision | None
    note: str = ""
    by: str = ""
    problem: str = ""


def extended(content: bytes, students: Sequence[str]) -> bytes:
    """Return the file with a row for each student. ``content`` is the present file, b"" if there is none.

    Raises UsageError if it is not a table of decisions.
    """
    if not content.strip(b"\xef\xbb\xbf \r\n"):
        return ("\ufeff" + sheets.lines([COLUMNS, *((s, "", "", "") for s in students)], ",")).encode()
    sheet = _sheet(content)
    known = {row["student"] for row in sheet.rows}
    new = [student for student in students if student not in known]
    if not new:
        return content
    rows = [[student if column == "student" else "" for column in sheet.columns] for student in new]
    ending = "" if sheet.text.endswith("\n") else "\n"
    return ("\ufeff" + sheet.text + ending + sheets.lines(rows, sheet.separator)).encode()


def read(content: bytes) -> dict[str, Decided]:
    """Return each student's decision.

    Raises UsageError if the file is not a table of decisions.
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


def _sheet(content: bytes) -> Sheet:
    sheet = sheets.read(content, ("student", "decision"))
    if sheet is None:
        raise UsageError(
            f"{FILE} has no columns student and decision, or has a cell that does not end.",
            f"Give it the first row {','.join(COLUMNS)} again, and look for a quotation mark without a partner.",
        )
    return sheet
