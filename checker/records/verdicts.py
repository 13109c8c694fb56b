"""Verdicts, stages, failures and results of rules."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    REFER = "REFER"


class Outcome(StrEnum):
    """What a rule came to. Who is SKIPPED says of itself that it does not apply; what is UNKNOWN could not be looked at
    for want of evidence; an ERROR is the rule's own."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"
    UNKNOWN = "unknown"


class Importance(StrEnum):
    REQUIRED = "required"
    ADVISORY = "advisory"


class Stage(StrEnum):
    """Where on its journey a submission was."""

    READING = "reading"
    EXECUTING = "executing"
    SELECTING = "selecting"
    TRACING = "tracing"
    RETRAINING = "retraining"
    JUDGING = "judging"


@record
@dataclass(frozen=True, kw_only=True)
class Failure:
    """Something that stopped the journey, in words for the student, and the verdict that it leads to.

    ``diverged``: how many of the trainings by seed gave no numbers, where this is the failure.
    """

    stage: Stage
    rationale: str
    help: str
    detail: str = ""
    cell: int | None = None
    verdict: Verdict = Verdict.FAIL
    diverged: int = 0


@record
@dataclass(frozen=True, kw_only=True)
class RuleResult:
    name: str
    sentence: str
    importance: Importance
    outcome: Outcome
    rationale: str = ""
    help: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()
