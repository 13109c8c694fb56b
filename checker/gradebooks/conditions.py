"""Conditions of a decision: faults to mend before the tick, and whether the next submission has mended them.

A condition is one line of text. One that was offered from a failed rule ends with the rule's name in brackets: "The
network has no hidden layer. [test_hidden_layer]". It is met when that rule passes. So it is readable in a spreadsheet,
and stays the same when it comes back from one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from checker.formats.text import one_line
from checker.records.decisions import DecisionEntry
from checker.records.report import Report
from checker.records.verdicts import Importance, Outcome, RuleResult

NAMED = re.compile(r"\s*\[(test_\w+)\]$")
"""The name of a rule at the end of a condition."""
LONGEST = 200
"""Maximum number of characters of the words that are offered for a failed rule."""


class State(StrEnum):
    """Whether a condition is met. OPEN: a person must judge, for lack of a rule or of its result."""

    MET = "met"
    NOT_MET = "not met"
    OPEN = "to judge"


@dataclass(frozen=True)
class Standing:
    """A condition, its words without the rule's name, whether it is met, and the rule's finding; "" for none."""

    condition: str
    words: str
    state: State
    finding: str = ""


def words(condition: str) -> str:
    """Return a condition's words, without the name of its rule."""
    return NAMED.sub("", condition)


def rule_of(condition: str) -> str:
    """Return the name of the rule that a condition was offered from; "" if it is free text."""
    found = NAMED.search(condition)
    return found[1] if found else ""


def offered(report: Report, used: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the conditions to offer: one for each failed rule, required ones first, then earlier conditions that name
    no rule."""
    failed = sorted(
        (rule for rule in report.rules if rule.outcome is Outcome.FAILED),
        key=lambda rule: rule.importance is not Importance.REQUIRED,
    )
    return tuple(dict.fromkeys([*map(_from, failed), *(one for one in used if not rule_of(one))]))


def _from(rule: RuleResult) -> str:
    asked = one_line(rule.sentence, LONGEST)
    return f"{asked} [{rule.name}]" if NAMED.search(f"[{rule.name}]") else asked


def standings(entry: DecisionEntry | None, report: Report | None) -> tuple[Standing, ...]:
    """Return the conditions of a student's latest decision with their states in the present report. ``report`` is None
    if there is no verdict; then a person judges all conditions."""
    results = {rule.name: rule for rule in report.rules} if report else {}
    return tuple(_standing(one, results.get(rule_of(one))) for one in (entry.conditions if entry else ()))


def _standing(condition: str, rule: RuleResult | None) -> Standing:
    said = words(condition)
    match rule.outcome if rule else None:
        case Outcome.PASSED:
            return Standing(condition, said, State.MET)
        case Outcome.FAILED:
            assert rule is not None
            return Standing(condition, said, State.NOT_MET, one_line(rule.finding))
    return Standing(condition, said, State.OPEN)
