"""The decisions that a demonstrator chooses from, on a report's page."""

from checker.formats import sheets
from checker.records.report import Report
from checker.records.verdicts import Failure, FailureCause, Verdict
from checker.submissions import names


def choices(report: Report) -> tuple[str, ...]:
    """Return the decisions to choose from; the likelier one first. If a limit ended the run before there was a network,
    there is nothing to tick."""
    if stopped(report) is not None:
        return ("resubmit",)
    return ("resubmit", "tick") if report.verdict is Verdict.FAIL else ("tick", "resubmit")


def rows(report: Report) -> str:
    """Return the choices as rows of the table of decisions."""
    student = names.student(report.submission.name)
    return sheets.lines([(student, decision, "", "") for decision in choices(report)], ",")


def stopped(report: Report) -> Failure | None:
    """Return the failure of a run that was cut short before it had a network; None for any other run."""
    cut = next((one for one in report.failures if one.cause is FailureCause.CUT_SHORT), None)
    return cut if report.answer is None else None
