"""The data set, prepared for row matching once for all files. Pure."""

from functools import lru_cache

import numpy as np

from checker.gather.rows import affine
from checker.gather.rows.points import AffinePoints
from checker.gather.rows.values import are_numbers
from checker.records.arrays import Array
from checker.records.dataset import Dataset


class KnownRows:
    """The rows whose features (n, d) and labels (n,) are known. Numeric labels are matched as a column too. Many
    threads may use it."""

    def __init__(self, features: Array, labels: Array) -> None:
        self.labels = labels
        self.features = np.column_stack([features, labels]) if are_numbers(labels) else features
        self.complete: Array = np.asarray(~np.isnan(self.features).any(axis=0))
        self.deviations: Array = np.nanstd(self.features, axis=0)
        self.shapes = affine.shapes_of(self.features)
        self.points = AffinePoints(self.features, labels, self.complete, self.deviations)


@lru_cache(maxsize=1)
def of_dataset(data: Dataset) -> KnownRows:
    """Return a data set's rows, prepared."""
    return KnownRows(data.features, data.labels)
