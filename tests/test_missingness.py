"""Whether missing rows are like the others: they are if missing at random, and not if chosen by class or difficulty."""

import numpy as np
import pytest

from checker.judge.missingness import FEW, LEVEL, by_band, by_class, is_uneven, likeness, p_value
from checker.records.comparison import Likeness
from checker.records.dataset import tenths
from checker.scoring.metrics import DOLLARS

CLASSES = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
SIZES = (9_136, 6_551, 5, 2_290, 2_658)
LABELS = np.repeat(np.arange(5), SIZES)
WRONG = np.random.default_rng(1).random(len(LABELS)) < 0.09


def told(missing, labels=LABELS, errors=WRONG):
    return likeness(missing, (labels, tenths(errors.astype(float))))


def at_random(random, count):
    """Return this many of the rows, drawn at random."""
    missing = np.zeros(len(LABELS), dtype=bool)
    missing[random.choice(len(LABELS), count, replace=False)] = True
    return missing


@pytest.mark.parametrize("count", [41, 207, 4_128, 15_000])
def test_rows_missing_at_random_are_like_the_others(count):
    """A random sample of all rows is like the others, whether small or large."""
    random = np.random.default_rng(count)
    assert {told(at_random(random, count)) for _ in range(10)} == {Likeness.ALIKE}


def test_one_rare_row_among_few_is_no_proof():
    """A random sample of forty rows may contain a row of a class of five, and is still like the others."""
    missing = at_random(np.random.default_rng(3), 40)
    missing[np.flatnonzero(LABELS == 2)[0]] = True
    assert not is_uneven(LABELS, missing)
    assert told(missing) is Likeness.ALIKE


def test_the_level_holds():
    """For random samples, p is below a tenth in no more than about a tenth of cases."""
    random = np.random.default_rng(5)
    found = [p_value(LABELS, at_random(random, 60)) for _ in range(300)]
    assert np.mean(np.array(found) <= 0.1) == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(("label", "count"), [(3, 30), (3, 2_290), (1, 200), (4, 60)])
def test_rows_of_one_class_are_not_like_the_others(label, count):
    """Missing rows of one class are found, even if they are few of a large class."""
    missing = np.zeros(len(LABELS), dtype=bool)
    missing[np.flatnonzero(label == LABELS)[:count]] = True
    assert told(missing) is Likeness.UNLIKE


def test_the_hardest_rows_are_not_like_the_others():
    """Rows that the reference gets wrong are found by its error, although they are of all classes."""
    missing = np.zeros(len(LABELS), dtype=bool)
    missing[np.flatnonzero(WRONG)[::30]] = True
    assert not is_uneven(LABELS, missing)
    assert told(missing) is Likeness.UNLIKE


def test_too_few_rows_do_not_decide():
    """The only class of five rows may be missing: that changes no score by a tenth of a point."""
    missing = LABELS == 2
    assert is_uneven(LABELS, missing)
    assert told(missing) is Likeness.FEW
    assert missing.mean() <= FEW


def test_the_same_rows_are_told_the_same_way():
    """The test always uses the same draws, so p is a function of the rows."""
    missing = at_random(np.random.default_rng(9), 207)
    assert p_value(LABELS, missing) == p_value(LABELS, missing)
    assert 0 < p_value(LABELS, LABELS == 3) < LEVEL / 2


def test_one_group_tells_nothing():
    """If all rows are in one group, or all are missing, nothing is uneven."""
    assert p_value(np.zeros(100, dtype=int), np.arange(100) < 9) == 1.0
    assert p_value(np.arange(100) % 3, np.ones(100, dtype=bool)) == 1.0


def test_classes_that_are_missing_are_counted():
    """Classes with a larger missing share than all rows together are named, those with the most rows first."""
    missing = (LABELS == 3) | (LABELS == 2)
    missing[np.flatnonzero(LABELS == 0)[:10]] = True
    words = [group.in_words for group in by_class(LABELS, missing, CLASSES)]
    assert words == ["2,290 of 2,290 NEAR BAY rows", "5 of 5 ISLAND rows"]


def test_bands_of_a_target_are_counted():
    """A frequent value, such as a cap, is a band of its own; the other bands are tenths."""
    targets = np.concatenate([np.linspace(15_000, 500_000, 1_900), np.full(100, 500_001.0)])
    capped = targets == 500_001
    capped[-5:] = False
    (band,) = by_band(targets, capped, DOLLARS)
    assert band.in_words == "95 of 100 rows with a target of $500,001"
    (lowest,) = by_band(targets, targets < 30_000, DOLLARS)
    assert lowest.in_words == "59 of 200 rows with a target from $15,000 to $65,824"
