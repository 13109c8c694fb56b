"""Values of a table as row matching uses them: cleaned, and sampled. Pure."""

import numpy as np

from checker.records.arrays import Array

LARGEST = 1e12


def cleaned(values: Array) -> Array:
    """Return values as float64; NaN replaces what is not finite or larger than any number the data set could give."""
    values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < LARGEST, values, np.nan)


def evenly_spaced(count: int, most: int) -> Array:
    """Return at most ``most`` row numbers, spread evenly."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def are_numbers(labels: Array) -> bool:
    """Tell a regression's numbers from a classification's class numbers."""
    return labels.dtype.kind == "f"
