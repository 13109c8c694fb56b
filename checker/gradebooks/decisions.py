"""Demonstrators' decisions: a CSV with a row for each student. People fill it in; no program overwrites their entries.

Where the desk has a store of decisions, ``exchange`` alone writes this file. Without one, a later batch only appends
rows for new students and leaves every existing byte unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from checker.errors import UsageError
from checker.formats import sheets
from checker.formats.sheets import Sheet
from checker.gradebooks import conditions

FILE = "decisions.csv"
COLUMNS = ("student", "decision", "note", "by")
CONTRADICTION = "two rows that contradict each other"


class Decision(StrEnum):
    TICK = "tick"
    RESUBMIT = "resubmit"
    ABSENT = "absent"
    SECOND_OPINION = "second opinion"

    @property
    def is_final(self) -> bool:
        """Whether the decision gives a grade; the others only state why there is none yet."""
        return self in (Decision.TICK, Decision.RESUBMIT)


@dataclass(frozen=True)
class Decided:
    """A student's row. ``decision`` is None if nobody has decided, or if the row is invalid (see ``problem``)."""

    decision: Decision | None
    note: str = ""
    by: str = ""
    problem: str = ""
    conditions: tuple[str, ...] = ()

    @property
    def for_student(self) -> str:
        """The note and the conditions, as the student reads them."""
        return "\n".join(filter(None, (self.note, *(f"- {conditions.words(one)}" for one in self.conditions))))


def extended(content: bytes, students: Sequence[str]) -> bytes:
    """Return the file with a row for each student. ``content`` is the present file, b"" if there is none.

    Raises UsageError if it is not a table of decisions.
    """
    if not content.strip(b"\xef\xbb\xbf \r\n"):
        return ("\ufeff" + sheets.lines([COLUMNS, *((s, "", "", "") for s in students)], ",")).encode()
    table = sheet(content)
    known = {row["student"] for row in table.rows}
    new = [student for student in students if student not in known]
    if not new:
        return content
    rows = [[student if column == "student" else "" for column in table.columns] for student in new]
    ending = "" if table.text.endswith("\n") else "\n"
    return ("\ufeff" + table.text + ending + sheets.lines(rows, table.separator)).encode()


def read(content: bytes) -> dict[str, Decided]:
    """Return each student's decision.

    Raises UsageError if the file is not a table of decisions.
    """
    found: dict[str, Decided] = {}
    for row in sheet(content).rows:
        student, decided = row["student"], _decided(row)
        if student in found and found[student].decision != decided.decision:
            decided = Decided(None, problem=CONTRADICTION)
        if student:
            found[student] = decided
    return found


def _decided(row: dict[str, str]) -> Decided:
    word = row["decision"].strip().casefold()
    note, by, asked = row.get("note", ""), row.get("by", ""), tuple(row.get("conditions", "").splitlines())
    if word in tuple(Decision):
        return Decided(Decision(word), note, by, conditions=asked)
    return Decided(None, note, by, unknown(row["decision"]) if word else "", asked)


def unknown(word: str) -> str:
    """Return a sentence about a word that is no decision."""
    return f"“{word}” is neither tick nor resubmit"


def sheet(content: bytes) -> Sheet:
    """Return the file as a table.

    Raises UsageError if it is not one of decisions.
    """
    found = sheets.read(content, ("student", "decision"))
    if found is None:
        raise UsageError(
            f"{FILE} has no columns student and decision, or has a cell that does not end.",
            f"Give it the first row {','.join(COLUMNS)} again, and look for a quotation mark without a partner.",
        )
    return found
