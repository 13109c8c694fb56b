"""The entries of the store of decisions: demonstrators' decisions, marks for students' answers, and kept trials.

A student is named as in ``decisions.csv`` (``submissions.names.student``). Entries are only ever added. ``id`` grows
with each entry of a kind, over all students; ``at`` is the time in UTC, as ISO 8601.
"""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record


class Choice(StrEnum):
    """A person's decision. OPEN: an earlier decision was taken back."""

    TICK = "tick"
    RESUBMIT = "resubmit"
    ABSENT = "absent"
    SECOND_OPINION = "second opinion"
    OPEN = "open"


class Help(StrEnum):
    """The mark for a student's answer to a question."""

    ANSWERED = "answered"
    WITH_HELP = "with help"
    NOT = "not"


class Origin(StrEnum):
    """The origin of a decision. UNDO: the one before it was taken back at the desk. STALE: it was written into
    ``decisions.csv`` by somebody who had not seen a newer decision of the desk. It is kept and reported, but does not
    count."""

    DESK = "desk"
    UNDO = "by undo"
    HAND = "by hand"
    STALE = "by hand, without the newest"


@record
@dataclass(frozen=True, kw_only=True)
class DecisionEntry:
    """A decision. ``based_on``: the id of the newest decision that the person had seen, 0 for none. ``submission``: the
    SHA-256 of the file that it is about, "" if unknown."""

    id: int
    student: str
    choice: Choice
    note: str
    conditions: tuple[str, ...]
    by: str
    at: str
    based_on: int
    submission: str = ""
    origin: Origin = Origin.DESK


@record
@dataclass(frozen=True, kw_only=True)
class AnswerEntry:
    """A mark for a student's answer to a question; ``help`` is None if the mark was taken back."""

    id: int
    student: str
    question: str
    help: Help | None
    by: str
    at: str


@record
@dataclass(frozen=True, kw_only=True)
class KeptTrial:
    """A what-if that was kept: the variant and its result, both as JSON."""

    id: int
    student: str
    variant: str
    result: str
    by: str
    at: str


@record
@dataclass(frozen=True, kw_only=True)
class Saved:
    """A stored decision, and the newer ones that the person had not seen. All of them stay."""

    entry: DecisionEntry
    unseen: tuple[DecisionEntry, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class Erased:
    """Numbers of removed entries of a student."""

    decisions: int = 0
    answers: int = 0
    trials: int = 0
