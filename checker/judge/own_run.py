"""The student's own run beside the retraining: whether both agree, and how a diverged retraining counts. Pure."""

import statistics
from dataclasses import replace

import numpy as np

from checker.judge import agreement, plausibility
from checker.judge.runs import compared_runs
from checker.keras_spec import recipes, training_size
from checker.records.comparison import Agreed, Comparison
from checker.records.evidence import own_result_of
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, FailureCause
from checker.scoring import metrics, targets
from checker.scoring.held_out import held_out_split
from checker.scoring.metrics import METRICS


def agreed(gathered: Gathered, compared: Comparison | None, settings: RunSettings) -> Agreed | None:
    """Compare the answer as the student trained it with its retraining; None if it was not retrained."""
    evidence = gathered.evidence
    answer = evidence.answer
    if compared is None or answer is None:
        return None
    runs, own = compared_runs(evidence, compared), own_result_of(answer.id, evidence.own_results)
    trained = [_training_score(gathered, run, compared.metric, settings) for run in runs]
    known = [score for score in trained if score is not None]
    held_out = [score.score for score in compared.scores]
    found, note = agreement.of_results(own, known, held_out, compared.bar, compared.metric)
    fits = recipes.trainings(answer, training_size.enough_rows(len(settings.dataset.labels)))
    curves = agreement.of_curves(fits, runs)
    impossible = plausibility.doubt(answer, evidence.models, evidence.cells)
    result = Agreed(compared=found, note=note, curves=curves, impossible=impossible)
    if not result.differs:
        return result
    metric, differs = metrics.find(compared.metric, compared.unit), result.disagreement
    is_worse = differs is None or metric.is_better(differs.again, differs.own)
    return replace(result, cause=agreement.likely_cause(answer, evidence.recipe, evidence.tracing, is_worse))


def failures(gathered: Gathered, settings: RunSettings, reference: ReferenceResults) -> tuple[Failure, ...]:
    """Return a submission's failures. A diverged retraining goes to a demonstrator if the network had learned the task
    in the notebook."""
    return tuple(_unless_survived(failure, gathered, settings, reference) for failure in gathered.evidence.failures)


def _unless_survived(
    failure: Failure, gathered: Gathered, settings: RunSettings, reference: ReferenceResults
) -> Failure:
    evidence, bar = gathered.evidence, settings.assignment.bar
    answer = evidence.answer
    if failure.cause is not FailureCause.DIVERGED or answer is None:
        return failure
    metric = metrics.find(bar.metric, bar.unit)
    means = (statistics.fmean(of[seed] for seed in settings.seeds) for of in (reference.scores, reference.baselines))
    own = own_result_of(answer.id, evidence.own_results)
    if not agreement.survived(own, answer.fits, metric.bar(bar, *means), bar.metric):
        return failure
    before = "its training loss fell in the file"
    if own is not None and own.trained is not None:
        score = metric.unit.value(own.trained.score)
        before = f"on rows that it was trained on, {metric.name} was {score} in the file"
    wild = sum(not np.isfinite(gathered.array(run.predictions)).all() for run in evidence.runs)
    words = (
        f"Trained again, the network is not the file's: {before}, and {wild} of {len(evidence.runs)} retrainings "
        "ended in NaN. Likely cause: a learning rate at which other starting weights or other rows diverge."
    )
    return replace(failure, rationale=words, cause=FailureCause.DIVERGED_AFTER_LEARNING)


def _training_score(gathered: Gathered, run: TrainingRun, metric: str, settings: RunSettings) -> float | None:
    """Return a retraining's score on its own training rows; None if its outputs for them are unknown."""
    tracing, recipe = gathered.evidence.tracing, gathered.evidence.recipe
    if run.trained is None or tracing is None or tracing.rows is None or tracing.trainable is None or recipe is None:
        return None
    rows, trainable = gathered.array(tracing.rows), gathered.array(tracing.trainable)
    part = held_out_split(run.seed, recipe.development, rows, settings, trainable)
    given, labels = gathered.array(run.trained), settings.dataset.labels
    classes = len(settings.assignment.data.classes)
    if len(given) != len(part.training) or not len(given):
        return None
    if classes:
        return float(np.mean(given == labels[part.training]))
    if tracing.target is None or not np.isfinite(given).all():
        return None
    values = np.clip(targets.undo(tracing.target, given), labels.min(), labels.max())
    return METRICS[metric].measure(values, labels[part.training])
