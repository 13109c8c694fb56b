"""Accuracy from predictions and the checker's own labels; the gap to the reference and its uncertainty. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from checker.frames import Array
from checker.records import Bar, Comparison, SeedScore, TrainingRun


def accuracy(outputs: Array, labels: Array) -> float:
    """Return the share of rows (n, classes) whose largest output is the label's."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def compare(
    runs: Sequence[TrainingRun],
    outputs: Mapping[int, Array],
    labels: Mapping[int, Array],
    reference: Mapping[int, float],
    baseline: Mapping[int, float],
    bar: Bar,
    classes: int,
) -> Comparison:
    """Compare a submission with the reference; ``outputs``, ``labels`` and the scores are keyed by seed."""
    scores = tuple(
        SeedScore(run.seed, accuracy(outputs[run.seed], labels[run.seed]), reference[run.seed], baseline[run.seed])
        for run in runs
    )
    own, theirs = [s.score for s in scores], [s.reference for s in scores]
    confusion = sum(_confusion(outputs[run.seed], labels[run.seed], classes) for run in runs)
    reference_mean = statistics.fmean(theirs)
    return Comparison(
        metric=bar.metric,
        scores=scores,
        mean=statistics.fmean(own),
        spread=_deviation(own),
        reference_mean=reference_mean,
        reference_spread=_deviation(theirs),
        baseline_mean=statistics.fmean(s.baseline for s in scores),
        bar=reference_mean - bar.tolerance,
        band=_deviation([a - b for a, b in zip(own, theirs, strict=True)]) / math.sqrt(len(scores)),
        training_mean=_last_training_accuracy(runs),
        confusion=tuple(tuple(int(n) for n in row) for row in np.asarray(confusion)),
        recalls=tuple(_recall(row, i) for i, row in enumerate(np.asarray(confusion))),
    )


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _confusion(outputs: Array, labels: Array, classes: int) -> Array:
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, outputs.argmax(axis=1)), 1)
    return counts


def _recall(row: Array, label: int) -> float | None:
    return float(row[label] / row.sum()) if row.sum() else None


def _last_training_accuracy(runs: Sequence[TrainingRun]) -> float | None:
    last = [run.history["accuracy"][-1] for run in runs if run.history.get("accuracy")]
    known = [value for value in last if value is not None]
    return statistics.fmean(known) if known and len(known) == len(runs) else None
