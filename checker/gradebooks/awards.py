"""Return scores to platforms that take a number for each submission. Only a person's decision is returned.

As in Moodle's worksheet, a submission without a decision keeps its old score, whatever its verdict, and is listed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from checker.errors import UsageError
from checker.formats import sheets
from checker.formats.text import as_printed, one_line
from checker.gradebooks import nbgrader
from checker.gradebooks.autograders import Case, Result
from checker.gradebooks.decisions import Decided, Decision
from checker.gradebooks.moodle import Entry, Filled, Line, Outcome, Words, against, without_grade, without_submission
from checker.gradebooks.nbgrader import Grades, Row
from checker.records.report import Report
from checker.records.submission import Platform
from checker.submissions import names

SAID = {Decision.TICK: "Ticked.", Decision.RESUBMIT: "To be handed in again."}


@dataclass(frozen=True)
class Award:
    """A submission with a decision, and the result to return for it."""

    entry: Entry
    result: Result


@dataclass(frozen=True)
class Awards:
    """All results to return, and a line about each submission."""

    awards: tuple[Award, ...]
    lines: tuple[Line, ...]


def award(found: Sequence[Entry], decided: Mapping[str, Decided], platform: Platform, words: Words) -> Awards:
    """Return the results for a platform's own submissions.

    Raises UsageError if ``words`` hold no valid points.
    """
    tick, resubmit = _points(words.tick, 1.0, "--tick"), _points(words.resubmit, 0.0, "--resubmit")
    if tick <= 0:
        raise UsageError("A tick has to be worth something.", "Say --tick with a number above 0.")
    made, lines = [], []
    for entry in found:
        if problem := _elsewhere(entry, platform):
            lines.append(Line(Outcome.UNMATCHED, entry.name, problem))
            continue
        decision, line = _decision(entry, entry.name, decided)
        if decision is not None:
            score = tick if decision is Decision.TICK else resubmit
            made.append(Award(entry, _result(entry, decision, score, tick)))
            line = replace(line, words=f"{line.words}: {score:g}")
        lines.append(line)
    return Awards(tuple(made), (*lines, *without_submission(found, decided)))


def _elsewhere(entry: Entry, platform: Platform) -> str:
    """Return why a submission's result cannot go to a platform; "" if it can."""
    if entry.identity.platform is not platform:
        return f"it is from {entry.identity.platform or 'no platform'}"
    if platform is Platform.GRADESCOPE and not re.fullmatch(r"[0-9]+", entry.identity.number):
        return "its folder's name ends in no submission's number"
    return ""


def _points(text: str, default: float, option: str) -> float:
    points = sheets.number(text) if text else default
    if points is None or points < 0:
        raise UsageError(f"{option} {text}: a number from 0 on is needed here.")
    return points


def _decision(entry: Entry, who: str, decided: Mapping[str, Decided]) -> tuple[Decision | None, Line]:
    """Return a submission's decision, or None, and the line about it."""
    one = decided.get(names.student(entry.name), Decided(None))
    if left := without_grade(entry, who, one):
        return None, left
    assert one.decision is not None
    said = f"{one.decision}{f', by {one.by}' if one.by else ''}"
    return one.decision, Line(Outcome.FILLED, who, said, against(one.decision, entry))


# -- for autograders ---------------------------------------------------------------------------------------


def _result(entry: Entry, decision: Decision, score: float, most: float) -> Result:
    said = [SAID[decision]]
    if entry.report is not None:
        said += [f"What the checker found: {entry.verdict}.", *(f"- {one_line(r)}" for r in entry.report.reasons)]
    cases = _cases(entry.report) if entry.report else ()
    return Result(score, most, decision is Decision.TICK, "\n".join(said), cases)


def _cases(report: Report) -> tuple[Case, ...]:
    return tuple(
        Case(one_line(rule.sentence), rule.outcome, as_printed("\n".join(filter(None, (rule.rationale, rule.help)))))
        for rule in report.rules
    )


# -- nbgrader ----------------------------------------------------------------------------------------------


def fill(grades: Grades, found: Sequence[Entry], decided: Mapping[str, Decided], words: Words) -> Filled:
    """Write the decisions into nbgrader's table; return it with a line about every row and every submission."""
    raw, lines, back = {}, [], set()
    for row in grades.rows:
        entry = _match(row, grades, found)
        if entry is None:
            lines.append(Line(Outcome.ABSENT, f"{row.student} {row.assignment}", "nothing was handed in"))
            continue
        back.add(entry.name)
        line, points = _settle(row, entry, decided, words)
        lines.append(line)
        if points is not None:
            raw[row.line] = points
    lines += [
        Line(Outcome.UNMATCHED, entry.name, "there is no row for it in the table of grades")
        for entry in found
        if entry.name not in back
    ]
    return Filled(nbgrader.fill(grades, raw), (*lines, *without_submission(found, decided)), ())


def _match(row: Row, grades: Grades, found: Sequence[Entry]) -> Entry | None:
    """Return the student's submission for the row's assignment, or None. If the table has only one assignment, the
    submission need not name it."""
    for entry in found:
        who = entry.identity
        is_one = who.assignment == row.assignment or (not who.assignment and len(grades.assignments) == 1)
        if who.platform is Platform.NBGRADER and who.number == row.student and is_one:
            return entry
    return None


def _settle(row: Row, entry: Entry, decided: Mapping[str, Decided], words: Words) -> tuple[Line, float | None]:
    who = f"{row.student} {row.assignment}"
    decision, line = _decision(entry, who, decided)
    if decision is None:
        return line, None
    asked, default = (words.tick, row.maximum) if decision is Decision.TICK else (words.resubmit, 0.0)
    points = sheets.number(asked) if asked else default
    if problem := row.problem or _problem(row, decision, points):
        return Line(Outcome.LEFT, who, problem), None
    assert points is not None
    score = nbgrader.score(row, points)
    if sheets.number(row.score) == score:
        return replace(line, outcome=Outcome.KEPT, words=f"{line.words}: {score:g}"), None
    less = f" (nbgrader's penalty for lateness is {row.penalty:g})" if row.penalty else ""
    return replace(line, words=f"{line.words}: {row.score or 'nothing'} becomes {score:g}{less}"), points


def _problem(row: Row, decision: Decision, points: float | None) -> str:
    if points is None or points < 0:
        return "--tick and --resubmit must be numbers from 0 on, and the table tells no maximum"
    if decision is Decision.TICK and points == 0:
        return "its maximum is 0: say --tick"
    if row.maximum and points > row.maximum:
        return f"{points:g} is more than the maximum of {row.maximum:g}"
    return ""
