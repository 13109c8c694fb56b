"""Which rows are trained on again: those that a split set aside, and not those that a student left out by choice."""

import numpy as np
import pytest

from checker.gather.rows import sampling
from checker.gather.rows.sampling import sample_of

NAMES = ("age", "rooms", "income", "price")
CLASSES = ("coast", "inland", "island")


class Town:
    """Three thousand houses of three classes, of which one has five."""

    def __init__(self):
        random = np.random.default_rng(4)
        self.labels = np.concatenate([np.zeros(1_800, int), np.ones(1_195, int), np.full(5, 2)])
        self.labels = random.permutation(self.labels)
        self.features = random.normal(size=(3_000, 3)) + self.labels[:, None] * [0.5, 0.0, -0.5]
        self.features[random.permutation(3_000)[:40], 1] = np.nan
        self.prices = 100 * np.exp(self.features[:, 2] + random.normal(size=3_000) / 3)
        self.order = random.permutation(3_000)

    def sample(self, fed, known=None):
        known = np.arange(3_000) if known is None else known
        return sample_of(known, np.sort(fed), self.features, self.labels, NAMES, CLASSES)

    def sample_of_prices(self, fed):
        return sample_of(np.arange(3_000), np.sort(fed), self.features, self.prices, NAMES, ())


@pytest.fixture(scope="module")
def town():
    return Town()


@pytest.mark.parametrize("share", [0.5, 0.64, 0.8, 0.99])
def test_rows_that_a_random_split_set_aside_are_trained_on(town, share):
    """If a random part of the rows was fed, no others count as left out by choice."""
    fed = town.order[: round(share * 3_000)]
    assert list(town.sample(fed).rows) == list(range(3_000))
    assert list(town.sample_of_prices(fed).rows) == list(range(3_000))
    assert town.sample(fed).left_out == ""


def test_rows_that_a_split_in_file_order_set_aside_are_trained_on():
    """A split in the order of the file sets aside its end, whatever stands there."""
    town = Town()
    order = np.argsort(town.labels, kind="stable")
    features, labels = town.features[order], town.labels[order]
    found = sample_of(np.arange(3_000), np.arange(2_400), features, labels, NAMES, ("coast", "inland"))
    assert (len(found.rows), found.left_out) == (3_000, "")


def test_a_class_that_was_dropped_is_not_trained_on(town):
    """Rows of classes that were never fed are left out, and named."""
    fed = np.flatnonzero(town.labels == 0)
    found = town.sample(fed)
    assert list(found.rows) == list(fed)
    assert found.left_out.startswith("all 1,195 inland rows; all 5 island rows")
    assert found.left_out_rows == 1_200


def test_outliers_that_were_dropped_are_not_trained_on(town):
    """Rows beyond a value that no fed row is beyond are left out, and those of the test part come back."""
    extreme = np.argsort(town.features[:, 0])[-30:]
    fed = np.setdiff1d(town.order[:2_400], extreme)
    found = town.sample(fed)
    assert 15 <= found.left_out_rows <= 40
    assert "rows with age above" in found.left_out
    assert len(found.rows) == 3_000 - found.left_out_rows
    assert not np.isin(extreme, found.rows).any()


def test_expensive_houses_that_were_dropped_are_not_trained_on(town):
    """Of a regression, rows beyond a target that no fed row is beyond are left out."""
    found = town.sample_of_prices(np.flatnonzero(town.prices < 300))
    assert "rows with price above" in found.left_out
    assert town.prices[found.rows].max() < 300


def test_rows_unlike_the_others_are_not_trained_on(town):
    """Half of a class that was dropped at random is noticed by the classes' shares."""
    dropped = np.flatnonzero(town.labels == 1)[::2]
    found = town.sample(np.setdiff1d(np.arange(3_000), dropped))
    assert found.left_out == f"{len(dropped):,} rows that are unlike the others"
    assert not np.isin(dropped, found.rows).any()


def test_few_rows_stay_few(town):
    """A network trained on a tenth of the rows is retrained on no others."""
    fed = town.order[:300]
    assert list(town.sample(fed).rows) == sorted(fed)


def test_rows_without_inputs_are_not_trained_on(town):
    """A row whose inputs are not known is in no sample."""
    known = np.flatnonzero(np.isfinite(town.features).all(axis=1))
    assert list(town.sample(town.order[:2_400], known).rows) == list(known)


@pytest.mark.slow
def test_random_splits_are_seldom_taken_for_a_choice():
    """Of 400 random splits of data with heavy tails, hardly any row is taken for left out by choice."""
    random = np.random.default_rng(8)
    features, labels = random.standard_cauchy(size=(1_500, 4)), random.integers(0, 3, 1_500)
    false = 0
    for _ in range(400):
        fed = random.permutation(1_500)[:1_200]
        false += bool(sample_of(np.arange(1_500), np.sort(fed), features, labels, NAMES, CLASSES).left_out)
    assert false <= 4


def test_the_least_and_the_most_are_bounded():
    """Nothing fed, and everything fed, come to nothing and everything."""
    town = Town()
    assert len(town.sample(np.zeros(0, dtype=int)).rows) == 0
    assert len(town.sample(np.arange(3_000)).rows) == 3_000
    assert sampling.ENOUGH < 0.5
