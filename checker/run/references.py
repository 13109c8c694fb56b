"""The reference solution's evidence, gathered in the same way as the evidence of submissions.

It is stored in the user's cache, under a key of everything it depends on, so that it is gathered only once. A
self-check needs no solution on the student's disk: it uses the scores committed with the assignment.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checker.assignment import folders
from checker.assignment import scores as committed
from checker.errors import AssignmentError, EvidenceError, UsageError
from checker.formats import files
from checker.judge import runs
from checker.records.arrays import Array
from checker.records.codec import from_json, to_json
from checker.records.comparison import BaselineScores, ReferenceScores
from checker.records.gathered import Gathered
from checker.records.job import Progress
from checker.records.report import Report
from checker.records.settings import ReferenceResults, RunSettings, Watch, unwatched
from checker.records.submission import Submission
from checker.records.verdicts import Importance, Outcome, Stage, Verdict
from checker.run import bars, check, keys, store
from checker.run.keys import Keys, evidence_keys
from checker.sandbox.boxes import Boxes
from checker.scoring import outputs, splits
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS
from checker.submissions import choice

OWN_KIND = "none"
"""The kind of sandbox in the keys of the assignment's own notebooks. A batch runs the reference in one of its boxes,
other commands run it without a wall: the digits are the same, so one training serves all commands."""
TAKE_OUT = f"Take out of {folders.STARTER} what students are to do; or write a rule that it fails."
HOW_TO_MAKE_SCORES = "Its author makes them with: checker reference {} --write-scores."
BASELINES = ("checker.run.baselines", "checker.scoring")
"""Root modules of the code that computes the scores of traditional models."""


def reference_submission(settings: RunSettings) -> Submission:
    """Return the reference solution as a submission.

    Raises AssignmentError if it is missing, as on a student's disk.
    """
    return _own(settings, folders.SOLUTION, "reference")


def starter_submission(settings: RunSettings) -> Submission:
    """Return the unchanged hand-out as a submission."""
    return _own(settings, folders.STARTER, "hand-out")


def _own(settings: RunSettings, file: str, called: str) -> Submission:
    path = Path(settings.assignment.folder, file)
    if not path.is_file():
        raise AssignmentError(f"{path.parent}: the file {path.name} is missing")
    found = choice.find(path)[0]
    return replace(found, name=f"{called} {settings.assignment.id}")


def examine(submission: Submission, settings: RunSettings, boxes: Boxes, watch: Watch, fresh: bool = False) -> Gathered:
    """Return the evidence of one of the assignment's own notebooks for all seeds, further ones included; from the cache
    if it is still valid. If the cache has a run for other seeds, the notebook is not run again."""
    folder, under = store.cache_folder(), evidence_keys(submission, settings, OWN_KIND)
    name, name_of_run = _cached_as(submission, under), f"{submission.name}-run-{under.run[:16]}"
    gathered = None if fresh else store.load(folder, name, under)
    if gathered is None:
        ran = None if fresh else store.load_run(folder, name_of_run, under)
        if ran is not None:
            gathered = check.answer_again(ran, submission, settings, boxes, watch)
        else:
            gathered = check.examine(submission, settings, boxes, watch)
            store.save(folder, name_of_run, under, gathered)
        if settings.further and runs.is_measured(gathered.evidence) and not gathered.evidence.replayed:
            gathered = check.train_further(gathered, submission, settings, boxes, watch)
        store.save(folder, name, under, gathered)
    return gathered


def require_trained(reference: Gathered, settings: RunSettings) -> None:
    """Raise AssignmentError if the reference could not be retrained for all seeds."""
    evidence = reference.evidence
    if evidence.failures or evidence.recipe is None or len(evidence.runs) != len(settings.all_seeds):
        words = "; ".join(failure.rationale for failure in evidence.failures) or "it was not retrained"
        raise AssignmentError(f"{settings.assignment.folder}: the reference solution fails: {words}")


def of_reference(reference: Gathered, settings: RunSettings, known: BaselineScores) -> ReferenceResults:
    """Return the results of the reference, from its evidence, with those of traditional models.

    Raises AssignmentError if the reference could not be retrained, or has no inputs for some rows of the data.
    """
    require_trained(reference, settings)
    evidence = reference.evidence
    measure = METRICS[settings.assignment.bar.metric].measure
    scores = {
        run.seed: measure(runs.predictions(reference, run, settings), runs.true_labels(reference, run, settings))
        for run in evidence.runs
    }
    given = {run.seed: outputs.by_row(runs.predictions(reference, run, settings)) for run in evidence.runs}
    if any(len(of) != len(held_out_rows(seed, settings)) for seed, of in given.items()):
        raise AssignmentError(
            f"{settings.assignment.folder}: the reference has no inputs for some rows of the data.",
            "Let the solution prepare all rows; those with gaps too.",
        )
    answer = evidence.answer
    by_seed = {name: dict(zip(settings.all_seeds, of, strict=True)) for name, of in known.scores.items()}
    return ReferenceResults(
        scores=scores,
        baselines=by_seed[settings.assignment.bar.baseline],
        architecture=answer.architecture if answer else None,
        recipe=evidence.recipe,
        all_baselines=by_seed,
        outputs=given,
        baseline_outputs={name: _unpacked(of, settings.all_seeds, settings) for name, of in known.outputs.items()},
    )


def baseline_scores(settings: RunSettings, watch: Watch = unwatched, only: str = "") -> BaselineScores:
    """Return the scores and outputs of the task's traditional models, or of one only; from the cache if they are still
    valid. ``watch`` gets the progress of their training."""
    assignment = settings.assignment
    under = keys.key(
        BASELINES,
        repr((assignment.data, assignment.splits, assignment.bar.metric)),
        settings.dataset.note.sha256,
        repr(settings.all_seeds),
        only,
    )
    path = store.cache_folder() / f"baselines-{under}.json"
    try:
        known = from_json(BaselineScores, path.read_bytes())
        for of in known.outputs.values():
            _unpacked(of, settings.all_seeds, settings)
        return known
    except (FileNotFoundError, EvidenceError):
        known = _train_baselines(settings, watch, only)
        files.write(path, to_json(known))
        return known


def _train_baselines(settings: RunSettings, watch: Watch, only: str) -> BaselineScores:
    """Train each traditional model, or one only, for each seed on all rows that are not held out."""
    from checker.run import baselines  # importing scikit-learn takes a second, which a cache hit saves

    task, metric, labels = settings.assignment.task, METRICS[settings.assignment.bar.metric], settings.dataset.labels
    scores: dict[str, list[float]] = {name: [] for name in baselines.BASELINES[task] if only in ("", name)}
    given: dict[str, list[str]] = {name: [] for name in scores}
    for done, seed in enumerate(settings.all_seeds):
        watch(Stage.RETRAINING, Progress(done, len(settings.all_seeds)))
        part = splits.without_development(splits.split(settings.dataset.strata, settings.assignment.splits, seed))
        x = splits.handout_features(settings.dataset.features, part.training)
        for name, of in scores.items():
            predicted = baselines.predict(task, name, x, labels, part.training, part.held_out)
            of.append(metric.measure(predicted, labels[part.held_out]))
            given[name].append(outputs.packed(outputs.by_row(predicted)))
    return BaselineScores(
        {name: tuple(of) for name, of in scores.items()}, {name: tuple(of) for name, of in given.items()}
    )


def _unpacked(texts: Sequence[str], seeds: Sequence[int], settings: RunSettings) -> dict[int, Array]:
    """Return outputs by seed. Raises EvidenceError if they do not match the seeds and their held-out rows."""
    if len(texts) != len(seeds):
        raise EvidenceError("outputs by row are not those of all seeds")
    classes = len(settings.assignment.data.classes)
    return {
        seed: outputs.unpacked(text, classes, len(held_out_rows(seed, settings)))
        for seed, text in zip(seeds, texts, strict=True)
    }


def of_scores(settings: RunSettings) -> ReferenceResults:
    """Return the reference's results for a self-check, from the scores committed with the assignment."""
    assignment = settings.assignment
    for known in folders.scores(assignment):
        if known.dataset_sha256 == settings.dataset.note.sha256 and known.seeds == settings.seeds:
            if known.key and not committed.fit(known, assignment):
                raise UsageError(
                    f"The reference scores in {assignment.folder} are those of another solution or of other settings.",
                    HOW_TO_MAKE_SCORES.format(assignment.folder),
                )
            return _as_results(known, settings)
    raise UsageError(
        f"The assignment has no reference scores for {settings.dataset.note.name}.",
        HOW_TO_MAKE_SCORES.format(assignment.folder),
    )


def _as_results(known: ReferenceScores, settings: RunSettings) -> ReferenceResults:
    """Return committed scores as results. They have no outputs by row if an older version wrote them."""
    scores, baselines = (dict(zip(known.seeds, of, strict=True)) for of in (known.scores, known.baselines))
    if not (known.outputs and known.baseline_outputs):
        return ReferenceResults(scores=scores, baselines=baselines)
    try:
        given, theirs = (_unpacked(of, known.seeds, settings) for of in (known.outputs, known.baseline_outputs))
    except EvidenceError as error:
        path = Path(settings.assignment.folder, folders.SCORES)
        raise AssignmentError(f"{path}: {error.message}") from error
    return ReferenceResults(
        scores=scores, baselines=baselines, outputs=given, baseline_outputs={settings.assignment.bar.baseline: theirs}
    )


def as_scores(results: ReferenceResults, settings: RunSettings) -> ReferenceScores:
    """Return the results' scores in the form in which they are committed."""
    theirs = results.baseline_outputs[settings.assignment.bar.baseline]
    solution = committed.solution_sha256(settings.assignment)
    return ReferenceScores(
        dataset_sha256=settings.dataset.note.sha256,
        seeds=settings.seeds,
        scores=tuple(results.scores[seed] for seed in settings.seeds),
        baselines=tuple(results.baselines[seed] for seed in settings.seeds),
        outputs=tuple(outputs.packed(results.outputs[seed]) for seed in settings.seeds),
        baseline_outputs=tuple(outputs.packed(theirs[seed]) for seed in settings.seeds),
        solution_sha256=solution,
        key=committed.key_of(settings.assignment, settings.seeds, settings.dataset.note.sha256, solution),
    )


def is_known(submission: Submission, settings: RunSettings) -> bool:
    """Tell whether the cache has the evidence of one of the assignment's own notebooks for all seeds."""
    under = evidence_keys(submission, settings, OWN_KIND)
    return store.load(store.cache_folder(), _cached_as(submission, under), under) is not None


def _cached_as(submission: Submission, under: Keys) -> str:
    return f"{submission.name}-{under.all[:16]}"


def require_rules(reference: Gathered, settings: RunSettings, results: ReferenceResults) -> None:
    """Raise AssignmentError if the reference fails a required rule, or breaks a rule, whatever its scores are."""
    found = check.judge(reference, settings, results).rules
    broken = [
        f"{rule.name}: {rule.rationale}"
        for rule in found
        if rule.outcome is Outcome.ERROR or (rule.outcome is Outcome.FAILED and rule.importance is Importance.REQUIRED)
    ]
    if broken:
        words = "; ".join(broken)
        raise AssignmentError(f"{settings.assignment.folder}: the reference does not pass its own rules: {words}")


def write_scores(results: ReferenceResults, settings: RunSettings) -> Path:
    """Write the scores on this data set into the assignment's folder; keep those on other data."""
    assignment, digest = settings.assignment, settings.dataset.note.sha256
    others = [known for known in folders.scores(assignment) if known.dataset_sha256 != digest]
    path = Path(assignment.folder, folders.SCORES)
    files.write(path, to_json((*others, as_scores(results, settings)), indent=2))
    return path


def require_sound(reference: Gathered, settings: RunSettings, results: ReferenceResults) -> Report:
    """Return the reference's report. Raises AssignmentError if it does not pass its own assignment."""
    mean, base = (statistics.fmean(of.values()) for of in (results.scores, results.baselines))
    bars.require(settings, mean, base)
    report = check.judge(reference, settings, results)
    broken = [f"{rule.name}: {rule.rationale}" for rule in report.rules if rule.outcome is Outcome.ERROR]
    if report.verdict is not Verdict.PASS or broken:
        words = "; ".join([*report.reasons, *broken])
        raise AssignmentError(
            f"{settings.assignment.folder}: with {bars.seeds_in_words(settings)}, the reference does not pass its own "
            f"rules: {words}"
        )
    return report


def require_work(starter: Gathered, settings: RunSettings, results: ReferenceResults) -> Report:
    """Return the report of the unchanged hand-out. Raises AssignmentError if its verdict is not FAIL."""
    report = check.judge(starter, settings, results)
    if report.verdict is not Verdict.FAIL:
        raise AssignmentError(
            f"{settings.assignment.folder}: the hand-out without any work gets {report.verdict}: "
            f"{'; '.join(report.reasons)}",
            TAKE_OUT,
        )
    return report


def seconds(gathered: Gathered) -> float:
    """Return the wall-clock seconds of a submission's run and its retraining."""
    evidence = gathered.evidence
    return evidence.execution.wall_seconds + (evidence.retraining.wall_seconds if evidence.retraining else 0.0)
