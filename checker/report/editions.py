"""Two editions of a report: demonstrators get everything, students nothing confidential.

Both editions use the same templates, which show all that a report holds. So the student's edition is a report without
data that would help to copy the reference, tune to the grading or prepare answers. Data that is not in the report
cannot get onto a page or a terminal.
"""

import re
from dataclasses import replace

from checker.records.comparison import Comparison
from checker.records.job import Execution
from checker.records.report import Report
from checker.records.training import TrainingRun

_THEIRS = re.compile(r"(?:^|(?<=\. ))The (network|model|file)\b")
"""A sentence's beginning with the student's network, model or file."""


def for_students(report: Report) -> Report:
    """Return a report without the reference's network and recipe, held-out rows, seeds, questions, and direction:
    students find the direction themselves, or a demonstrator gives it to them. Positions in the list replace the seeds.
    Reasons address the student."""
    return replace(
        report,
        reference_architecture=None,
        reference_recipe=None,
        comparison=_without_seeds(report.comparison) if report.comparison else None,
        runs=tuple(_numbered(run, place) for place, run in enumerate(report.runs, start=1)),
        retraining=_without_output(report.retraining),
        further=_without_output(report.further),
        reproduce="",
        questions=(),
        direction=None,
        reasons=tuple(map(_to_them, report.reasons)),
        failures=tuple(replace(failure, rationale=_to_them(failure.rationale)) for failure in report.failures),
        rules=tuple(
            replace(rule, sentence=_own(rule.sentence), rationale=_to_them(rule.rationale)) for rule in report.rules
        ),
        cause=replace(report.cause, sentence=_to_them(report.cause.sentence)) if report.cause else None,
        replayed=_to_them(report.replayed),
    )


def _to_them(words: str) -> str:
    """Return words of the evidence, addressed to the student."""
    return _THEIRS.sub(r"Your \1", _own(words))


def _own(words: str) -> str:
    return words.replace("the student's own", "your own")


def _without_output(execution: Execution | None) -> Execution | None:
    return replace(execution, output_tail="") if execution else None


def _without_seeds(comparison: Comparison) -> Comparison:
    scores = (replace(score, seed=place) for place, score in enumerate(comparison.scores, start=1))
    return replace(comparison, scores=tuple(scores), sample=())


def _numbered(run: TrainingRun, place: int) -> TrainingRun:
    return replace(run, seed=place)
