"""Scores of predictions by the checker's own labels, the gap to the reference, and its uncertainty. Pure.

Theory of operation: whether a network is worse than the reference by more than the tolerance is a question of
non-inferiority. Student's t test answers it on the differences to the reference, paired by seed, with the standard
error of Nadeau and Bengio. Held-out rows of one seed are training rows of another, so the seeds' scores are not
independent, and the plain standard error is too small. A single wild seed makes that error large, even if it lies on
the same side as all others. So with further seeds there is a second way to a decision: all seeds lie on one side, each
compared with its own bar, the reference's score for that seed less the tolerance. The probability of that by chance
depends on the correlation between seeds. It is computed for the correlation at which the correction above is exact.
``docs/judgement.md`` has the sources and the error rates.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy

from checker.records.arrays import Array
from checker.records.assignment import Bar, SplitPlan
from checker.records.comparison import Baseline, Comparison, Measurement, SeedScore, Standing
from checker.records.training import TrainingRun
from checker.scoring import metrics
from checker.scoring.metrics import METRICS, Metric

SECOND_LOOK = 0.65
"""Fraction of alpha used for the second look, with further seeds, so that both looks together stay within alpha."""
PLAUSIBLE = 1 / 3
"""An error below this share of the smallest error of the reference and the traditional models is implausible: its
inputs must give the target away.
"""
SAMPLE = 600
"""Number of rows of a regression that are kept for charts."""


def compare(
    runs: Sequence[TrainingRun],
    predictions: Mapping[int, Array],
    labels: Mapping[int, Array],
    reference: Mapping[int, float],
    baseline: Mapping[int, float],
    bar: Bar,
    plan: SplitPlan,
    classes: int,
    further: int = 0,
) -> Comparison:
    """Compare a submission with the reference; ``predictions``, ``labels`` and the scores are keyed by seed.

    Predictions are in the form that the bar's metric takes. ``classes``: their number, 0 for a regression. ``further``:
    the number of runs that were added because the others could not decide.
    """
    metric = metrics.find(bar.metric, bar.unit)
    pairs = [(predictions[run.seed], labels[run.seed]) for run in runs]
    own = [metric.measure(*pair) for pair in pairs]
    theirs = [reference[run.seed] for run in runs]
    baselines = [baseline[run.seed] for run in runs]
    stands = stand(own, theirs, baselines, bar, plan, further)
    error = standard_error(np.subtract(own, theirs), overlap(plan))
    ahead = np.asarray(stands.mean - stands.bar if metric.higher_is_better else stands.bar - stands.mean)
    return Comparison(
        metric=bar.metric,
        scores=tuple(SeedScore(run.seed, *of) for run, *of in zip(runs, own, theirs, baselines, strict=True)),
        mean=stands.mean,
        spread=_deviation(own),
        reference_mean=stands.reference_mean,
        reference_spread=_deviation(theirs),
        baseline_mean=stands.baseline_mean,
        bar=stands.bar,
        band=stands.band,
        training_mean=_last_in_training(runs, metric.in_history),
        baseline=in_words(bar.baseline),
        higher_is_better=metric.higher_is_better,
        level=level_of(bar, further),
        standard_error=float(error),
        p_value=float(p_value(ahead, error, len(own))),
        measures=tuple(_measurement(key, m, pairs, bar.unit) for key, m in METRICS.items() if m.task == metric.task),
        unit=bar.unit,
        further=further,
        unanimous=stands.unanimous,
        **(_by_class(pairs, classes) if classes else _by_value(pairs)),
    )


def stand(
    own: Sequence[float],
    reference: Sequence[float],
    baseline: Sequence[float],
    bar: Bar,
    plan: SplitPlan,
    further: int = 0,
) -> Standing:
    """Return the mean of scores beside the reference's and the baseline's for the same seeds; ``further`` of the seeds
    were added."""
    metric = metrics.find(bar.metric, bar.unit)
    mean, reference_mean, baseline_mean = (statistics.fmean(scores) for scores in (own, reference, baseline))
    at_bar = metric.bar(bar, reference_mean, baseline_mean)
    differences, level = np.subtract(own, reference), level_of(bar, further)
    band = float(standard_error(differences, overlap(plan)) * quantile(level, len(own)))
    ahead = differences - (at_bar - reference_mean)
    unanimous = further > 0 and bool(unanimity(ahead if metric.higher_is_better else -ahead, overlap(plan)) <= level)
    return Standing(
        mean=mean,
        reference_mean=reference_mean,
        baseline_mean=baseline_mean,
        bar=at_bar,
        band=band,
        higher_is_better=metric.higher_is_better,
        unanimous=unanimous,
    )


def level_of(bar: Bar, further: int) -> float:
    """Return the level at which seeds decide; ``further`` of them were added because the others could not."""
    return SECOND_LOOK * bar.level if further else bar.level


# -- rows without inputs ---------------------------------------------------------------------------------


def strict_score(metric: Metric, predictions: Array, labels: Array, known: Array, guess: float | None) -> float:
    """Return the score if rows without inputs count as wrong. It is never better than the score without these rows.

    ``known`` marks the ``labels`` (n,) that have ``predictions``. A missing row gets a wrong class, or in a regression
    the value ``guess``.
    """
    filled = np.zeros((len(labels), *predictions.shape[1:]))
    filled[known] = predictions
    missing = np.flatnonzero(~known)
    if guess is None:
        filled[missing, (labels[missing] + 1) % predictions.shape[1]] = 1.0
    else:
        filled[missing] = guess
    strict, lenient = metric.measure(filled, labels), metric.measure(predictions, labels[known])
    return lenient if metric.is_better(strict, lenient) else strict


def row_errors(outputs: Array, labels: Array) -> Array:
    """Return the error of outputs by row (n,): 1 for a wrong class and 0 for the right one, or the squared error."""
    if labels.dtype.kind == "f":
        return np.square(outputs.astype(np.float64) - labels)
    return np.asarray(outputs != labels, dtype=np.float64)


def is_implausible(compared: Comparison) -> bool:
    """Tell whether a network's error is smaller than the data or any network can explain."""
    metric = metrics.find(compared.metric, compared.unit)
    known = (compared.reference_mean, compared.baseline_mean, *(of.mean for of in compared.baselines))
    return metric.error(compared.mean) < PLAUSIBLE * min(map(metric.error, known))


def placed(baselines: Mapping[str, Mapping[int, float]], seeds: Sequence[int]) -> tuple[Baseline, ...]:
    """Return traditional models with the mean and the spread of their scores over some seeds."""
    scores = {name: [of[seed] for seed in seeds] for name, of in baselines.items()}
    return tuple(Baseline(in_words(name), statistics.fmean(of), _deviation(of)) for name, of in scores.items())


def in_words(baseline: str) -> str:
    """Return "random forest" for an assignment's ``random_forest``."""
    return baseline.replace("_", " ")


# -- uncertainty of the mean ------------------------------------------------------------------------------


def overlap(plan: SplitPlan) -> float:
    """Return the ratio of held-out to training rows, by which the variance of a mean over seeds is corrected."""
    return plan.test / (1 - plan.test - plan.development)


def standard_error(differences: Array, overlap: float) -> Array:
    """Return the standard error (...) of the means of paired differences (..., seeds); infinite for one seed."""
    seeds = differences.shape[-1]
    if seeds < 2:
        return np.full(differences.shape[:-1], np.inf)
    return np.asarray(differences.std(axis=-1, ddof=1) * math.sqrt(1 / seeds + overlap))


def p_value(ahead: Array, error: Array, seeds: int) -> Array:
    """Return the probability that a network just at the bar has a mean at least this far on the bar's good side."""
    t = np.divide(ahead, error, out=np.where(ahead >= 0, np.inf, -np.inf), where=error > 0)
    return np.asarray(scipy.special.stdtr(max(seeds - 1, 1), -t))


def quantile(level: float, seeds: int) -> float:
    """Return the number of standard errors by which a mean must differ from the bar to be significant at this level."""
    return float(-scipy.special.stdtrit(max(seeds - 1, 1), level))


def unanimity(ahead: Array, overlap: float) -> Array:
    """If all these seeds lie on one side, return the probability of that for a network just at the bar; else 1.
    ``ahead`` (..., seeds): each seed's distance from its bar, positive on the good side."""
    agreed = (ahead >= 0).all(axis=-1) | (ahead < 0).all(axis=-1)
    return np.where(agreed, chance_of_one_side(ahead.shape[-1], overlap / (1 + overlap)), 1.0)


def chance_of_one_side(seeds: int, correlation: float) -> float:
    """Return the probability that this many numbers, normal about 0 with this pairwise correlation, are all positive.
    Given their common part, they are independent."""
    shared, step = np.linspace(-8, 8, 1_601, retstep=True)
    density = np.exp(-np.square(shared) / 2) / math.sqrt(2 * math.pi)
    below = scipy.special.ndtr(shared * math.sqrt(correlation / (1 - correlation)))
    return float(step * (density * below**seeds).sum())


# -- other figures ---------------------------------------------------------------------------------------


def _measurement(key: str, metric: Metric, pairs: Sequence[tuple[Array, Array]], unit: str) -> Measurement:
    values = [metric.measure(*pair) for pair in pairs]
    return Measurement(key, statistics.fmean(values), _deviation(values), unit)


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _last_in_training(runs: Sequence[TrainingRun], name: str) -> float | None:
    last = [run.history[name][-1] for run in runs if run.history.get(name)]
    known = [value for value in last if value is not None]
    return statistics.fmean(known) if known and len(known) == len(runs) else None


def _by_class(pairs: Sequence[tuple[Array, Array]], classes: int) -> dict[str, Any]:
    """Return the confusion matrix, and the recall of each class."""
    confusion = np.zeros((classes, classes), dtype=np.int64)
    for outputs, labels in pairs:
        np.add.at(confusion, (labels, outputs.argmax(axis=1)), 1)
    return {
        "confusion": tuple(tuple(int(n) for n in row) for row in confusion),
        "recalls": tuple(_recall(row, i) for i, row in enumerate(confusion)),
    }


def _recall(row: Array, label: int) -> float | None:
    return float(row[label] / row.sum()) if row.sum() else None


def _by_value(pairs: Sequence[tuple[Array, Array]]) -> dict[str, Any]:
    """Return true and predicted values of some rows, spread evenly over all seeds."""
    values, true = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    rows = np.unique(np.linspace(0, len(true) - 1, min(len(true), SAMPLE)).round().astype(int))
    sample = tuple((_seven_digits(true[row]), _seven_digits(values[row])) for row in rows)
    return {"confusion": (), "recalls": (), "sample": sample}


def _seven_digits(number: float) -> float:
    return float(f"{number:.7g}")
