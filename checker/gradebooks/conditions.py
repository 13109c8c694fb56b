"""Conditions of a decision: faults to mend before the tick, and whether the next submission has mended them.

A condition is one line of text. One that was offered from a failed rule ends with the rule's name in brackets: "The
network has no hidden layer. [test_hidden_layer]". It is met when that rule passes. So it is readable in a spreadsheet,
and stays the same when it comes back from one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from checker.formats.text import one_line
from checker.judge import causes
from checker.records.decisions import DecisionEntry
from checker.records.report import CauseKind, Report
from checker.records.verdicts import FailureCause, Importance, Outcome, RuleResult, Verdict
from checker.report import looks
from checker.source import absences

NAMED = re.compile(r"\s*\[(test_\w+)\]$")
"""The name of a rule at the end of a condition."""
LONGEST = 200
"""Maximum number of characters of the words that are offered for a failed rule."""
MOST_EARLIER = 8
"""Maximum number of earlier conditions that are offered again."""
SHORTEST = 2
"""Minimum number of letters and digits of a condition."""
RUNS = "It runs to its end."
SCORE = "The score reaches the bar."
BY_FAILURE = {
    FailureCause.NOTHING_TO_RUN: "A notebook or module is handed in.",
    FailureCause.UNREADABLE_UPLOAD: "The upload can be opened.",
    FailureCause.UNREADABLE_FILE: "The file can be read.",
    FailureCause.CUT_SHORT: RUNS,
    FailureCause.NO_ANSWER: "It trains a network with Keras.",
    FailureCause.NO_ANSWER_CUT_SHORT: RUNS,
    FailureCause.WAITS_FOR_INPUT: "It runs without waiting for input.",
    FailureCause.TRAINED_ELSEWHERE: "The code that trains the network is in the file.",
    FailureCause.WRONG_OUTPUTS: "The outputs of the network fit the task.",
    FailureCause.DIVERGED: "The training does not diverge.",
}
"""The condition for each failure that a new file can mend."""
BY_CAUSE = {
    CauseKind.FILE_CUT: RUNS,
    CauseKind.LABELS: "The labels are those of the data.",
    CauseKind.LEAK: "The target is not among the inputs.",
    CauseKind.TRAINING_CUT: "The training runs to its end.",
    CauseKind.CELL_FAILED: "No cell that the network needs fails.",
    CauseKind.ROWS: "No rows are left out.",
    CauseKind.LINEAR: "A hidden layer has an activation that is not linear.",
    CauseKind.UNSCALED: "The inputs are scaled.",
}
LACKING = {"file": "The file that it needs is handed in.", "module": "The module that it needs is handed in."}
BY_LOOK = {
    "Weights of unknown source": "The weights come from training with Keras on training rows.",
    "Not trained again": "The network is trained on the data alone.",
    "Rows not found in the data": "All rows that `fit` gets come from the data, each with its own label.",
    "Targets not recognised": "The file shows how the targets are made.",
    "Not repeatable": "Another training gives the same score.",
    "Suspicious inputs": "Each input is computed from its row alone, without class or target.",
}
"""The condition for each look, by its title, that a new file can answer."""
OWN_CODE_TITLE, OWN_CODE = "Own code in the network", " uses only its inputs and weights learnt here."
"""The look at a student's own code, and what ends its condition."""
OURS = frozenset({RUNS, SCORE, *BY_FAILURE.values(), *BY_CAUSE.values(), *LACKING.values(), *BY_LOOK.values()})
"""Conditions that are offered where a report leads with them, and nowhere else."""


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


def says_something(condition: str) -> bool:
    """Tell whether a condition is more than a single letter or sign."""
    return len(re.findall(r"\w", condition)) >= SHORTEST


def offered(report: Report, used: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the conditions to offer: the one that the report leads with, then one for each failed rule, required ones
    first, then earlier conditions that a demonstrator has typed."""
    failed = sorted(
        (rule for rule in report.rules if rule.outcome is Outcome.FAILED),
        key=lambda rule: rule.importance is not Importance.REQUIRED,
    )
    typed = (one for one in used if not (rule_of(one) or _is_ours(one)) and says_something(one))
    earlier = islice(typed, MOST_EARLIER)
    return tuple(dict.fromkeys(filter(None, [_leading(report, failed), *map(_from, failed), *earlier])))


def _is_ours(condition: str) -> bool:
    return condition in OURS or condition.endswith(OWN_CODE)


def _leading(report: Report, failed: Sequence[RuleResult]) -> str:
    """Return what the page asks of the student first, as a condition; "" if it asks nothing, or a rule says it."""
    if report.verdict is Verdict.PASS:
        return ""
    failure = next((one for one in report.failures if one.cause in BY_FAILURE), None)
    if failure is not None:
        missing = absences.named_in(failure.rationale) if failure.cause is FailureCause.NO_ANSWER else ""
        return LACKING[missing.partition(" ")[0]] if missing else BY_FAILURE[failure.cause]
    if report.cut_short:
        return RUNS
    if report.cause is not None:
        name = causes.SAME.get(report.cause.kind)
        return next((_from(rule) for rule in failed if rule.name == name), BY_CAUSE[report.cause.kind])
    if report.verdict is Verdict.REFER:
        return _looked_for(report)
    is_score = report.verdict is Verdict.FAIL and not any(one.importance is Importance.REQUIRED for one in failed)
    return SCORE if is_score else ""


def _looked_for(report: Report) -> str:
    """Return what the page asks a demonstrator to look for, as a condition; "" if a new file cannot answer it."""
    title = next(looks.all_of(report)).title
    if title != OWN_CODE_TITLE:
        return BY_LOOK.get(title, "")
    named = looks.NAMED.search(report.replayed)
    return f"{f'`{named[1]}`' if named else 'The own code'}{OWN_CODE}"


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
