"""Labels that tell apart several rows of the data that agree with the same row of a table. Pure."""

from dataclasses import dataclass

import numpy as np

from checker.gather.rows.affine import TOLERANCE
from checker.gather.rows.tables import MIN_ROWS
from checker.gather.rows.values import are_numbers, cleaned
from checker.records.arrays import Array
from checker.scoring import targets

AGREEING = 0.9
"""Share of the matched rows whose labels must be the data's before labels tell other rows apart."""
MOST_CLASSES = 1_000


@dataclass(frozen=True)
class TableLabels:
    """The label of each row of a table, in the data's terms (n,); the data's own labels (m,); and how far two equal
    labels may be apart."""

    theirs: Array
    ours: Array
    tolerance: float

    def of(self, rows: Array) -> "TableLabels":
        """Return the labels of some of the table's rows."""
        return TableLabels(self.theirs[rows], self.ours, self.tolerance)


def table_labels(y: Array | None, rows: Array, ours: Array) -> TableLabels | None:
    """Return a table's labels in the data's terms, if those of the matched rows are the data's; else None."""
    if y is None:
        return None
    theirs = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    if len(theirs) != len(rows) or theirs.dtype.kind not in "iufb":
        return None
    theirs = cleaned(theirs)
    known = (rows >= 0) & np.isfinite(theirs)
    if known.sum() < MIN_ROWS:
        return None
    if are_numbers(ours):
        match = targets.match(theirs[known], ours[rows[known]], ours)
        if match.scale is None or match.differ > (1 - AGREEING) * known.sum() or not match.scale.factor:
            return None
        return TableLabels(targets.undo(match.scale, theirs), ours, TOLERANCE * float(np.std(ours)))
    values, index = np.unique(theirs[known], return_inverse=True)
    if len(values) > MOST_CLASSES:
        return None
    classes = int(ours.max()) + 1
    places = index * classes + ours[rows[known]]
    counts = np.bincount(places, minlength=len(values) * classes).reshape(-1, classes)
    if counts.max(axis=1).sum() < AGREEING * known.sum():
        return None
    place = np.minimum(np.searchsorted(values, theirs), len(values) - 1)
    return TableLabels(np.where(values[place] == theirs, counts.argmax(axis=1)[place], -1.0), ours, 0.25)
