"""Values of a table as row matching takes them: cleaned, and a sample of them. Pure."""

import numpy as np

from checker.records.arrays import Array

LARGEST = 1e12


def sober(values: Array) -> Array:
    """Return float64; what is no number, or larger than any that the data set could give, is NaN."""
    values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < LARGEST, values, np.nan)


def spread(count: int, most: int) -> Array:
    """Return so many row numbers at most, spread evenly."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def are_numbers(labels: Array) -> bool:
    """Tell the numbers of a regression from the class numbers of a classification."""
    return labels.dtype.kind == "f"
