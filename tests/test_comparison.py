"""Comparison: accuracy from predictions, the bar, and how sure the seeds are of it."""

import math

import numpy as np
import pytest

from checker.comparison import accuracy, compare
from checker.records import Bar

BAR = Bar("accuracy", 0.02, "logistic_regression")
SEEDS = (11, 23, 37)


def outputs_for(called, classes=3):
    """Return outputs that call these classes, with softmax-like numbers."""
    return np.eye(classes, dtype=np.float32)[called] * 0.6 + 0.1


def compared(make, hits, reference=(0.9, 0.9, 0.9), baseline=0.5, history=None):
    """Compare runs of ten rows in which so many were right."""
    labels = {seed: np.ones(10, dtype=np.int32) for seed in SEEDS}
    outputs = {seed: outputs_for([1] * n + [2] * (10 - n)) for seed, n in zip(SEEDS, hits, strict=True)}
    more = {} if history is None else {"history": history}
    runs = [make.run(seed, outputs[seed], **more) for seed in SEEDS]
    theirs = dict(zip(SEEDS, reference, strict=True))
    return compare(runs, outputs, labels, theirs, dict.fromkeys(SEEDS, baseline), BAR, 3)


def test_accuracy_is_the_share_of_rows_called_right():
    """A row is right where its largest output is its label's."""
    outputs = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1], [0.9, 0.0, 0.1]])
    assert accuracy(outputs, np.array([0, 2, 0, 1])) == 0.5
    assert accuracy(outputs * 1_000 - 5, np.array([0, 2, 1, 0])) == 1.0


def test_scores_are_paired_by_seed(make):
    """Each seed's score stands beside the reference's and the baseline's for the same seed."""
    found = compared(make, (9, 8, 7), (0.9, 0.8, 0.7), 0.55)
    rows = [(s.seed, s.score, s.reference, s.baseline) for s in found.scores]
    assert rows == [(11, 0.9, 0.9, 0.55), (23, 0.8, 0.8, 0.55), (37, 0.7, 0.7, 0.55)]
    assert found.metric == "accuracy"
    assert (found.mean, found.reference_mean, found.baseline_mean) == pytest.approx((0.8, 0.8, 0.55))
    assert (found.spread, found.reference_spread) == pytest.approx((0.1, 0.1))


def test_the_bar_lies_below_the_reference(make):
    """The bar is the reference's mean less the tolerance."""
    assert compared(make, (9, 9, 9)).bar == pytest.approx(0.88)


@pytest.mark.parametrize(
    ("hits", "baseline", "reaches"),
    [((9, 9, 9), 0.5, True), ((9, 9, 8), 0.5, False), ((9, 9, 9), 0.9, False), ((10, 10, 10), 0.95, True)],
)
def test_the_bar_is_reached_above_the_baseline_only(make, hits, baseline, reaches):
    """A mean at the bar is enough, unless logistic regression does as well."""
    assert compared(make, hits, baseline=baseline).reaches_bar is reaches


def test_the_band_is_the_standard_error_of_the_paired_difference(make):
    """What seeds do to both alike widens no band; only differences that vary do."""
    together = compared(make, (9, 8, 7), (0.95, 0.85, 0.75))
    assert together.band == pytest.approx(0, abs=1e-12)
    varying = compared(make, (9, 8, 7), (0.8, 0.8, 0.8))
    assert varying.band == pytest.approx(0.1 / math.sqrt(3))


@pytest.mark.parametrize(
    ("hits", "borderline"), [((9, 9, 9), False), ((10, 9, 7), True), ((10, 9, 8), True), ((5, 4, 3), False)]
)
def test_borderline_is_nearer_to_the_bar_than_the_band(make, hits, borderline):
    """A mean whose distance to the bar is smaller than its standard error is borderline, on either side."""
    assert compared(make, hits).is_borderline is borderline


def test_one_seed_has_no_spread(make):
    """With a single seed nothing is known about chance, and nothing divided by zero."""
    outputs = {11: outputs_for([0, 1, 2])}
    labels = {11: np.array([0, 1, 1])}
    found = compare([make.run(11, outputs[11])], outputs, labels, {11: 0.6}, {11: 0.3}, BAR, 3)
    assert (found.spread, found.band, found.is_borderline) == (0, 0, False)


def test_confusion_and_recalls(make):
    """Rows of class i called class j are counted over all seeds; a class without rows has no recall."""
    labels = {11: np.array([0, 0, 1, 1, 1]), 23: np.array([0, 0, 1, 1, 1])}
    outputs = {11: outputs_for([0, 1, 1, 1, 2]), 23: outputs_for([0, 0, 1, 2, 2])}
    runs = [make.run(seed, outputs[seed]) for seed in (11, 23)]
    same = {11: 0.5, 23: 0.5}
    found = compare(runs, outputs, labels, same, same, BAR, 3)
    assert found.confusion == ((3, 1, 0), (0, 3, 3), (0, 0, 0))
    assert found.recalls == (0.75, 0.5, None)


@pytest.mark.parametrize(
    ("history", "mean"),
    [
        ({"accuracy": (0.2, 0.7)}, 0.7),
        ({"accuracy": (0.7, None)}, None),
        ({"accuracy": ()}, None),
        ({"loss": (0.5,)}, None),
    ],
)
def test_training_accuracy_is_the_last_epochs(make, history, mean):
    """The accuracy on training rows is the last epoch's, and unknown where a run does not have it."""
    assert compared(make, (9, 9, 9), history=history).training_mean == pytest.approx(mean)
