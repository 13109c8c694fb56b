"""Ranks of a column, and the correlation of two columns. Pure."""

import numpy as np

from checker.records.arrays import Array

DISTINCT = 20
"""A column with fewer distinct values is a code rather than an image."""
SAMPLE = 2_000
"""This many rows, spread over a table, decide whether it matches at all, and how."""


def ranks(column: Array) -> Array:
    """Return for each value the share of the values below it, plus half the share of equal ones; NaN for a gap."""
    found = np.full(len(column), np.nan)
    known = np.isfinite(column)
    _, index, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    if len(index):
        found[known] = ((np.cumsum(counts) - counts / 2) / len(index))[index]
    return found


def correlation(one: Array, other: Array, enough: int = DISTINCT) -> float:
    """Return the correlation of two columns (n,) over the rows without gaps; 0 for fewer than ``enough`` of these, and
    where a column does not vary."""
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if len(one) < enough or not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
