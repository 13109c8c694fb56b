"""The index of a results folder as a record: a row for each submission, and the submissions under way."""

from dataclasses import dataclass

from checker.records.assignment import DatasetNote
from checker.records.codec import record
from checker.records.report import UnderWay
from checker.records.verdicts import Verdict


@record
@dataclass(frozen=True, kw_only=True)
class Row:
    """A submission in a few words.

    ``slug``: the name of its files. ``student``: its name in the table of decisions. ``sha256``: the checked file's
    hash. ``verdict``: None if the harness failed on it; then ``reason`` describes the failure. ``score_note``: why its
    score does not count as it stands, in a few words. ``required``, ``advised``: short names of the rules that it
    failed.
    """

    slug: str
    student: str
    name: str
    sha256: str = ""
    who: str = ""
    verdict: Verdict | None = None
    reason: str = ""
    score: str = ""
    score_note: str = ""
    required: tuple[str, ...] = ()
    advised: tuple[str, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class Roster:
    """All submissions of a folder, sorted by name. ``is_stopped``: submissions under way wait for another command."""

    schema: int
    title: str
    metric: str
    dataset: DatasetNote
    rows: tuple[Row, ...] = ()
    under_way: tuple[UnderWay, ...] = ()
    is_stopped: bool = False
