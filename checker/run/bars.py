"""Checks that an assignment's bar can be met, so is better than the baseline, and advises on changes if not."""

from checker.assignment import lines
from checker.errors import AssignmentError
from checker.records.assignment import Assignment
from checker.records.settings import RunSettings
from checker.scoring import metrics


def require(settings: RunSettings, reference: float, baseline: float) -> None:
    """Raise AssignmentError if the bar that follows from these means is no better than the baseline."""
    if problem := problem_of(settings.assignment, reference, baseline):
        words = f"{settings.assignment.folder}: with {seeds_in_words(settings)}, {problem}"
        raise AssignmentError(words, advice(settings.assignment, reference, baseline))


def problem_of(assignment: Assignment, reference: float, baseline: float) -> str:
    """Return a sentence if the bar, or even the reference, is no better than the baseline; "" if both are better."""
    bar, metric = assignment.bar, metrics.find(assignment.bar.metric, assignment.bar.unit)
    write, at_bar = metric.unit.value, metric.bar(bar, reference, baseline)
    if metric.is_better(at_bar, baseline):
        return ""
    side = "above" if metric.higher_is_better else "below"
    theirs = f"that of the baseline ({bar.baseline.replace('_', ' ')}: {write(baseline)})"
    if metric.is_better(reference, baseline):
        return f"the bar ({write(at_bar)}) does not lie {side} {theirs.removeprefix('that of ')}."
    return f"the reference's {metric.name} ({write(reference)}) does not lie {side} {theirs}, nor can the bar."


def advice(assignment: Assignment, reference: float, baseline: float) -> str:
    """Return advice on the line to change so that the bar can be met."""
    metric, guess = metrics.find(assignment.bar.metric, assignment.bar.unit), metrics.GUESSES[assignment.task]
    words = "Make the reference better."
    if metric.is_better(reference, baseline):
        words = f"Make the reference better, or the tolerance smaller: {lines.place(assignment, 'bar', 'tolerance')}."
    if assignment.bar.baseline == guess:
        return words
    return (
        f'{words} Or say "{guess}", if a network need not outdo more than that: '
        f"{lines.place(assignment, 'bar', 'baseline')}."
    )


def seeds_in_words(settings: RunSettings) -> str:
    """Return the seeds of the assignment that a run uses, in words."""
    if settings.seeds == settings.assignment.seeds.self_check:
        return "the seeds of self-checks (seeds.self_check)"
    return f"the seeds of the grading (seeds.grading{' and seeds.further' if settings.further else ''})"
