"""Verdicts, stages, failures and results of rules."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record

HAND_OUT = "Cells of the hand-out do not count."
"""The explanation of a rule about code that may also be in the hand-out; it says nothing where no cell is of it."""


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    REFER = "REFER"


class Outcome(StrEnum):
    """The result of a rule. SKIPPED: the rule says that it does not apply. UNKNOWN: it lacks evidence. ERROR: the rule
    itself failed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"
    UNKNOWN = "unknown"


class Importance(StrEnum):
    REQUIRED = "required"
    ADVISORY = "advisory"


class Stage(StrEnum):
    """The stage of a submission's journey."""

    READING = "reading"
    STARTING = "starting"
    EXECUTING = "executing"
    SELECTING = "selecting"
    TRACING = "tracing"
    RETRAINING = "retraining"
    JUDGING = "judging"


class FailureCause(StrEnum):
    """Why a submission's journey stopped."""

    NOTHING_TO_RUN = "nothing to run"
    UNREADABLE_UPLOAD = "unreadable upload"
    UNREADABLE_FILE = "unreadable file"
    CUT_SHORT = "cut short"
    NO_ANSWER = "no answer"
    NO_ANSWER_CUT_SHORT = "no answer, cut short"
    WAITS_FOR_INPUT = "waits for input"
    TRAINED_ELSEWHERE = "trained elsewhere"
    NOT_RETRAINED = "not retrained"
    RETRAINING_ENDED = "retraining ended"
    WRONG_OUTPUTS = "wrong outputs"
    DIVERGED = "diverged"
    DIVERGED_AFTER_LEARNING = "diverged after learning"


@record
@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failure that stopped the journey, in words for the student. ``judge.blame`` has the verdict of each cause."""

    stage: Stage
    cause: FailureCause
    rationale: str
    help: str
    detail: str = ""
    cell: int | None = None


@record
@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """The result of a rule. ``short``: a name for its failure in two to four words, "" if the rule's author gave
    none."""

    name: str
    sentence: str
    importance: Importance
    outcome: Outcome
    rationale: str = ""
    help: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()
    short: str = ""

    @property
    def finding(self) -> str:
        """The rule's finding, as a sentence: the failed assertion's message, or else that its sentence is not met."""
        has_message = self.rationale and not self.rationale.startswith("assert ")
        return self.rationale if has_message else f"Not met: {self.sentence}"

    @property
    def short_name(self) -> str:
        """The name of its failure in a table: ``short``, or else words made from the rule's name."""
        words = self.name.removeprefix("test_").replace("_", " ").strip()
        return self.short or f"Not met: {words}"
