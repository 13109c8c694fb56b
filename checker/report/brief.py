"""A report in a few words: a single reason, short enough for the index on a phone."""

from checker.judge import blame
from checker.records.comparison import Comparison
from checker.records.report import Report
from checker.records.verdicts import Importance, Outcome, RuleResult, Verdict
from checker.report.looks import name_of
from checker.report.sentences import cause_name, failed, is_by_score, metric, missed_bar_briefly


def in_brief(report: Report) -> str:
    """Return the main reason for the verdict, in a few words."""
    for failure in report.failures:
        if blame.VERDICTS[failure.cause] is report.verdict:
            where = "" if failure.cell is None else f" (cell {failure.cell})"
            return f"{name_of(failure, report.execution.ending)}{where}"
    if report.cause is not None and report.verdict is not Verdict.PASS:
        return (missed_bar_briefly if is_by_score(report) else cause_name)(report, report.cause.kind)
    if report.verdict is Verdict.FAIL and (missed := failed(report, Importance.REQUIRED)):
        more = f", and {len(missed) - 1} more" if len(missed) > 1 else ""
        return f"{missed[0].short_name}{more}"
    if report.verdict is Verdict.REFER and (doubt := _doubt(report)):
        return doubt
    return _of_score(report.comparison, report.verdict) or "".join(report.reasons[:1])


def _doubt(report: Report) -> str:
    """Return the reason why a machine cannot decide, other than a failure or a score; "" if there is none."""
    if report.cut_short:
        return "Training cut short"
    if report.replayed:
        return "Own code in the network"
    if report.agreed is not None and report.agreed.differs:
        return "Retrained, it gives other results"
    is_unchecked = not report.failures and any(map(_is_unchecked, report.rules))
    return "A rule could not be checked" if is_unchecked else ""


def _is_unchecked(rule: RuleResult) -> bool:
    return rule.importance is Importance.REQUIRED and rule.outcome in (Outcome.ERROR, Outcome.UNKNOWN)


def _of_score(comparison: Comparison | None, verdict: Verdict) -> str:
    """Return the side of the bar on which the score lies, in words, if it led to the verdict."""
    if comparison is None:
        return ""
    measured = metric(comparison)
    bar = f"the bar of {measured.unit.value(comparison.bar)}"
    if verdict is Verdict.PASS:
        return f"{'Reaches' if measured.higher_is_better else 'Within'} {bar}"
    if verdict is Verdict.FAIL:
        if comparison.beats_baseline:
            return f"Misses {bar}"
        is_same = measured.unit.value(comparison.mean) == measured.unit.value(comparison.baseline_mean)
        return f"{'No better' if is_same else 'Worse'} than {comparison.baseline}"
    if comparison.is_borderline:
        return f"Too close to {bar}"
    if comparison.missing is not None and comparison.missing.strict is not None:
        return "Left out some rows"
    return "Inputs may give the answer away" if comparison.reaches_bar else ""
