"""Comparison: accuracy from predictions, the bar, and how sure the seeds are of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from checker.judge import comparison
from checker.judge.comparison import (
    SAMPLE,
    chance_of_one_side,
    compare,
    overlap,
    p_value,
    quantile,
    stand,
    standard_error,
)
from checker.records.assignment import Bar, SplitPlan
from checker.records.comparison import Decider

BAR = Bar(metric="accuracy", tolerance=0.02, baseline="logistic_regression")
ERRORS = Bar(metric="rmse", tolerance=10_000.0, baseline="linear_regression", share=0.75)
PLAN = SplitPlan(test=0.2, development=0.16)
SEEDS = (11, 23, 37)


def outputs_for(called, classes=3):
    """Return outputs that call these classes, with softmax-like numbers."""
    return np.eye(classes, dtype=np.float32)[called] * 0.6 + 0.1


def compared(make, hits, reference=(0.9, 0.9, 0.9), baseline=0.5, history=None, bar=BAR):
    """Compare runs of ten rows in which so many were right."""
    labels = {seed: np.ones(10, dtype=np.int32) for seed in SEEDS}
    outputs = {seed: outputs_for([1] * n + [2] * (10 - n)) for seed, n in zip(SEEDS, hits, strict=True)}
    more = {} if history is None else {"history": history}
    runs = [make.run(seed, outputs[seed], **more) for seed in SEEDS]
    theirs = dict(zip(SEEDS, reference, strict=True))
    return compare(runs, outputs, labels, theirs, dict.fromkeys(SEEDS, baseline), bar, PLAN, 3)


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


def test_the_band_grows_with_what_varies_between_seeds(make):
    """What seeds do to both alike widens no band; only differences that vary do."""
    together = compared(make, (9, 8, 7), (0.95, 0.85, 0.75))
    assert together.band == pytest.approx(0, abs=1e-12)
    varying = compared(make, (9, 8, 7), (0.8, 0.8, 0.8))
    assert varying.standard_error == pytest.approx(0.1 * math.sqrt(1 / 3 + 0.2 / 0.64))
    assert varying.band == pytest.approx(1.8856 * varying.standard_error, rel=1e-4)


@pytest.mark.parametrize(
    ("hits", "borderline"), [((9, 9, 9), False), ((10, 9, 7), True), ((10, 9, 8), True), ((5, 4, 3), False)]
)
def test_borderline_is_nearer_to_the_bar_than_the_band(make, hits, borderline):
    """A mean that lies no farther from the bar than the band is borderline, on either side."""
    assert compared(make, hits).is_borderline is borderline


def test_without_overlap_the_test_is_students(make):
    """If splits had no rows in common, p would be that of the ordinary one-sided t-test."""
    differences = np.array([0.002, -0.016, -0.01, -0.046, -0.012])
    known = stats.ttest_1samp(differences, -0.02, alternative="greater").pvalue
    assert p_value(np.mean(differences) + 0.02, standard_error(differences, 0.0), 5) == pytest.approx(known)
    assert p_value(np.mean(differences) + 0.02, standard_error(differences, overlap(PLAN)), 5) > known


@pytest.mark.parametrize("metric", ["accuracy", "rmse"])
@pytest.mark.parametrize("off", [-0.05, -0.01, -0.002, 0.0, 0.002, 0.01, 0.05])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.1, 0.3])
def test_the_band_says_what_the_p_value_says(metric, off, level):
    """A mean is outside the band on the good side where p is below the level, on the bad side where 1 - p is."""
    error = standard_error(np.array([0.01, -0.004, 0.003, -0.006, 0.002]), overlap(PLAN))
    p, band = p_value(np.asarray(off), error, 5), error * quantile(level, 5)
    assert (p <= level) == (off >= band)
    assert (p >= 1 - level) == (off <= -band)


@pytest.mark.parametrize(
    ("points", "borderline"), [(4.0, False), (2.0, False), (1.0, False), (0.2, True), (-0.2, True), (-1.0, False)]
)
def test_ordinary_networks_are_told_from_the_bar(points, borderline):
    """At the usual spread of 0.6 points over five seeds, a point off the bar is enough for a verdict."""
    differences = np.array([-0.8, -0.3, 0.0, 0.3, 0.8]) / 100
    band = float(standard_error(differences, overlap(PLAN))) * quantile(0.1, 5)
    assert (abs(points) / 100 < band) is borderline


def test_a_stricter_level_refers_more(make):
    """The rarer the assignment wants errors, the farther off the bar a network must lie."""
    judged = [compared(make, (10, 10, 9), bar=replace(BAR, level=level)) for level in (0.3, 0.1, 0.01)]
    assert [found.level for found in judged] == [0.3, 0.1, 0.01]
    assert [found.is_borderline for found in judged] == [False, True, True]
    assert judged[1].band < judged[2].band


def test_one_seed_tells_nothing(make):
    """With a single seed nothing is known about chance, so nothing is decided, and nothing divided by zero."""
    outputs = {11: outputs_for([0, 1, 2])}
    labels = {11: np.array([0, 1, 1])}
    found = compare([make.run(11, outputs[11])], outputs, labels, {11: 0.6}, {11: 0.3}, BAR, PLAN, 3)
    assert (found.spread, found.band, found.p_value, found.is_borderline) == (0, math.inf, 0.5, True)


TEN = (-0.4, -1.3, -0.2, -0.9, -0.6, -1.1, -0.3, -0.8, -0.5)
"""How many points off its own bar each of nine seeds lies."""


def ten_seeds(ahead, bar=BAR, further=5, reference=(0.9,) * 10):
    """Return where ten seeds stand that lie so many points ahead of their own bars."""
    own = [theirs - 0.02 + points / 100 for theirs, points in zip(reference, ahead, strict=True)]
    return stand(own, reference, [0.5] * 10, bar, PLAN, further)


@pytest.mark.parametrize(
    ("wild", "decided_by"), [(-0.7, Decider.MEAN), (-30, Decider.EACH_SEED), (+0.1, Decider.MEAN), (+30, None)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_wild_seed_on_the_side_of_all_others_hides_nothing(wild, decided_by, sign):
    """Ten of ten seeds on one side of their own bars decide, however far one of them lies off; one on the other side
    does not."""
    found = ten_seeds([sign * points for points in (*TEN, wild)])
    assert found.decided_by is decided_by
    if decided_by:
        assert found.reaches_bar is (sign < 0)


def test_each_seed_is_held_to_its_own_bar():
    """An effect of the split on both puts no seed on the other side: the reference's score for that seed counts."""
    hard = (0.9, 0.9, 0.9, 0.9, 0.6, 0.9, 0.9, 0.9, 0.9, 0.9)
    assert ten_seeds([-points for points in (*TEN, -30)], reference=hard).decided_by is Decider.EACH_SEED


def test_each_seed_decides_only_with_further_ones_and_at_a_level_that_allows_it():
    """At the first look the mean alone decides; and a strict assignment asks for more than ten of ten."""
    wild = (*TEN, -30)
    assert ten_seeds(wild, further=0).decided_by is None
    assert [ten_seeds(wild, replace(BAR, level=level)).unanimous for level in (0.1, 0.05, 0.03)] == [True, True, False]


def test_each_seed_decides_of_errors_too():
    """Where less is better, all seeds above their own bars fail, and all below reach it."""
    for off, reaches in ((+1, False), (-1, True)):
        own = [60_000.0 + off * points for points in (300, 500, 900, 200, 700, 400, 600, 800, 100, 9_000)]
        found = stand(own, [50_000.0] * 10, [90_000.0] * 10, ERRORS, PLAN, 5)
        assert (found.decided_by, found.reaches_bar) == (Decider.EACH_SEED, reaches)


def test_nobody_passes_below_the_baseline_by_each_seed():
    """All seeds above their own bars are of no use to a network that is no better than the baseline."""
    found = stand([0.9] * 9 + [0.99], [0.9] * 10, [0.95] * 10, BAR, PLAN, 5)
    assert not found.reaches_bar


@pytest.mark.parametrize(("correlation", "chance"), [(0.0, 2**-10), (0.5, 1 / 11)])
def test_seeds_that_have_much_in_common_lie_on_one_side_more_often(correlation, chance):
    """Independent seeds do so as coins do; where half of the variance is shared, as the largest of eleven numbers."""
    assert chance_of_one_side(10, correlation) == pytest.approx(chance)


def test_confusion_and_recalls(make):
    """Rows of class i called class j are counted over all seeds; a class without rows has no recall."""
    labels = {11: np.array([0, 0, 1, 1, 1]), 23: np.array([0, 0, 1, 1, 1])}
    outputs = {11: outputs_for([0, 1, 1, 1, 2]), 23: outputs_for([0, 0, 1, 2, 2])}
    runs = [make.run(seed, outputs[seed]) for seed in (11, 23)]
    same = {11: 0.5, 23: 0.5}
    found = compare(runs, outputs, labels, same, same, BAR, PLAN, 3)
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


@pytest.mark.parametrize(("hits", "is_implausible"), [((8, 8, 8), False), ((9, 9, 8), False), ((10, 9, 9), True)])
def test_less_than_a_third_of_every_known_error_is_implausible(make, hits, is_implausible):
    """A network that leaves less than a third of the error of the reference, and of all traditional models, is."""
    assert comparison.is_implausible(compared(make, hits, (0.7,) * 3)) is is_implausible


# -- regression ------------------------------------------------------------------------------------------


def compared_values(make, errors, reference=50_000.0, baseline=70_000.0, rows=10, bar=ERRORS):
    """Compare runs whose predictions are off by so many dollars, upwards and downwards in turn."""
    true = np.linspace(100_000.0, 400_000.0, rows)
    signs = np.where(np.arange(rows) % 2, 1, -1)
    values = {seed: true + signs * error for seed, error in zip(SEEDS, errors, strict=True)}
    runs = [make.run(seed, values[seed][:, None].astype(np.float32), history={"mae": (0.5,)}) for seed in SEEDS]
    theirs = {seed: reference + at for at, seed in enumerate(SEEDS)}
    return compare(runs, values, dict.fromkeys(SEEDS, true), theirs, dict.fromkeys(SEEDS, baseline), bar, PLAN, 0)


def test_of_errors_less_is_better(make):
    """The bar lies above the reference's error; what is below it reaches it."""
    found = compared_values(make, (55_000, 56_000, 57_000))
    assert found.metric == "rmse"
    assert not found.higher_is_better
    assert found.baseline == "linear regression"
    assert found.mean == pytest.approx(56_000)
    assert found.bar == pytest.approx(60_001)
    assert found.reaches_bar
    assert not compared_values(make, (61_000, 62_000, 63_000)).reaches_bar
    assert not compared_values(make, (58_000, 58_001, 58_002), baseline=57_000.0).reaches_bar


def test_the_bar_keeps_its_distance_from_the_baseline(make):
    """The bar lies at most its share of the way to the baseline, however large the tolerance."""
    assert compared_values(make, (1, 2, 3), baseline=54_001.0).bar == pytest.approx(53_001)


def test_a_regression_is_measured_in_three_ways(make):
    """Root mean squared error, mean absolute error and the share of explained variance stand beside one another."""
    found = compared_values(make, (30_000, 30_000, 30_000))
    measured = {m.metric: m.mean for m in found.measures}
    variance = np.var(np.linspace(100_000, 400_000, 10))
    assert measured == pytest.approx({"rmse": 30_000, "mae": 30_000, "r2": 1 - 9e8 / variance})
    assert all(m.spread == pytest.approx(0, abs=1e-6) for m in found.measures)


def test_errors_on_training_rows_in_another_unit_are_not_compared(make):
    """A history in the student's own unit is no number of dollars."""
    assert compared_values(make, (1, 2, 3)).training_mean is None


def test_some_rows_are_kept_for_pictures(make):
    """True and predicted values of a bounded number of rows are kept, and no confusion of classes."""
    few, many = (compared_values(make, (10, 10, 10), rows=rows) for rows in (10, 1_000))
    assert (few.confusion, few.recalls) == ((), ())
    assert len(few.sample) == 30
    assert few.sample[0] == (100_000, 99_990)
    assert len(many.sample) == SAMPLE
    assert {predicted - true for true, predicted in many.sample} == {-10, 10}
