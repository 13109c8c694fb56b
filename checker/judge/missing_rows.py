"""Held-out rows for which a submission has no inputs: how they differ from the others, and how they count. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from checker.judge import comparison, missingness
from checker.judge.runs import predictions
from checker.records.arrays import Array
from checker.records.assignment import Bar
from checker.records.comparison import Likeness, MissingRows, Standing
from checker.records.dataset import tenths
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.training import TrainingRun
from checker.scoring import metrics, outputs
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS


def known_rows(gathered: Gathered, settings: RunSettings) -> Array:
    """Return for each row of the data set (n,) whether a submission has inputs for it."""
    tracing = gathered.evidence.tracing
    if tracing is None or tracing.rows is None:
        return np.ones(len(settings.dataset.labels), dtype=bool)
    known = np.zeros(len(settings.dataset.labels), dtype=bool)
    known[gathered.array(tracing.rows)] = True
    return known


def missing_rows(known: Array, settings: RunSettings, reference: ReferenceResults) -> MissingRows | None:
    """Return which rows that some seed holds out have no inputs, and how they relate to the others; None if all rows
    have inputs.

    It covers all seeds that may be used, so further seeds do not change it.
    """
    held_out = {seed: held_out_rows(seed, settings) for seed in settings.all_seeds}
    rows = np.unique(np.concatenate(list(held_out.values())))
    missing = ~known[rows]
    if not missing.any():
        return None
    found = MissingRows(likeness=Likeness.UNKNOWN, missing=int(missing.sum()), rows=len(rows))
    if not _has_outputs(reference, settings):
        return found
    data, labels = settings.assignment.data, settings.dataset.labels
    errors = mean_errors(held_out, labels, reference)[rows]
    groups = settings.dataset.strata[rows]
    found = replace(found, likeness=missingness.likeness(missing, (groups, tenths(errors))))
    if found.likeness is not Likeness.UNLIKE:
        return found
    if missingness.is_uneven(groups, missing):
        unit = metrics.unit_of(settings.assignment.bar.unit)
        named = (
            missingness.by_band(labels[rows], missing, unit)
            if data.is_regression
            else missingness.by_class(labels[rows], missing, data.classes)
        )
        found = replace(found, groups=named)
    of_missing, of_known = (float(errors[of].mean()) for of in (missing, ~missing))
    if data.is_regression:
        return replace(found, reference_missing=math.sqrt(of_missing), reference_known=math.sqrt(of_known))
    return replace(found, reference_missing=1 - of_missing, reference_known=1 - of_known)


def _has_outputs(reference: ReferenceResults, settings: RunSettings) -> bool:
    theirs = reference.baseline_outputs.get(settings.assignment.bar.baseline, {})
    return all(seed in of for seed in settings.all_seeds for of in (reference.outputs, theirs))


def mean_errors(held_out: Mapping[int, Array], labels: Array, reference: ReferenceResults) -> Array:
    """Return the reference's error on each row of the data set (n,), averaged over the seeds that hold the row out; 0
    for rows that no seed holds out."""
    total, times = np.zeros(len(labels)), np.zeros(len(labels))
    for seed, rows in held_out.items():
        total[rows] += comparison.row_errors(reference.outputs[seed], labels[rows])
        times[rows] += 1
    return np.asarray(total / np.maximum(times, 1))


def on_known_rows(reference: ReferenceResults, known: Array, settings: RunSettings) -> ReferenceResults:
    """Return the reference's results on the held-out rows for which a submission has inputs."""
    metric, classes = METRICS[settings.assignment.bar.metric], len(settings.assignment.data.classes)
    chosen = {seed: known[held_out_rows(seed, settings)] for seed in settings.all_seeds}
    labels = {seed: settings.dataset.labels[held_out_rows(seed, settings)][of] for seed, of in chosen.items()}

    def scores(by_seed: Mapping[int, Array]) -> dict[int, float]:
        kept = {seed: outputs.as_predictions(by_seed[seed][of], classes) for seed, of in chosen.items() if of.any()}
        return {seed: metric.measure(of, labels[seed]) for seed, of in kept.items()}

    theirs = {name: scores(of) for name, of in reference.baseline_outputs.items()}
    shown = {name: of for name, of in theirs.items() if name in reference.all_baselines}
    deciding = theirs[settings.assignment.bar.baseline]
    return replace(reference, scores=scores(reference.outputs), baselines=deciding, all_baselines=shown)


def strict_standing(
    runs: Sequence[TrainingRun],
    gathered: Gathered,
    settings: RunSettings,
    reference: ReferenceResults,
    bar: Bar,
    known: Array,
    further: int,
) -> Standing:
    """Return the standing of the mean if rows without inputs count as wrong; in a regression, as if the mean of the
    training labels had been guessed for them."""
    metric, labels = METRICS[bar.metric], settings.dataset.labels
    own = []
    for run in runs:
        rows = held_out_rows(run.seed, settings)
        trained_on = known.copy()
        trained_on[rows] = False
        guess = float(labels[trained_on].mean()) if settings.assignment.data.is_regression else None
        given = predictions(gathered, run, settings)
        own.append(comparison.strict_score(metric, given, labels[rows], known[rows], guess))
    theirs, baselines = ([of[run.seed] for run in runs] for of in (reference.scores, reference.baselines))
    return comparison.stand(own, theirs, baselines, bar, settings.assignment.splits, further)
