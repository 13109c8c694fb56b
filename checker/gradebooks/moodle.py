"""Match rows of a Moodle worksheet to submissions, and fill in grades and notes. Only a demonstrator's decision gives a
grade. The student gets a note, as a feedback comment, only with a decision.

Rows and submissions match by the participant's number. Moodle assigns new numbers in each assignment, so the worksheet
of another assignment matches nobody. A team's submission has the group's number, which may also be an unrelated
participant's; its rows match by the group's name. So if the worksheet has names, they must agree too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from checker.formats import sheets
from checker.formats.text import counted
from checker.gradebooks import worksheets
from checker.gradebooks.decisions import Decided, Decision
from checker.gradebooks.worksheets import Row, Worksheet
from checker.records.report import Report
from checker.records.submission import Identity, Platform, Submission
from checker.records.verdicts import Verdict
from checker.report.tables import Results
from checker.submissions import names

ZERO = (
    "A grade of 0 is written for those who must hand in again. The newest versions of Moodle take 0 for no grade and "
    "leave such rows as they were: look at one of them after the upload, or use a scale."
)
BACKSLASH = (
    "The worksheet has a backslash before a quotation mark, which Moodle reads otherwise than it writes: look at the "
    "rows around it after the upload."
)

AGAINST: Mapping[tuple[str, str], str] = {
    (Decision.TICK, Verdict.FAIL): "ticked against FAIL",
    (Decision.RESUBMIT, Verdict.PASS): "resubmit against PASS",
}
"""Decisions that differ from the verdict."""

WAITS: Mapping[Decision | None, str] = {
    Decision.ABSENT: "the student was absent",
    Decision.SECOND_OPINION: "it waits for a second opinion",
}
"""Decisions that give no grade, in words."""


class Outcome(StrEnum):
    """Outcome for a row of the worksheet, or for a submission without a row."""

    FILLED = "filled"
    KEPT = "already so"
    LEFT = "left as it was"
    UNMATCHED = "not matched"
    ABSENT = "no submission"


@dataclass(frozen=True)
class Line:
    """Outcome for a row or a submission, in words. ``against``: how its decision differs from its verdict, or "".
    ``waits``: the decision, if it gives no grade."""

    outcome: Outcome
    who: str
    words: str
    against: str = ""
    waits: str = ""


@dataclass(frozen=True)
class Filled:
    """A filled worksheet, a line about each row or submission, and warnings about its upload."""

    content: bytes
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every submission has a row, and every such row its grade."""
        return all(line.outcome not in (Outcome.LEFT, Outcome.UNMATCHED) for line in self.lines)

    @property
    def has_match(self) -> bool:
        """Whether any submission has a row."""
        return any(line.outcome not in (Outcome.ABSENT, Outcome.UNMATCHED) for line in self.lines)


@dataclass(frozen=True)
class Words:
    """The grades to write for the decisions; "" for the best or the worst that the worksheet allows."""

    tick: str = ""
    resubmit: str = ""


@dataclass(frozen=True)
class Entry:
    """A submission whose result can go back to its platform."""

    name: str
    identity: Identity
    verdict: str
    report: Report | None = None


def entries(results: Results) -> list[Entry]:
    """Return all submissions of a batch, judged or not."""
    judged = [Entry(r.submission.name, r.submission.identity, str(r.verdict), r) for r in results.reports]
    return judged + [Entry(one.submission, one.identity, "unfinished") for one in results.unfinished]


def against(decision: Decision, entry: Entry) -> str:
    """Return how a decision differs from the submission's verdict; "" if it does not."""
    return AGAINST.get((decision, entry.verdict), "")


def without_grade(entry: Entry, who: str, one: Decided) -> Line | None:
    """Return the line about a submission that gets no grade; None if it gets one."""
    if one.decision is not None and one.decision.is_final:
        return None
    why = one.problem or WAITS.get(one.decision, "nobody has decided")
    return Line(Outcome.LEFT, who, f"{entry.verdict}, and {why}", waits=str(one.decision or ""))


# -- matching ----------------------------------------------------------------------------------------------


def match(sheet: Worksheet, found: Sequence[Entry]) -> dict[int, Entry | str]:
    """Return the submission of each line's student, or why the submission with the line's number is doubtful.

    Lines of students without a submission are left out.
    """
    from_moodle = [entry for entry in found if entry.identity.platform is Platform.MOODLE]
    numbers = {entry.identity.number: entry for entry in from_moodle if entry.identity.number}
    groups = {worksheets.clean(entry.identity.name): entry for entry in from_moodle}
    matched: dict[int, Entry | str] = {}
    for row in sheet.rows:
        team = groups.get(worksheets.clean(row.group)) if row.group else None
        entry = numbers.get(row.number)
        if team is not None:
            matched[row.line] = team
        elif entry is not None:
            matched[row.line] = _doubt(row, entry, sheet) or entry
    return matched


def with_times(submitted: Sequence[Submission], sheet: Worksheet) -> tuple[Submission, ...]:
    """Return submissions with their submission times, if the worksheet holds these."""
    matched = match(sheet, [Entry(one.name, one.identity, "") for one in submitted])
    times = {entry.name: row.submitted for row in sheet.rows if isinstance(entry := matched.get(row.line), Entry)}
    return tuple(
        replace(one, identity=replace(one.identity, submitted_at=times.get(one.name) or one.identity.submitted_at))
        for one in submitted
    )


def _doubt(row: Row, entry: Entry, sheet: Worksheet) -> str:
    """Return why a submission with the row's number may be another student's; "" if it is the row's."""
    told, label = worksheets.clean(entry.identity.name), worksheets.clean(row.label)
    name = worksheets.clean(row.name)
    is_blind = label == f"{told} {row.number}" or label == f"{told}{row.number}"
    if name and (told == name or told.endswith(f"-{name}")):
        return ""
    if sheet.has_groups:
        return "the worksheet is one of teams, and no submission is its team's"
    if is_blind or not sheet.has_names:
        return ""
    return f"the submission with this number is {entry.name}'s: is it the worksheet of this assignment?"


# -- the worksheet -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """The change of a row: the line about it, and the grade and the comment to write into it, "" for none."""

    line: Line
    grade: str = ""
    comment: str = ""


def fill(sheet: Worksheet, found: Sequence[Entry], decided: Mapping[str, Decided], words: Words) -> Filled:
    """Write the decisions and notes into a worksheet; return it with a line about every row and every submission."""
    matched = match(sheet, found)
    changes = {row.line: _settle(row, matched.get(row.line), decided, words, sheet) for row in sheet.rows}
    grades = {at: change.grade for at, change in changes.items() if change.grade}
    comments = {at: change.comment for at, change in changes.items() if change.comment}
    lines = [change.line for change in changes.values()]
    back = [entry for entry in matched.values() if isinstance(entry, Entry)]
    lines += [
        Line(Outcome.UNMATCHED, entry.name, "there is no row for it in the worksheet")
        for entry in found
        if entry not in back
    ]
    lines += without_submission(found, decided)
    filled = worksheets.fill(sheet, grades, comments if sheet.comments else {})
    return Filled(filled, tuple(lines), _warnings(sheet, grades, comments))


def without_submission(found: Sequence[Entry], decided: Mapping[str, Decided]) -> list[Line]:
    """Return a line about each decision without a submission."""
    handed_in = {names.student(entry.name) for entry in found}
    return [
        Line(Outcome.UNMATCHED, student, "there is a decision, but no such submission in these results")
        for student, one in decided.items()
        if student not in handed_in and (one.decision or one.problem)
    ]


def _settle(
    row: Row, entry: Entry | str | None, decided: Mapping[str, Decided], words: Words, sheet: Worksheet
) -> Change:
    who = " ".join(filter(None, (row.label, row.name)))
    if entry is None:
        return Change(Line(Outcome.ABSENT, who, "nothing was handed in"))
    if isinstance(entry, str):
        return Change(Line(Outcome.UNMATCHED, who, entry))
    one = decided.get(names.student(entry.name), Decided(None))
    if left := without_grade(entry, who, one):
        return Change(left)
    assert one.decision is not None
    if row.is_locked:
        return Change(Line(Outcome.LEFT, who, "its grade cannot be changed in Moodle"))
    grade = _grade(row, one.decision, words)
    if problem := _problem(row, grade):
        return Change(Line(Outcome.LEFT, who, problem))
    is_kept = _is_same(row.grade, grade)
    comment = worksheets.as_comment(one.for_student, sheet)
    comment = "" if comment == row.comment else comment
    said = f"{one.decision}{f', by {one.by}' if one.by else ''}: "
    said += grade if is_kept else f"{row.grade or 'nothing'} becomes {grade}"
    if comment and sheet.comments:
        said += ", with the note" if row.comment.strip(" -") == "" else ", with the note in place of the old comment"
    is_new = not is_kept or (comment and sheet.comments)
    line = Line(Outcome.FILLED if is_new else Outcome.KEPT, who, said, against(one.decision, entry))
    return Change(line, "" if is_kept else grade, comment)


def _grade(row: Row, decision: Decision, words: Words) -> str:
    """Return the grade for a decision: the maximum or 0, or the best or worst word of a scale; "" if unknown."""
    asked = words.tick if decision is Decision.TICK else words.resubmit
    if asked:
        return asked
    if len(row.scale) > 1:
        return row.scale[-1] if decision is Decision.TICK else row.scale[0]
    if row.maximum is None or row.maximum <= 0:
        return ""
    return f"{row.maximum:g}" if decision is Decision.TICK else "0"


def _problem(row: Row, grade: str) -> str:
    """Return why Moodle would reject a grade; "" if it would not."""
    points = sheets.number(grade)
    if not grade:
        return "the worksheet tells neither a maximum nor the words of a scale: say --tick and --resubmit"
    if len(row.scale) > 1:
        return "" if grade in row.scale else f"“{grade}” is no word of the scale ({', '.join(row.scale)})"
    if row.maximum is not None and (points is None or not 0 <= points <= row.maximum):
        return f"“{grade}” is no number from 0 to {row.maximum:g}"
    return ""


def _is_same(before: str, grade: str) -> bool:
    numbers = sheets.number(before), sheets.number(grade)
    return before == grade or (None not in numbers and numbers[0] == numbers[1])


def _warnings(sheet: Worksheet, grades: Mapping[int, str], comments: Mapping[int, str]) -> tuple[str, ...]:
    is_zero = any(sheets.number(grade) == 0 for grade in grades.values())
    is_odd = '\\"' in sheet.text
    sent = counted(len(comments), "note")
    said = (
        (ZERO, is_zero),
        (BACKSLASH, is_odd),
        (f"{sent} for students to read, in the worksheet's feedback comments.", comments and sheet.comments),
        (
            f"{sent} cannot go back, for the worksheet has no column of feedback comments: turn these on in the "
            "assignment's settings in Moodle, and download it again.",
            comments and not sheet.comments,
        ),
    )
    return tuple(words for words, is_so in said if is_so)
