"""Compares the labels of a training with the data set's, and recognises common mistakes where they differ.

Theory of operation: for a training row that was matched, the data's own label is known. Students number classes as they
like, so their numbers are matched one to one with the data's classes so that most rows agree; the remaining rows
differ. Rare classes do not count: keeping, dropping or merging them changes nothing. In a regression with a known
scale, rows at the data's highest value do not count where there are many: that value is a cap, and students clip and
drop there. Where labels differ, they are compared with common mistakes: merged classes, shifted rows, another column, a
shuffle. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from checker.formats import text
from checker.gather.rows.ranks import correlation
from checker.records.tracing import REORDERED, TargetScale
from checker.scoring import targets

Array = NDArray[Any]

SMALL = 20
"""A class with fewer rows than this does not count; a highest value with at least this many rows is a cap."""
ALIKE = 0.99
"""Share of rows that must agree with a mistake before it is named."""
SHIFTS = (1, -1, 2, -2, 3, -3)
BINS = 256
ENOUGH = 50
"""With fewer rows than this, no mistake is named."""
MOST_VALUES = 1_000
SIMILAR = 0.05
"""Maximum difference between a class's share of shuffled labels and its share in the data."""
UNRELATED = 3.0
"""Chi-squared over its degrees of freedom, below which labels count as unrelated to the rows' own; for unrelated labels
it is 1.
"""


@dataclass(frozen=True)
class LabelComparison:
    """How many rows were compared, how many differ from the data's label, and what the labels look like, to follow
    "they seem to be"; "" where that is unclear."""

    compared: int = 0
    differ: int = 0
    look: str = ""


@dataclass(frozen=True)
class LabelledData:
    """The data set's side of a comparison: labels (m,), class numbers or float64; columns (m, d) and their names; class
    names where there are any."""

    labels: Array
    features: Array
    names: Sequence[str]
    classes: Sequence[str] = ()


def compare(y: Array, rows: Array, known: LabelledData, scale: TargetScale | None = None) -> LabelComparison:
    """Compare the labels of training rows, as they were fed, with the data's.

    ``y``: class numbers (n,) or (n, 1), or one-hot (n, k); numbers for a regression. ``rows``: the row of the data set
    for each, -1 where it was not matched: (n,). ``scale``: how a regression's targets come from the data's numbers.
    Without a scale, labels are compared only with other columns.
    """
    is_classes = known.labels.dtype.kind != "f"
    theirs = y.argmax(axis=1) if is_classes and y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    if len(theirs) != len(rows) or not (rows >= 0).any():
        return LabelComparison()
    theirs = theirs.astype(np.float64)
    return _of_classes(theirs, rows, known) if is_classes else _of_numbers(theirs, rows, known, scale)


# -- classes ---------------------------------------------------------------------------------------------


def _of_classes(theirs: Array, rows: Array, known: LabelledData) -> LabelComparison:
    counted = (rows >= 0) & (np.bincount(known.labels) >= SMALL)[known.labels[rows]]
    table = _table(theirs[counted], known.labels[rows[counted]])
    compared = int(counted.sum())
    differ = compared - _agreeing(table)
    looks = (
        lambda: _merged(table, differ, known),
        lambda: _shifted(theirs, rows, known, _share_of_classes),
        lambda: _another_column(theirs[counted], rows[counted], known, _share_explained),
        lambda: _shuffled_classes(table),
    )
    return LabelComparison(compared, differ, _first(looks) if differ and compared >= ENOUGH else "")


def _first(looks: Sequence[Callable[[], str]]) -> str:
    return next(filter(None, (look() for look in looks)), "")


def _table(theirs: Array, true: Array) -> Array:
    """Count rows by the student's class number and by the data's class, except rows without a finite number."""
    finite = np.isfinite(theirs)
    values, index = np.unique(theirs[finite], return_inverse=True)
    few = index < MOST_VALUES
    classes, size = int(true.max(initial=0)) + 1, min(len(values), MOST_VALUES)
    places = index[few] * classes + true[finite][few].astype(np.int64)
    return np.bincount(places, minlength=size * classes).reshape(size, classes)


def _agreeing(table: Array) -> int:
    """Return how many rows agree when class numbers and classes are matched one to one."""
    return int(table[scipy.optimize.linear_sum_assignment(-table)].sum())


def _share_of_classes(theirs: Array, others: Array) -> float:
    return _agreeing(_table(theirs, others)) / len(theirs)


def _merged(table: Array, differ: int, known: LabelledData) -> str:
    """Look for class numbers that each stand for several whole classes, and together explain nearly all differences."""
    total = table.sum(axis=0)
    groups = [np.flatnonzero((row >= ALIKE * total) & (total > 0)) for row in table]
    groups = [group for group in groups if len(group) > 1]
    explained = sum(int(total[group].sum() - total[group].max()) for group in groups)
    if not groups or explained < ALIKE * differ:
        return ""
    named = (" and ".join(_class_name(known, int(label)) for label in group) for group in groups)
    return f"merged: {'; '.join(f'{names} are one class' for names in named)}"


def _class_name(known: LabelledData, label: int) -> str:
    return known.classes[label] if label < len(known.classes) else f"class {label}"


def _shuffled_classes(table: Array) -> str:
    """Check whether class numbers are unrelated to their rows' classes, yet as frequent as the classes."""
    table = table[:, table.any(axis=0)]
    rows, total = table.sum(axis=1), table.sum()
    freedom = (len(rows) - 1) * (table.shape[1] - 1)
    if min(table.shape) < 2 or not rows.all():
        return ""
    expected = np.outer(rows, table.sum(axis=0)) / total
    is_unrelated = float(((table - expected) ** 2 / expected).sum()) / freedom < UNRELATED
    most = max(table.shape)
    shares = [np.sort(np.pad(of, (0, most - len(of)))) / total for of in (rows, table.sum(axis=0))]
    return REORDERED if is_unrelated and np.abs(shares[0] - shares[1]).max() < SIMILAR else ""


# -- numbers ---------------------------------------------------------------------------------------------


def _of_numbers(theirs: Array, rows: Array, known: LabelledData, scale: TargetScale | None) -> LabelComparison:
    values, counted = known.labels, rows >= 0
    if (values == values.max()).sum() >= SMALL:
        counted &= values[rows] < values.max()
    own, compared = theirs[counted], int(counted.sum())
    column = partial(_another_column, own, rows[counted], known, _likeness)
    if scale is None:
        look = column()
        return LabelComparison(compared, compared, look) if look else LabelComparison()
    spread = float(np.std(own[np.isfinite(own)])) if np.isfinite(own).any() else 0.0
    misfit = np.abs(targets.apply(scale, values[rows[counted]]) - own)
    differ = int((~(misfit <= targets.TOLERANCE * spread)).sum())
    looks = (
        lambda: _shifted(theirs, rows, known, _likeness),
        column,
        lambda: REORDERED if abs(correlation(own, values[rows[counted]], ENOUGH)) < 5 / np.sqrt(compared) else "",
    )
    return LabelComparison(compared, differ, _first(looks) if differ and compared >= ENOUGH else "")


def _likeness(theirs: Array, others: Array) -> float:
    """Return how closely one column orders the rows as the other does, from 0 to 1."""
    return abs(correlation(_ranks(theirs), _ranks(others), ENOUGH))


def _ranks(values: Array) -> Array:
    return np.searchsorted(np.sort(values), values).astype(np.float64)


# -- mistakes of both kinds of labels --------------------------------------------------------------------


def _shifted(theirs: Array, rows: Array, known: LabelledData, alike: Callable[[Array, Array], float]) -> str:
    """Look among the labels of nearby rows, in the data's order and in the student's."""
    own = alike(theirs[rows >= 0], known.labels[rows[rows >= 0]])
    found = max(_nearby(theirs, rows, known.labels, alike), key=lambda one: one[0])
    is_so = found[0] >= ALIKE and 1 - found[0] < (1 - own) / 3
    return f"shifted by {text.counted(abs(found[1]), 'row')}" if is_so else ""


def _nearby(
    theirs: Array, rows: Array, labels: Array, alike: Callable[[Array, Array], float]
) -> Iterator[tuple[float, int]]:
    for shift in SHIFTS:
        for places in (np.where(rows < 0, -1, (rows + shift) % len(labels)), np.roll(rows, -shift)):
            found = places >= 0
            yield alike(theirs[found], labels[places[found]]), shift


def _another_column(theirs: Array, rows: Array, known: LabelledData, alike: Callable[[Array, Array], float]) -> str:
    for name, column in zip(known.names, known.features.T, strict=False):
        values = column[rows]
        of_data = alike(known.labels[rows].astype(np.float64), values)
        if alike(theirs, values) >= ALIKE > of_data:
            return f"made from another column, {name}"
    return ""


def _share_explained(theirs: Array, column: Array) -> float:
    """Return how closely a column determines the label: by the most frequent label of each value for few values, else
    by how rarely the label changes along the sorted values."""
    known = np.isfinite(column) & np.isfinite(theirs)
    theirs, column = theirs[known], column[known]
    if len(np.unique(theirs)) < 2:
        return 0.0
    distinct, places = np.unique(column, return_inverse=True)
    if len(distinct) <= BINS:
        return float(_table(theirs, places).max(axis=0).sum() / len(theirs))
    along = theirs[np.lexsort((theirs, column))]
    return 1 - float((along[1:] != along[:-1]).mean())
