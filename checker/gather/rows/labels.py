"""Whether the labels that a network was trained with are the data set's, and what they look like where they are not.

Theory of operation: of a training row that was found in the data set, the data's own label is known. Students number
classes as they like, so their numbers are matched one to one with the data's classes in the way in which most rows
agree; what does not agree then, differs. Classes of a few rows do not count: whether they are kept, dropped or put
into another changes nothing. Of a regression, whose scale is known, rows of the data's highest value do not count
where it is many rows': it is a cap, and students clip and drop there. Where labels differ, they are held against what
commonly goes wrong: classes merged, rows shifted, another column, a shuffle. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from checker.formats import text
from checker.gather.rows.monotone import correlation
from checker.records.tracing import TargetScale
from checker.scoring import targets

Array = NDArray[Any]

SMALL = 20
"""Rows of the data below which a class does not count, and from which on rows of the highest value are capped."""
ALIKE = 0.99
"""Share of rows that agree with what labels look like."""
SHIFTS = (1, -1, 2, -2, 3, -3)
BINS = 256
ENOUGH = 50
"""Rows below which nothing is said of what labels look like."""
MOST_VALUES = 1_000
SIMILAR = 0.05
"""By how much the share of a class among shuffled labels may be another than in the data."""
UNRELATED = 3.0
"""Of chi-squared by its degrees of freedom, which is 1 for labels that have nothing to do with their rows' own."""


@dataclass(frozen=True)
class Compared:
    """Of so many rows that were compared, so many have another label than the data; what these look like, to follow
    "they look", is "" where that is not clear."""

    compared: int = 0
    differ: int = 0
    look: str = ""


@dataclass(frozen=True)
class Known:
    """What the data set says: its labels (m,), class numbers or float64; its columns (m, d) and their names; the names
    of classes, where they are known."""

    labels: Array
    features: Array
    names: Sequence[str]
    classes: Sequence[str] = ()


def compare(y: Array, rows: Array, known: Known, scale: TargetScale | None = None) -> Compared:
    """Compare the labels of training rows, as they were fed, with the data's.

    ``y``: class numbers (n,) or (n, 1), or one-hot (n, k); of a regression numbers. ``rows``: each one's row in the
    data set, -1 where it is not known: (n,). ``scale``: of a regression, how its targets come from the data's numbers;
    None where in no known way, and then they differ only where they are another column's.
    """
    is_classes = known.labels.dtype.kind != "f"
    theirs = y.argmax(axis=1) if is_classes and y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    if len(theirs) != len(rows) or not (rows >= 0).any():
        return Compared()
    theirs = theirs.astype(np.float64)
    return _of_classes(theirs, rows, known) if is_classes else _of_numbers(theirs, rows, known, scale)


# -- classes ---------------------------------------------------------------------------------------------


def _of_classes(theirs: Array, rows: Array, known: Known) -> Compared:
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
    return Compared(compared, differ, _first(looks) if differ and compared >= ENOUGH else "")


def _first(looks: Sequence[Callable[[], str]]) -> str:
    return next(filter(None, (look() for look in looks)), "")


def _table(theirs: Array, true: Array) -> Array:
    """Count rows by the student's number of a class and by the data's class; what is no number counts nowhere."""
    finite = np.isfinite(theirs)
    values, index = np.unique(theirs[finite], return_inverse=True)
    few = index < MOST_VALUES
    classes, size = int(true.max(initial=0)) + 1, min(len(values), MOST_VALUES)
    places = index[few] * classes + true[finite][few].astype(np.int64)
    return np.bincount(places, minlength=size * classes).reshape(size, classes)


def _agreeing(table: Array) -> int:
    """Return how many rows agree when numbers and classes are matched one to one."""
    return int(table[linear_sum_assignment(-table)].sum())


def _share_of_classes(theirs: Array, others: Array) -> float:
    return _agreeing(_table(theirs, others)) / len(theirs)


def _merged(table: Array, differ: int, known: Known) -> str:
    """Look for numbers that stand for several whole classes, which explain nearly all that differs."""
    total = table.sum(axis=0)
    groups = [np.flatnonzero((row >= ALIKE * total) & (total > 0)) for row in table]
    groups = [group for group in groups if len(group) > 1]
    explained = sum(int(total[group].sum() - total[group].max()) for group in groups)
    if not groups or explained < ALIKE * differ:
        return ""
    named = (" and ".join(_class_name(known, int(label)) for label in group) for group in groups)
    return f"merged: {'; '.join(f'{names} are one class' for names in named)}"


def _class_name(known: Known, label: int) -> str:
    return known.classes[label] if label < len(known.classes) else f"class {label}"


def _shuffled_classes(table: Array) -> str:
    """Look whether numbers are unrelated to their rows' classes, yet as frequent as these are."""
    table = table[:, table.any(axis=0)]
    rows, total = table.sum(axis=1), table.sum()
    freedom = (len(rows) - 1) * (table.shape[1] - 1)
    if min(table.shape) < 2 or not rows.all():
        return ""
    expected = np.outer(rows, table.sum(axis=0)) / total
    is_unrelated = float(((table - expected) ** 2 / expected).sum()) / freedom < UNRELATED
    most = max(table.shape)
    shares = [np.sort(np.pad(of, (0, most - len(of)))) / total for of in (rows, table.sum(axis=0))]
    return "shuffled" if is_unrelated and np.abs(shares[0] - shares[1]).max() < SIMILAR else ""


# -- numbers ---------------------------------------------------------------------------------------------


def _of_numbers(theirs: Array, rows: Array, known: Known, scale: TargetScale | None) -> Compared:
    values, counted = known.labels, rows >= 0
    if (values == values.max()).sum() >= SMALL:
        counted &= values[rows] < values.max()
    own, compared = theirs[counted], int(counted.sum())
    column = partial(_another_column, own, rows[counted], known, _likeness)
    if scale is None:
        look = column()
        return Compared(compared, compared, look) if look else Compared()
    spread = float(np.std(own[np.isfinite(own)])) if np.isfinite(own).any() else 0.0
    misfit = np.abs(targets.apply(scale, values[rows[counted]]) - own)
    differ = int((~(misfit <= targets.TOLERANCE * spread)).sum())
    looks = (
        lambda: _shifted(theirs, rows, known, _likeness),
        column,
        lambda: "shuffled" if abs(correlation(own, values[rows[counted]], ENOUGH)) < 5 / np.sqrt(compared) else "",
    )
    return Compared(compared, differ, _first(looks) if differ and compared >= ENOUGH else "")


def _likeness(theirs: Array, others: Array) -> float:
    """Return how nearly one column sorts rows as the other does, from 0 to 1."""
    return abs(correlation(_ranks(theirs), _ranks(others), ENOUGH))


def _ranks(values: Array) -> Array:
    return np.searchsorted(np.sort(values), values).astype(np.float64)


# -- what both may look like -----------------------------------------------------------------------------


def _shifted(theirs: Array, rows: Array, known: Known, alike: Callable[[Array, Array], float]) -> str:
    """Look among the labels of rows nearby, in the data's order and in the student's."""
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


def _another_column(theirs: Array, rows: Array, known: Known, alike: Callable[[Array, Array], float]) -> str:
    for name, column in zip(known.names, known.features.T, strict=False):
        values = column[rows]
        of_data = alike(known.labels[rows].astype(np.float64), values)
        if alike(theirs, values) >= ALIKE > of_data:
            return f"made from another column, {name}"
    return ""


def _share_explained(theirs: Array, column: Array) -> float:
    """Return how nearly a column tells the label: of each of its few values the most frequent one, or else along its
    values in bands of the same label."""
    known = np.isfinite(column) & np.isfinite(theirs)
    theirs, column = theirs[known], column[known]
    if len(np.unique(theirs)) < 2:
        return 0.0
    distinct, places = np.unique(column, return_inverse=True)
    if len(distinct) <= BINS:
        return float(_table(theirs, places).max(axis=0).sum() / len(theirs))
    along = theirs[np.lexsort((theirs, column))]
    return 1 - float((along[1:] != along[:-1]).mean())
