"""The pipeline of one submission, from its file to its report; read ``examine`` and ``judge`` from top to bottom.

``examine`` gathers evidence and runs both guests. ``judge`` is a function of the evidence and the assignment:
judging again runs no guest. If only the seeds leave the verdict open (``needs_further``), ``train_further`` adds to
the evidence, which is then judged once more.
"""

from dataclasses import replace
from pathlib import Path

from checker.assignment import folders
from checker.gather import answer, draw, execution, retraining
from checker.gather.executed import Executed, executed_of
from checker.gather.stages import Unanswered, evidence_of, retrained_of
from checker.judge import causes, claims, findings, own_run, questions, scores, training, verdict
from checker.judge.runs import compared_runs
from checker.judge.suspicion import suspicion
from checker.records.codec import SCHEMA_VERSION
from checker.records.evidence import Selection
from checker.records.gathered import Gathered
from checker.records.job import Progress
from checker.records.report import Report, StudentCell
from checker.records.settings import ReferenceResults, RunSettings, Watch
from checker.records.submission import Submission
from checker.records.verdicts import Stage
from checker.run import question_words, reproduction, rules
from checker.sandbox.boxes import Boxes
from checker.scoring import metrics
from checker.source import absences
from checker.submissions import choice, deadlines


def examine(submission: Submission, settings: RunSettings, boxes: Boxes, watch: Watch) -> Gathered:
    """Run a submission, find its answer, match its data, retrain it; return all evidence."""
    watch(Stage.STARTING, Progress(0, 1))
    boxes.students.warm()  # first and alone: the other box warms up while the student's code runs
    boxes.ours.get_ready()
    executed = execution.run(submission, settings, boxes.students, watch)
    return find_answer(executed, submission, settings, boxes, watch)


def answer_again(
    gathered: Gathered, submission: Submission, settings: RunSettings, boxes: Boxes, watch: Watch
) -> Gathered:
    """Find the answer again in a submission's evidence, and retrain it. The student's file does not run again."""
    boxes.ours.get_ready()
    return find_answer(executed_of(gathered), submission, settings, boxes, watch)


def find_answer(
    executed: Executed, submission: Submission, settings: RunSettings, boxes: Boxes, watch: Watch
) -> Gathered:
    """Find the answer in the result of a submission's run, match its data, retrain it."""
    watch(Stage.TRACING, Progress(0, 1))
    found = answer.find(executed, settings)
    if isinstance(found, Unanswered):
        return evidence_of(found, settings.seeds)
    file = execution.files_of(submission)[execution.file_of(executed.submission, submission)]
    settings = draw.drawn(found, settings)
    retrained = retraining.retrain(file, found, settings, boxes, watch)
    return evidence_of(retrained, settings.seeds)


def unread(submission: Submission, settings: RunSettings) -> Gathered:
    """Return the evidence of a submission without a file to run."""
    executed = execution.unread(submission)
    nothing = Unanswered(executed=executed, selection=Selection(None, "nothing was run"), failures=executed.failures)
    return evidence_of(nothing, settings.seeds)


def needs_further(report: Report, settings: RunSettings) -> bool:
    """Whether seeds not trained yet might decide an open verdict, or confirm the verdict of a replay's first seed."""
    if report.replayed:
        return report.further is None and len(report.runs) < len(settings.seeds) and verdict.wants_confirmation(report)
    hangs = verdict.hangs_on_seeds(report.failures, report.rules, report.comparison, report.replayed)
    return bool(settings.further) and report.further is None and hangs


def train_further(
    gathered: Gathered, submission: Submission, settings: RunSettings, boxes: Boxes, watch: Watch
) -> Gathered:
    """Train a submission's answer for the further seeds; return all evidence, earlier and new."""
    boxes.ours.get_ready()
    file = execution.files_of(submission)[execution.file_of(gathered.evidence.submission, submission)]
    before = retrained_of(gathered)
    done = len(before.runs)

    def count_on(stage: Stage, at: Progress) -> None:
        watch(stage, Progress(done + at.at, done + at.of))

    return evidence_of(retraining.train_further(before, file, settings, boxes, count_on), settings.seeds)


def judge(gathered: Gathered, settings: RunSettings, reference: ReferenceResults) -> Report:
    """Judge a submission from its evidence, and choose questions about it."""
    evidence, assignment = gathered.evidence, settings.assignment
    compared = scores.compare(gathered, settings, reference)
    runs = compared_runs(evidence, compared)
    recipe = training.recipe_of(evidence, runs, len(settings.dataset.labels))
    cut = training.cut_short(evidence, recipe, assignment.caps)
    exhibits = rules.Exhibits(
        assignment=assignment,
        dataset=settings.dataset.note,
        data_rows=len(settings.dataset.labels),
        notebook=evidence.cells,
        answer=evidence.answer,
        recipe=recipe,
        tracing=evidence.tracing,
        training=runs,
        comparison=compared,
    )
    results = rules.run(Path(assignment.folder, folders.RULES), exhibits)
    observations = findings.diagnose(evidence, compared, settings)
    cause = findings.cause_of(evidence, compared, observations, cut, assignment)
    said, results = causes.heard(observations, results, cause), causes.quieted(results, observations, cause)
    metric = metrics.find(assignment.bar.metric, assignment.bar.unit)
    agreed = own_run.agreed(gathered, compared, settings)
    replay = training.replay_in_words(evidence, compared, settings)
    about = (evidence.replayed, cut, cause, suspicion(gathered, compared, settings), agreed, replay)
    failures = own_run.failures(gathered, settings, reference)
    reached, reasons = verdict.decide(failures, results, compared, metric, *about)
    seen = (*evidence.cells, *([evidence.begun] if evidence.begun else []))
    own = {cell.index for cell in folders.own_cells(assignment, seen)}
    cells = tuple(StudentCell(cell, cell.index in own) for cell in seen)
    deadline, until = assignment.deadline, settings.extensions.get(evidence.submission.name)
    report = Report(
        schema=SCHEMA_VERSION,
        submission=evidence.submission,
        assignment=assignment.id,
        title=assignment.title,
        metric=assignment.bar.metric,
        unit=assignment.bar.unit,
        classes=assignment.data.classes,
        class_rows=findings.class_rows(settings),
        bar_on_all_rows=scores.bar_on_all_rows(settings, reference),
        verdict=reached,
        reasons=reasons,
        failures=failures,
        rules=results,
        comparison=compared,
        selection=evidence.selection,
        tracing=evidence.tracing,
        recipe=recipe,
        answer=evidence.answer,
        reference_architecture=reference.architecture,
        reference_recipe=reference.recipe,
        runs=runs,
        cells=cells,
        environment=evidence.environment,
        adaptations=(
            *choice.misnamed(evidence.submission),
            *absences.notes(evidence.cells, evidence.submission.companions),
            *evidence.adaptations,
        ),
        replayed=evidence.replayed,
        replay=replay,
        cut_short=cut,
        agreed=agreed,
        execution=evidence.execution,
        retraining=evidence.retraining,
        further=evidence.further,
        own_results=evidence.own_results,
        dataset=settings.dataset.note,
        reproduce=reproduction.command(evidence, settings),
        observations=said,
        cause=cause,
        claim=claims.claim_of(cells, evidence.answer, evidence.tracing, compared),
        timeliness=deadlines.hold_against(evidence.submission, deadline, until) if deadline else None,
    )
    return replace(report, questions=questions.choose(report, question_words.templates()))
