"""What predictions are worth by the checker's own labels; the gap to the reference and its uncertainty. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from checker.frames import Array
from checker.metrics import METRICS, Metric
from checker.records import Bar, Comparison, Measurement, SeedScore, TrainingRun

SAMPLE = 600
"""Rows of a regression that are kept for pictures."""


def compare(
    runs: Sequence[TrainingRun],
    predictions: Mapping[int, Array],
    labels: Mapping[int, Array],
    reference: Mapping[int, float],
    baseline: Mapping[int, float],
    bar: Bar,
    classes: int,
) -> Comparison:
    """Compare a submission with the reference; ``predictions``, ``labels`` and the scores are keyed by seed.

    Predictions are what the bar's metric measures; ``classes``: how many there are, 0 for a regression.
    """
    metric = METRICS[bar.metric]
    pairs = [(predictions[run.seed], labels[run.seed]) for run in runs]
    own = [metric.measure(*pair) for pair in pairs]
    theirs = [reference[run.seed] for run in runs]
    baselines = [baseline[run.seed] for run in runs]
    reference_mean, baseline_mean = statistics.fmean(theirs), statistics.fmean(baselines)
    return Comparison(
        metric=bar.metric,
        scores=tuple(SeedScore(run.seed, *of) for run, *of in zip(runs, own, theirs, baselines, strict=True)),
        mean=statistics.fmean(own),
        spread=_deviation(own),
        reference_mean=reference_mean,
        reference_spread=_deviation(theirs),
        baseline_mean=baseline_mean,
        bar=metric.bar(bar, reference_mean, baseline_mean),
        band=_deviation([a - b for a, b in zip(own, theirs, strict=True)]) / math.sqrt(len(own)),
        training_mean=_last_in_training(runs, metric.in_history),
        baseline=bar.baseline.replace("_", " "),
        higher_is_better=metric.higher_is_better,
        measures=tuple(_measurement(key, m, pairs) for key, m in METRICS.items() if m.task == metric.task),
        **(_by_class(pairs, classes) if classes else _by_value(pairs)),
    )


def _measurement(key: str, metric: Metric, pairs: Sequence[tuple[Array, Array]]) -> Measurement:
    values = [metric.measure(*pair) for pair in pairs]
    return Measurement(key, statistics.fmean(values), _deviation(values))


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _last_in_training(runs: Sequence[TrainingRun], name: str) -> float | None:
    last = [run.history[name][-1] for run in runs if run.history.get(name)]
    known = [value for value in last if value is not None]
    return statistics.fmean(known) if known and len(known) == len(runs) else None


def _by_class(pairs: Sequence[tuple[Array, Array]], classes: int) -> dict[str, Any]:
    """Return which classes are called which, and the share of each that is recognised."""
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
    """Return true and predicted values of some rows, evenly from all seeds."""
    values, true = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    rows = np.unique(np.linspace(0, len(true) - 1, min(len(true), SAMPLE)).round().astype(int))
    sample = tuple((round(float(true[row]), 2), round(float(values[row]), 2)) for row in rows)
    return {"confusion": (), "recalls": (), "sample": sample}
