"""Splits: a function of labels, plan and seed, fair to every class; features fitted on training rows only."""

import numpy as np
import pytest

from checker.records.assignment import SplitPlan
from checker.scoring import splits

PLAN = SplitPlan(test=0.2, development=0.16)
ISLAND = 2


@pytest.fixture(scope="module")
def labels(practice):
    return practice.labels


def parts_of(split):
    return split.training, split.development, split.held_out


def test_a_split_is_repeated_exactly(labels):
    """The same labels, plan and seed give the same split, whatever random numbers were drawn before."""
    first = splits.split(labels, PLAN, 11)
    np.random.seed(1)
    splits._split.cache_clear()
    again = splits.split(labels.copy(), PLAN, 11)
    assert all(map(np.array_equal, parts_of(first), parts_of(again)))


def test_a_split_stays_what_it_was():
    """The split of a seed is pinned: stored accuracies refer to it."""
    split = splits.split(np.repeat([0, 1], [12, 8]), PLAN, 11)
    assert [part.tolist() for part in parts_of(split)] == [
        [1, 3, 4, 5, 6, 8, 10, 11, 13, 14, 15, 16, 19],
        [0, 2, 12],
        [7, 9, 17, 18],
    ]


@pytest.mark.parametrize("seed", [11, 23, 101])
def test_parts_are_complete_and_share_no_row(labels, seed):
    """Every row is in exactly one part, and each part is sorted."""
    parts = parts_of(splits.split(labels, PLAN, seed))
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    assert all((np.diff(part) > 0).all() for part in parts)


@pytest.mark.parametrize("seed", [11, 23, 101])
def test_every_class_is_split_alike(labels, seed):
    """Each class is held out and watched by the plan's fractions, even the one with five rows."""
    split = splits.split(labels, PLAN, seed)
    totals = np.bincount(labels)
    assert np.abs(np.bincount(labels[split.held_out]) - 0.2 * totals).max() <= 0.5
    assert np.abs(np.bincount(labels[split.development]) - 0.16 * totals).max() <= 0.5
    assert [(labels[part] == ISLAND).sum() for part in parts_of(split)] == [3, 1, 1]


def test_seeds_give_different_splits(labels, assignment):
    """Two seeds hold out different rows, with no more in common than chance brings."""
    seeds = (*assignment.seeds.grading, *assignment.seeds.self_check)
    held_out = [splits.split(labels, PLAN, seed).held_out for seed in seeds]
    for at, first in enumerate(held_out):
        for second in held_out[at + 1 :]:
            assert abs(np.isin(first, second).mean() - 0.2) < 0.05


def test_unwatched_development_rows_are_trained_on(labels):
    """Without a development set its rows join the training, and the held-out rows stay the same."""
    whole = splits.split(labels, PLAN, 11)
    joined = splits.without_development(whole)
    assert np.array_equal(joined.training, np.union1d(whole.training, whole.development))
    assert len(joined.development) == 0
    assert np.array_equal(joined.held_out, whole.held_out)


def test_a_split_among_some_rows(labels):
    """Among the rows a student kept, each row stays in its part."""
    whole, kept = splits.split(labels, PLAN, 11), np.arange(0, len(labels), 3)
    some = splits.among(whole, kept)
    for part, before in zip(parts_of(some), parts_of(whole), strict=True):
        assert np.array_equal(part, np.intersect1d(before, kept))


def test_the_hand_outs_features_are_fitted_on_training_rows(practice):
    """Medians, means and deviations come from the training rows; the other rows have no say in them."""
    training = splits.split(practice.labels, PLAN, 11).training
    features = splits.handout_features(practice.features, training)
    assert features.dtype == np.float32
    assert features.shape == practice.features.shape
    assert np.isfinite(features).all()
    assert np.abs(features[training].mean(axis=0)).max() < 1e-4
    assert np.abs(features[training].std(axis=0) - 1).max() < 1e-4
    changed = practice.features * 1_000
    changed[training] = practice.features[training]
    assert np.array_equal(splits.handout_features(changed, training)[training], features[training])


def test_gaps_get_the_training_rows_median(practice):
    """A missing value becomes the median of the training rows, standardised as they are."""
    training = splits.split(practice.labels, PLAN, 11).training
    features = splits.handout_features(practice.features, training)
    bedrooms = practice.features[training, 4]
    filled = np.where(np.isnan(bedrooms), np.nanmedian(bedrooms), bedrooms)
    expected = (np.nanmedian(bedrooms) - filled.mean()) / filled.std()
    assert features[np.isnan(practice.features[:, 4]), 4] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", [11, 101])
def test_every_tenth_of_a_number_is_split_alike(prices, seed):
    """Of a regression, each tenth of the rows by their number is held out and watched by the plan's fractions."""
    assert len(np.unique(prices.strata)) == 10
    split = splits.split(prices.strata, PLAN, seed)
    assert np.array_equal(np.sort(np.concatenate(parts_of(split))), np.arange(len(prices.labels)))
    totals = np.bincount(prices.strata)
    assert np.abs(np.bincount(prices.strata[split.held_out]) - 0.2 * totals).max() <= 0.5
    means = [prices.labels[part].mean() for part in parts_of(split)]
    assert max(means) / min(means) < 1.02
