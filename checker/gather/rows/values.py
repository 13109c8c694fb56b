"""Values of a table as row matching uses them: cleaned, and sampled. Pure."""

import numpy as np

from checker.records.arrays import Array

LARGEST = 1e12


def cleaned(values: Array) -> Array:
    """Return values as float64; NaN replaces infinite ones and any that are too large to come from the data set."""
    values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < LARGEST, values, np.nan)


def evenly_spaced(count: int, most: int) -> Array:
    """Return at most ``most`` row numbers, spread evenly."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def are_numbers(labels: Array) -> bool:
    """Tell whether labels are a regression's numbers, and not class numbers."""
    return labels.dtype.kind == "f"
