"""The class as a list: the rows to show, the next student, and counts. Pure functions over rows and decisions."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from checker.desk.results import Class, folded
from checker.records.decisions import Choice, DecisionEntry
from checker.records.roster import Row
from checker.records.verdicts import Verdict

PAGE = 50
"""Maximum number of rows of an answer."""
LONGEST = 100
"""Maximum number of characters of a search."""

Decisions = Mapping[str, DecisionEntry]
"""The decision that counts, by the student's name in the table of decisions."""

VERDICTS = (*Verdict, "none")
STATES = {
    "": "all",
    "needed": "needs a decision",
    "decided": "decided",
    "conditions": "conditions open",
    "mine": "decided by me",
    **{choice.value: choice.value for choice in Choice if choice is not Choice.OPEN},
}
"""The states to filter a class by, each with its words."""


@dataclass(frozen=True)
class Wanted:
    """The search and filters for the class; "" for no restriction."""

    text: str = ""
    verdict: str = ""
    state: str = ""
    rule: str = ""

    @property
    def query(self) -> str:
        """The filters as a query string with its question mark; "" for the whole class."""
        given = {key: value for key, value in vars(self).items() if value}
        return f"?{urlencode(given, errors='replace')}" if given else ""


def wanted(query: Mapping[str, str]) -> Wanted:
    """Return the filters in an address. Invalid ones are ignored."""
    verdict, state = query.get("verdict", ""), query.get("state", "")
    return Wanted(
        query.get("text", "")[:LONGEST],
        verdict if verdict in VERDICTS else "",
        state if state in STATES else "",
        query.get("rule", "")[: 2 * LONGEST],
    )


def is_decided(decision: DecisionEntry | None) -> bool:
    """Tell whether there is a decision that was not taken back."""
    return decision is not None and decision.choice is not Choice.OPEN


def is_resubmitted(row: Row, decision: DecisionEntry | None) -> bool:
    """Tell whether a new file was handed in after a demonstrator asked for one."""
    if decision is None or decision.choice is not Choice.RESUBMIT:
        return False
    return bool(decision.submission and row.sha256) and decision.submission != row.sha256


def needs_decision(row: Row, decision: DecisionEntry | None, me: str) -> bool:
    """Tell whether a student waits for ``me``: for a decision, for a second opinion, or with a new file."""
    if decision is None or not is_decided(decision) or is_resubmitted(row, decision):
        return True
    return decision.choice is Choice.SECOND_OPINION and decision.by != me


def shown(of: Class, decisions: Decisions, want: Wanted, me: str) -> list[Row]:
    """Return the rows that match the filters, in the order of the class."""
    if want == Wanted():
        return list(of.roster.rows)
    words, fits = folded(want.text).split(), _fitting(want, decisions, me)
    return [row for row in of.roster.rows if all(word in of.searched[row.slug] for word in words) and fits(row)]


def _fitting(want: Wanted, decisions: Decisions, me: str) -> Callable[[Row], bool]:
    def fits(row: Row) -> bool:
        return (
            (not want.verdict or (row.verdict or "none") == want.verdict)
            and (not want.rule or want.rule in row.required or want.rule in row.advised)
            and (not want.state or _is_in_state(want.state, row, decisions.get(row.student), me))
        )

    return fits


def _is_in_state(state: str, row: Row, decision: DecisionEntry | None, me: str) -> bool:
    match state:
        case "needed":
            return needs_decision(row, decision, me)
        case "decided":
            return is_decided(decision)
        case "conditions":
            return decision is not None and decision.choice is not Choice.TICK and bool(decision.conditions)
        case "mine":
            return decision is not None and is_decided(decision) and decision.by == me
    return decision is not None and decision.choice == state


def next_after(
    rows: Sequence[Row], place: str, decisions: Decisions, me: str, looked_at: Collection[str] = ()
) -> Row | None:
    """Return the next student who waits for ``me`` and whom nobody else looks at. The search starts after ``place`` in
    the list and goes on at its beginning; None if no other student qualifies."""
    at = next((index for index, row in enumerate(rows) if row.slug == place), -1)
    for row in (*rows[at + 1 :], *rows[: max(at, 0)]):
        if row.slug not in looked_at and needs_decision(row, decisions.get(row.student), me):
            return row
    return None


def neighbours(rows: Sequence[Row], place: str) -> tuple[Row | None, Row | None]:
    """Return the rows before and after a student; None at an end of the list, and for a student who is not in it."""
    at = next((index for index, row in enumerate(rows) if row.slug == place), None)
    if at is None:
        return None, None
    return (rows[at - 1] if at else None), (rows[at + 1] if at + 1 < len(rows) else None)


@dataclass(frozen=True)
class Counts:
    """The class in numbers: students, those with a decision, and those with each choice, verdict and failed rule."""

    students: int
    decided: int
    choices: Mapping[str, int]
    verdicts: Mapping[str, int]
    rules: Mapping[str, int]


def counts(of: Class, decisions: Decisions) -> Counts:
    """Count the whole class."""
    found = [one for student, one in decisions.items() if student in of.by_student and is_decided(one)]
    return Counts(
        students=len(of.roster.rows),
        decided=len(found),
        choices=Counter(str(one.choice) for one in found),
        verdicts=of.verdicts,
        rules=of.rules,
    )
