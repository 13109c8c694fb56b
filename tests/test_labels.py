"""Labels: how many of a student's labels differ from the data's, and what the different ones look like."""

import os

import numpy as np
import pytest

from checker.assignment import dataset
from checker.gather.rows.labels import LabelComparison, LabelledData, compare
from checker.records.tracing import REORDERED, TargetScale

CLASSES = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
SIZES = (900, 640, 5, 230, 260)
ROWS = sum(SIZES)
ISLAND, BAY, OCEAN = 2, 3, 4


@pytest.fixture(scope="module")
def known():
    """Two thousand rows of five classes in an order like that of a map; one class has five rows."""
    random = np.random.default_rng(5)
    labels = np.repeat(np.arange(5, dtype=np.int32), SIZES)[np.argsort(random.integers(0, 40, ROWS), kind="stable")]
    return LabelledData(labels, random.normal(size=(ROWS, 3)), ("longitude", "latitude", "rooms"), CLASSES)


@pytest.fixture(scope="module")
def prices():
    """Two thousand rows with prices; one price in twenty is capped."""
    random = np.random.default_rng(6)
    labels = np.minimum(random.lognormal(12, 0.5, ROWS), 400_000.0)
    return LabelledData(labels, random.normal(size=(ROWS, 2)), ("longitude", "income"))


@pytest.fixture
def rows():
    """The rows of a training part, shuffled."""
    return np.random.default_rng(7).permutation(ROWS)[:1_500]


FORMS = {
    "numbers": lambda labels: labels,
    "a column": lambda labels: labels.reshape(-1, 1),
    "one-hot": lambda labels: np.eye(5, dtype=np.float32)[labels],
    "floats": lambda labels: labels.astype(np.float32),
    "numbered otherwise": lambda labels: np.array([3, 0, 4, 1, 2])[labels],
    "from one": lambda labels: labels + 1,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_data_s_own_labels_do_not_differ(known, rows, form):
    """Labels of their own rows agree, in whatever form, and however classes are numbered."""
    found = compare(FORMS[form](known.labels[rows]), rows, known)
    assert (found.differ, found.look) == (0, "")
    assert found.compared == (known.labels[rows] != ISLAND).sum()


def test_a_small_class_may_be_dropped_or_merged(known, rows):
    """A class of five rows is not compared, whether it was dropped or merged."""
    assert compare(np.where(known.labels == ISLAND, BAY, known.labels)[rows], rows, known).differ == 0
    kept = rows[known.labels[rows] != ISLAND]
    four = np.array([0, 1, -1, 2, 3])[known.labels[kept]]
    assert compare(np.eye(4)[four], kept, known) == LabelComparison(len(kept), 0)


def test_a_large_class_may_be_dropped(known, rows):
    """If a large class is dropped, the labels of the remaining rows agree."""
    kept = rows[known.labels[rows] != OCEAN]
    assert compare(known.labels[kept], kept, known).differ == 0


def test_rows_that_are_not_the_data_s_do_not_count(known, rows):
    """Synthetic rows are not compared, whatever their labels."""
    y, mixed = known.labels[rows].copy(), rows.copy()
    mixed[::3], y[::3] = -1, 0
    assert compare(y, mixed, known).differ == 0


def test_merged_classes_are_named(known, rows):
    """If two classes have one number, the rows of the smaller one differ, and the merge is named."""
    found = compare(np.where(known.labels == BAY, OCEAN, known.labels)[rows], rows, known)
    assert found.differ == (known.labels[rows] == BAY).sum()
    assert found.look == "merged: NEAR BAY and NEAR OCEAN are one class"


def test_shuffled_labels_look_so(known, rows):
    """Labels that are as frequent as the data's, but belong to other rows, are in another order."""
    found = compare(np.random.default_rng(1).permutation(known.labels[rows]), rows, known)
    assert found.differ > 0.4 * found.compared
    assert found.look == REORDERED


@pytest.mark.parametrize("shift", [1, -2, 3])
def test_shifted_labels_look_so(known, rows, shift):
    """Labels of the next rows look shifted, in the file's order or in the student's."""
    words = f"shifted by {abs(shift)} row{'s' if abs(shift) > 1 else ''}"
    in_file = compare(np.roll(known.labels, shift)[rows], rows, known)
    in_part = compare(np.roll(known.labels[rows], shift), rows, known)
    assert (in_file.look, in_part.look) == (words, words)
    assert min(in_file.differ, in_part.differ) > 0


def test_labels_of_another_column_name_it(known, rows):
    """Labels that are bands of a column name that column, whatever their numbers."""
    bands = np.digitize(known.features[:, 1], [-1, -0.2, 0.4, 1.2])
    found = compare(bands[rows], rows, known)
    assert found.look == "made from another column, latitude"
    assert found.differ > 0.3 * found.compared


def test_what_is_not_clear_is_not_named(known, rows):
    """A tenth of the labels drawn at random differs, and looks like nothing in particular."""
    random = np.random.default_rng(2)
    noisy = np.where(random.random(len(rows)) < 0.1, random.integers(0, 5, len(rows)), known.labels[rows])
    found = compare(noisy, rows, known)
    assert 0.04 * found.compared < found.differ < 0.12 * found.compared
    assert found.look == ""


@pytest.mark.parametrize("y", [np.zeros(3), np.zeros((0,)), np.zeros((2, 3, 4))])
def test_labels_that_cannot_belong_to_rows_are_not_compared(known, rows, y):
    """If there are more or fewer labels than rows, nothing is compared."""
    assert compare(y, rows, known) == LabelComparison()


@pytest.mark.parametrize("strange", [np.nan, np.inf, -1e300])
def test_labels_that_are_no_numbers_differ(known, rows, strange):
    """Labels that are not classes of the data differ."""
    found = compare(np.full(len(rows), strange), rows, known)
    assert found.differ > 0.5 * found.compared


# -- numbers ---------------------------------------------------------------------------------------------

SCALE = TargetScale(1e-5, -0.5)


def scaled(values):
    return 1e-5 * values - 0.5


def test_prices_in_any_scale_do_not_differ(prices, rows):
    """Targets of their own rows agree on any scale."""
    found = compare(scaled(prices.labels[rows]).astype(np.float32), rows, prices, SCALE)
    assert (found.differ, found.look) == (0, "")


def test_capped_prices_do_not_count(prices, rows):
    """Labels do not differ if a student clips prices at the cap, or drops the capped ones."""
    is_capped = prices.labels[rows] == prices.labels.max()
    assert is_capped.sum() > 20
    clipped = np.where(is_capped, 399_000.0, prices.labels[rows])
    assert compare(scaled(clipped), rows, prices, SCALE) == LabelComparison(int((~is_capped).sum()), 0)


@pytest.mark.parametrize(
    ("spoil", "look"),
    [
        (lambda prices, rows: np.random.default_rng(1).permutation(prices.labels[rows]), REORDERED),
        (lambda prices, rows: np.sort(prices.labels[rows]), REORDERED),
        (lambda prices, rows: np.roll(prices.labels, 1)[rows], "shifted by 1 row"),
        (lambda prices, rows: np.roll(prices.labels[rows], 2), "shifted by 2 rows"),
        (lambda prices, rows: np.exp(prices.features[rows, 1]), "made from another column, income"),
    ],
)
def test_other_prices_look_like_what_they_are(prices, rows, spoil, look):
    """Shuffled, sorted, or shifted prices, and those of another column, are recognised."""
    found = compare(scaled(spoil(prices, rows)), rows, prices, SCALE)
    assert found.look == look
    assert found.differ > 0.9 * found.compared


def test_targets_of_no_known_scale_differ_only_as_another_column(prices, rows):
    """If the scale is unknown, only another column is recognised, and nothing else is counted."""
    assert compare(np.sqrt(prices.labels[rows]), rows, prices) == LabelComparison()
    found = compare(prices.features[rows, 0] * 3, rows, prices)
    assert found.differ == found.compared > 0
    assert found.look == "made from another column, longitude"


# -- the real data ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.environ.get(dataset.VARIABLE), reason=f"{dataset.VARIABLE} is not set")
@pytest.mark.parametrize(
    ("spoil", "look", "least"),
    [
        (lambda labels: labels, "", 0.0),
        (lambda labels: np.where(labels == ISLAND, BAY, labels), "", 0.0),
        (lambda labels: np.where(labels == BAY, OCEAN, labels), "merged: NEAR BAY and NEAR OCEAN are one class", 0.1),
        (lambda labels: np.random.default_rng(3).permutation(labels), REORDERED, 0.5),
        (lambda labels: np.roll(labels, 1), "shifted by 1 row", 0.005),
    ],
)
def test_what_goes_wrong_with_the_real_classes_is_told(assignment, spoil, look, least):
    """On the housing data's classes, a merged small or large class, shuffled labels and labels shifted by a row are
    recognised, and the right labels agree."""
    data = dataset.load(assignment.data)
    rows = np.random.default_rng(0).permutation(len(data.labels))[:13_209]
    found = compare(
        spoil(data.labels)[rows], rows, LabelledData(data.labels, data.features, assignment.data.features, CLASSES)
    )
    assert found.look == look
    assert found.differ > least * found.compared if least else found.differ == 0


@pytest.mark.skipif(not os.environ.get(dataset.VARIABLE), reason=f"{dataset.VARIABLE} is not set")
@pytest.mark.parametrize(
    ("spoil", "look", "least"),
    [
        (lambda values: np.minimum(values, 500_000), "", 0.0),
        (lambda values: np.random.default_rng(3).permutation(values), REORDERED, 0.9),
        (lambda values: np.roll(values, -1), "shifted by 1 row", 0.9),
    ],
)
def test_what_goes_wrong_with_the_real_prices_is_told(regression, spoil, look, least):
    """On the housing data's prices, shuffled prices and prices shifted by a row are recognised, and prices clipped at
    the cap agree."""
    data = dataset.load(regression.data)
    rows = np.random.default_rng(0).permutation(len(data.labels))[:13_209]
    known = LabelledData(data.labels, data.features, regression.data.features)
    found = compare(scaled(spoil(data.labels))[rows], rows, known, SCALE)
    assert found.look == look
    assert found.differ > least * found.compared if least else found.differ == 0
