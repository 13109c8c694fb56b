"""What submissions are held to: the reference solution's own evidence, gathered on the same way as theirs.

It is kept in the user's cache, under a key of everything it depends on, so that it is gathered once. A
self-check needs no solution on the student's disk: it takes the scores that are committed with the assignment.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checker import submissions
from checker.assignment import folders
from checker.errors import AssignmentError, EvidenceError, UsageError
from checker.formats import files
from checker.judge import judgement
from checker.records.arrays import Array
from checker.records.codec import from_json, to_json
from checker.records.comparison import BaselineScores, ReferenceScores
from checker.records.gathered import Gathered
from checker.records.report import Report
from checker.records.settings import Course, Standard, Watch
from checker.records.submission import Submission
from checker.records.verdicts import Outcome, Verdict
from checker.run import check, keys, store
from checker.run.keys import evidence_keys
from checker.sandbox import Boxes
from checker.scoring import metrics, outputs, splits
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS


def reference_submission(course: Course) -> Submission:
    """Return the reference solution as a submission like any other.

    Raises AssignmentError where it is not there, as on a student's disk.
    """
    return _own(course, folders.SOLUTION, "reference")


def starter_submission(course: Course) -> Submission:
    """Return the hand-out as a submission like any other: what is handed in by whoever does nothing."""
    return _own(course, folders.STARTER, "hand-out")


def _own(course: Course, file: str, called: str) -> Submission:
    path = Path(course.assignment.folder, file)
    if not path.is_file():
        raise AssignmentError(f"{path.parent}: the file {path.name} is missing")
    found = submissions.find(path)[0]
    return replace(found, name=f"{called} {course.assignment.id}")


def examine(submission: Submission, course: Course, boxes: Boxes, watch: Watch, fresh: bool = False) -> Gathered:
    """Return the evidence of one of the assignment's own notebooks, for all seeds that may be asked for, from the cache
    where it is still valid."""
    folder, under = store.cache_folder(), evidence_keys(submission, course)
    name = f"{submission.name}-{under.all[:16]}"
    gathered = None if fresh else store.load(folder, name, under)
    if gathered is None:
        gathered = check.examine(submission, course, boxes, watch)
        if course.further and judgement.is_measured(gathered.evidence) and not gathered.evidence.replayed:
            gathered = check.train_further(gathered, submission, course, boxes, watch)
        store.save(folder, name, under, gathered)
    return gathered


def of_reference(reference: Gathered, course: Course) -> Standard:
    """Return the standard that the reference's evidence sets.

    Raises AssignmentError where the reference could not be retrained.
    """
    evidence = reference.evidence
    if evidence.failures or evidence.recipe is None or len(evidence.runs) != len(course.all_seeds):
        words = "; ".join(failure.rationale for failure in evidence.failures) or "it was not retrained"
        raise AssignmentError(f"{course.assignment.folder}: the reference solution fails: {words}")
    measure = METRICS[course.assignment.bar.metric].measure
    scores = {
        run.seed: measure(judgement.predictions(reference, run, course), judgement.true_labels(reference, run, course))
        for run in evidence.runs
    }
    given = {run.seed: outputs.by_row(judgement.predictions(reference, run, course)) for run in evidence.runs}
    if any(len(of) != len(held_out_rows(seed, course)) for seed, of in given.items()):
        raise AssignmentError(
            f"{course.assignment.folder}: the reference has no inputs for some rows of the data.",
            "Let the solution prepare all rows; those with gaps too.",
        )
    answer, known = evidence.answer, baseline_scores(course)
    by_seed = {name: dict(zip(course.all_seeds, of, strict=True)) for name, of in known.scores.items()}
    return Standard(
        scores,
        by_seed[course.assignment.bar.baseline],
        answer.architecture if answer else None,
        evidence.recipe,
        by_seed,
        given,
        {name: _unpacked(of, course.all_seeds, course) for name, of in known.outputs.items()},
    )


def baseline_scores(course: Course) -> BaselineScores:
    """Return what the traditional models of the task reach, from the cache where it is still valid."""
    assignment = course.assignment
    under = keys.key(
        *("baselines", repr((assignment.data, assignment.splits, assignment.bar.metric))),
        *(course.dataset.note.sha256, repr(course.all_seeds)),
    )
    path = store.cache_folder() / f"baselines-{under}.json"
    try:
        known = from_json(BaselineScores, path.read_bytes())
        for of in known.outputs.values():
            _unpacked(of, course.all_seeds, course)
        return known
    except (FileNotFoundError, EvidenceError):
        known = _train_baselines(course)
        files.write(path, to_json(known))
        return known


def _train_baselines(course: Course) -> BaselineScores:
    """Train each traditional model for each seed on all that is not held out."""
    from checker.run import baselines  # scikit-learn takes a second, for which what is in the cache need not wait

    task, metric, labels = course.assignment.task, METRICS[course.assignment.bar.metric], course.dataset.labels
    scores: dict[str, list[float]] = {name: [] for name in baselines.BASELINES[task]}
    given: dict[str, list[str]] = {name: [] for name in scores}
    for seed in course.all_seeds:
        part = splits.without_development(splits.split(course.dataset.strata, course.assignment.splits, seed))
        x = splits.handout_features(course.dataset.features, part.training)
        for name, of in scores.items():
            predicted = baselines.predict(task, name, x, labels, part.training, part.held_out)
            of.append(metric.measure(predicted, labels[part.held_out]))
            given[name].append(outputs.packed(outputs.by_row(predicted)))
    return BaselineScores(
        {name: tuple(of) for name, of in scores.items()}, {name: tuple(of) for name, of in given.items()}
    )


def _unpacked(texts: Sequence[str], seeds: Sequence[int], course: Course) -> dict[int, Array]:
    """Return outputs by seed; EvidenceError where they are not those of the seeds' held-out rows."""
    if len(texts) != len(seeds):
        raise EvidenceError("outputs by row are not those of all seeds")
    classes = len(course.assignment.data.classes)
    return {
        seed: outputs.unpacked(text, classes, len(held_out_rows(seed, course)))
        for seed, text in zip(seeds, texts, strict=True)
    }


def of_scores(course: Course) -> Standard:
    """Return the standard for a self-check, from the scores committed with the assignment."""
    for known in folders.scores(course.assignment):
        if known.dataset_sha256 == course.dataset.note.sha256 and known.seeds == course.seeds:
            return _as_standard(known, course)
    raise UsageError(
        f"The assignment has no reference scores for {course.dataset.note.name}.",
        f"Its author makes them with: checker reference {course.assignment.folder} --write-scores.",
    )


def _as_standard(known: ReferenceScores, course: Course) -> Standard:
    """Return committed scores as a standard, which knows no outputs by row where an older version wrote them."""
    scores, baselines = (dict(zip(known.seeds, of, strict=True)) for of in (known.scores, known.baselines))
    if not (known.outputs and known.baseline_outputs):
        return Standard(scores, baselines)
    try:
        given, theirs = (_unpacked(of, known.seeds, course) for of in (known.outputs, known.baseline_outputs))
    except EvidenceError as error:
        path = Path(course.assignment.folder, folders.SCORES)
        raise AssignmentError(f"{path}: {error.message}") from error
    return Standard(scores, baselines, outputs=given, baseline_outputs={course.assignment.bar.baseline: theirs})


def as_scores(standard: Standard, course: Course) -> ReferenceScores:
    """Return a standard's scores as they are committed."""
    theirs = standard.baseline_outputs[course.assignment.bar.baseline]
    return ReferenceScores(
        course.dataset.note.sha256,
        course.seeds,
        tuple(standard.scores[seed] for seed in course.seeds),
        tuple(standard.baselines[seed] for seed in course.seeds),
        tuple(outputs.packed(standard.outputs[seed]) for seed in course.seeds),
        tuple(outputs.packed(theirs[seed]) for seed in course.seeds),
    )


def require_sound(reference: Gathered, course: Course, standard: Standard) -> Report:
    """Return the reference's own report; AssignmentError where it does not pass its own assignment."""
    report = check.judge(reference, course, standard)
    broken = [f"{rule.name}: {rule.rationale}" for rule in report.rules if rule.outcome is Outcome.ERROR]
    if report.verdict is not Verdict.PASS or broken:
        words = "; ".join([*report.reasons, *broken])
        raise AssignmentError(f"{course.assignment.folder}: the reference does not pass its own rules: {words}")
    metric = metrics.find(course.assignment.bar.metric, course.assignment.bar.unit)
    mean, base = statistics.fmean(standard.scores.values()), statistics.fmean(standard.baselines.values())
    bar = metric.bar(course.assignment.bar, mean, base)
    if not metric.is_better(bar, base):
        side = "above" if metric.higher_is_better else "below"
        raise AssignmentError(
            f"{course.assignment.folder}: the bar ({metric.unit.value(bar)}) does not lie {side} "
            f"the baseline ({metric.unit.value(base)}).",
            f"Make bar.tolerance smaller, or the reference better; or say bar.baseline = "
            f'"{metrics.GUESSES[course.assignment.task]}", if a network need not outdo more than that.',
        )
    return report


def require_work(starter: Gathered, course: Course, standard: Standard) -> Report:
    """Return the report of the hand-out as it is; AssignmentError where whoever adds nothing to it does not fail."""
    report = check.judge(starter, course, standard)
    if report.verdict is not Verdict.FAIL:
        raise AssignmentError(
            f"{course.assignment.folder}: the hand-out without any work gets {report.verdict}: "
            f"{'; '.join(report.reasons)}",
            f"Take out of {folders.STARTER} what students are to do; or write a rule that it fails.",
        )
    return report


def seconds(gathered: Gathered) -> float:
    """Return how long a submission took, from the start of the first guest to the end of the second."""
    evidence = gathered.evidence
    return evidence.execution.wall_seconds + (evidence.retraining.wall_seconds if evidence.retraining else 0.0)
