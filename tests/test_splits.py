"""Held-out splits."""

import numpy as np

from checker import splits
from checker.records import SplitPlan

PLAN = SplitPlan(0.2, 0.16)


def parts(split):
    return split.training, split.development, split.held_out


def test_a_split_is_complete_and_disjoint(practice):
    """Every row is in exactly one of the three parts, in the shares asked for."""
    split = splits.split(practice.labels, PLAN, 11)
    rows = np.concatenate(parts(split))
    assert np.array_equal(np.sort(rows), np.arange(20_640))
    assert [round(len(p) / 20_640, 3) for p in parts(split)] == [0.64, 0.16, 0.2]


def test_classes_are_shared_out_even_the_rarest(practice):
    """Each class has its share in each part; ISLAND's five rows reach all three."""
    for part in parts(splits.split(practice.labels, PLAN, 23)):
        counts = np.bincount(practice.labels[part], minlength=5)
        expected = np.bincount(practice.labels) * len(part) / 20_640
        assert np.abs(counts - expected).max() < 2
        assert counts[2] >= 1


def test_a_seed_decides_the_split(practice):
    """The same seed gives the same rows, another seed others."""
    first, again, other = (splits.split(practice.labels, PLAN, seed) for seed in (11, 11, 12))
    assert np.array_equal(first.held_out, again.held_out)
    assert not np.array_equal(first.held_out, other.held_out)


def test_unwatched_development_rows_are_trained_on(practice):
    """Without a development set its rows join training; the test stays the same."""
    whole = splits.split(practice.labels, PLAN, 11)
    joined = splits.without_development(whole)
    assert len(joined.training) == len(whole.training) + len(whole.development)
    assert not len(joined.development)
    assert np.array_equal(joined.held_out, whole.held_out)


def test_only_the_students_rows_are_kept(practice):
    """A split among some rows is the whole split's part among them."""
    rows = np.arange(0, 20_640, 3)
    part = splits.among(splits.split(practice.labels, PLAN, 11), rows)
    assert np.array_equal(np.sort(np.concatenate(parts(part))), rows)


def test_handout_features_are_fitted_on_training_rows_only(practice):
    """Training rows are standardised exactly, held-out rows nearly, and nothing is missing."""
    split = splits.split(practice.labels, PLAN, 11)
    x = splits.handout_features(practice.features, split.training)
    assert x.dtype == np.float32
    assert not np.isnan(x).any()
    assert np.allclose(x[split.training].mean(axis=0), 0, atol=1e-4)
    assert np.abs(x[split.held_out].mean(axis=0)).max() > 1e-4
