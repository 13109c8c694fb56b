"""nbgrader's ``grades.csv``, as ``nbgrader export`` writes it: fill in scores without changing another byte.

nbgrader writes values without quotes, so a comma in a name shifts all later cells; such a row stays unchanged. As in
nbgrader, a score is the raw score minus the late penalty, and at least 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from checker.errors import UsageError
from checker.formats import sheets
from checker.formats.sheets import Cell, number

NEEDED = ("assignment", "student_id", "raw_score", "late_submission_penalty", "score", "max_score")


@dataclass(frozen=True)
class Row:
    """A student's row for an assignment. ``problem``: why it cannot be filled in, "" if it can."""

    line: int
    student: str
    assignment: str
    score: str
    maximum: float | None
    penalty: float
    problem: str = ""


@dataclass(frozen=True)
class Grades:
    """A table of grades. ``cells``: the cells of raw score and score, by line."""

    text: str
    encoding: str
    rows: tuple[Row, ...]
    cells: Mapping[int, tuple[Cell, Cell]]

    @property
    def assignments(self) -> set[str]:
        """The assignments that the rows are about."""
        return {row.assignment for row in self.rows}


def read(content: bytes) -> Grades:
    """Parse a table of grades.

    Raises UsageError if a required column is missing.
    """
    text, encoding = sheets.kept(content)
    lines = list(sheets.cells(text, ","))
    headings = [cell.value.strip() for cell in lines[0]] if lines else []
    if not set(NEEDED) <= set(headings):
        raise UsageError("This is no table of grades of nbgrader's.", "`nbgrader export` writes it as grades.csv.")
    at = {name: headings.index(name) for name in NEEDED}
    rows, cells = [], {}
    for line, found in enumerate(lines[1:], start=2):
        values = {name: found[column].value.strip() if column < len(found) else "" for name, column in at.items()}
        problem = "" if len(found) == len(headings) else f"it has {len(found)} cells, the headings are {len(headings)}"
        rows.append(_row(line, values, problem))
        if not problem:
            cells[line] = (found[at["raw_score"]], found[at["score"]])
    return Grades(text, encoding, tuple(rows), cells)


def _row(line: int, values: Mapping[str, str], problem: str) -> Row:
    return Row(
        line=line,
        student=values["student_id"],
        assignment=values["assignment"],
        score=values["score"],
        maximum=number(values["max_score"]),
        penalty=number(values["late_submission_penalty"]) or 0.0,
        problem=problem,
    )


def score(row: Row, raw: float) -> float:
    """Return the score that nbgrader gives for a raw score."""
    return max(0.0, raw - row.penalty)


def fill(grades: Grades, raw: Mapping[int, float]) -> bytes:
    """Return the table's bytes with these raw scores, by line, and the resulting scores; all else is unchanged."""
    new: list[tuple[Cell, str]] = []
    for row in grades.rows:
        if row.line in raw:
            points = raw[row.line]
            new += zip(grades.cells[row.line], (str(points), str(score(row, points))), strict=True)
    new.sort(key=lambda pair: pair[0].start)
    return sheets.replaced(grades.text, new).encode(grades.encoding)
