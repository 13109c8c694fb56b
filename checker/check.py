"""The journey of one submission, from its file to its report; read ``examine`` and ``judge`` from top to bottom.

``examine`` gathers evidence and runs both guests. ``judge`` is a function of the evidence and the assignment:
judging again runs nothing again. Where nothing but the seeds leaves the verdict open (``needs_further``),
``train_further`` adds to the evidence, and it is judged once more.
"""

from dataclasses import replace
from pathlib import Path

from checker import (
    assignments,
    causes,
    claims,
    deadlines,
    execution,
    judgement,
    metrics,
    questions,
    retraining,
    rules,
    tracing,
    verdict,
)
from checker.course import Course, Standard, Watch
from checker.records import SCHEMA_VERSION, Progress, Report, Stage, Submission
from checker.sandbox import Boxes
from checker.store import Gathered


def examine(submission: Submission, course: Course, boxes: Boxes, watch: Watch) -> Gathered:
    """Run a submission, find its answer, trace its data, retrain it; return all that was observed."""
    boxes.students.warm()  # first, and alone: the other box gets warm while the student's code runs
    boxes.ours.get_ready()
    ended, seen = execution.run(submission, course, boxes.students, watch)
    evidence = execution.evidence_of(submission, ended, seen, course)
    answer = evidence.answer
    if answer is None:
        return Gathered(execution.explain(evidence, seen, course), {})
    watch(Stage.TRACING, Progress(0, 1))
    names = (*course.assignment.data.features, course.assignment.data.target)
    traced = tracing.trace(answer, seen.arrays, course.dataset.features, course.dataset.labels, names)
    evidence = replace(execution.forgive_time(evidence), tracing=traced.tracing)
    return retraining.retrain(submission, evidence, answer, traced, course, boxes, watch)


def needs_further(report: Report, course: Course) -> bool:
    """Tell whether further seeds, not trained yet, might decide what these could not."""
    hangs = verdict.hangs_on_seeds(report.failures, report.rules, report.comparison, report.replayed)
    return bool(course.further) and report.further is None and hangs


def train_further(gathered: Gathered, course: Course, boxes: Boxes, watch: Watch) -> Gathered:
    """Train a submission's answer for the further seeds; return all that was observed, before and now."""
    boxes.ours.get_ready()
    return retraining.train_further(gathered, course, boxes, watch)


def judge(gathered: Gathered, course: Course, standard: Standard) -> Report:
    """Judge a submission from its evidence, and find questions about it."""
    evidence, assignment = gathered.evidence, course.assignment
    compared = judgement.compare(gathered, course, standard)
    runs = judgement.compared_runs(evidence, compared)
    recipe = judgement.recipe_of(evidence, runs, len(course.dataset.labels))
    cut = judgement.cut_short(evidence, recipe, assignment.caps)
    exhibits = rules.Exhibits(
        assignment=assignment,
        dataset=course.dataset.note,
        notebook=evidence.cells,
        answer=evidence.answer,
        recipe=recipe,
        tracing=evidence.tracing,
        training=runs,
        comparison=compared,
    )
    results = rules.run(Path(assignment.folder, assignments.RULES), exhibits)
    observations = judgement.diagnose(evidence, compared, course)
    cause = judgement.cause_of(evidence, compared, observations, cut, assignment)
    said, results = causes.heard(observations, results, cause), causes.quieted(results, observations, cause)
    metric = metrics.find(assignment.bar.metric, assignment.bar.unit)
    reached, reasons = verdict.decide(evidence.failures, results, compared, metric, evidence.replayed, cut, cause)
    cells = judgement.student_cells(evidence, assignment)
    deadline, until = assignment.deadline, course.extensions.get(evidence.submission.name)
    report = Report(
        schema=SCHEMA_VERSION,
        submission=evidence.submission,
        assignment=assignment.id,
        title=assignment.title,
        metric=assignment.bar.metric,
        unit=assignment.bar.unit,
        classes=assignment.data.classes,
        verdict=reached,
        reasons=reasons,
        failures=evidence.failures,
        rules=results,
        comparison=compared,
        selection=evidence.selection,
        tracing=evidence.tracing,
        recipe=recipe,
        answer=evidence.answer,
        reference_architecture=standard.architecture,
        reference_recipe=standard.recipe,
        runs=runs,
        cells=cells,
        environment=evidence.environment,
        adaptations=evidence.adaptations,
        replayed=evidence.replayed,
        cut_short=cut,
        execution=evidence.execution,
        retraining=evidence.retraining,
        further=evidence.further,
        dataset=course.dataset.note,
        reproduce=judgement.reproduce(evidence, course),
        observations=said,
        cause=cause,
        claim=claims.claim_of(cells, evidence.answer, evidence.tracing, compared),
        timeliness=deadlines.hold_against(evidence.submission, deadline, until) if deadline else None,
    )
    return replace(report, questions=questions.choose(report))
