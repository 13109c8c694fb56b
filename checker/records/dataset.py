"""The data set of an assignment, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from checker.records.arrays import Array
from checker.records.assignment import DatasetNote


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The data set: its bytes, its feature columns as float64 (n, d), its labels (n,), its columns of words (n,).

    Labels are class numbers, int32, or the numbers to predict, float64. A target of words is among the latter too.
    """

    note: DatasetNote
    csv: bytes
    features: Array
    labels: Array
    words: Mapping[str, Array] = field(default_factory=dict)

    @property
    def strata(self) -> Array:
        """The groups (n,) that every split shares out alike: the classes, or tenths of the rows by the numbers."""
        if self.labels.dtype.kind != "f":
            return self.labels
        return tenths(self.labels)


def tenths(values: Array) -> Array:
    """Return in which tenth of the rows each value lies (n,), from 0 on; equal values are in one."""
    return np.searchsorted(np.quantile(values, np.linspace(0.1, 0.9, 9)), values)
