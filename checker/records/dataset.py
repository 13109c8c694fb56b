"""The data set of an assignment, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from checker.records.arrays import Array
from checker.records.assignment import DatasetNote


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """The data set: its bytes, its numeric features (n, d), float64, its labels (n,), and its columns of words (n,).

    Labels are class numbers, int32, or the numbers to predict, float64. A target of words is also among ``words``.
    """

    note: DatasetNote
    csv: bytes
    features: Array
    labels: Array
    words: Mapping[str, Array] = field(default_factory=dict)

    @property
    def strata(self) -> Array:
        """The strata (n,) of every split: the classes, or tenths of the rows by the target."""
        if self.labels.dtype.kind != "f":
            return self.labels
        return tenths(self.labels)


def tenths(values: Array) -> Array:
    """Return the number (n,), from 0, of the tenth of the rows that each value lies in; equal values share a tenth."""
    return np.searchsorted(np.quantile(values, np.linspace(0.1, 0.9, 9)), values)
