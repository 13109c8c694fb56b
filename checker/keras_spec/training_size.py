"""The minimum number of rows of a training that is more than a toy. Pure."""

ENOUGH_SHARE = 0.05
"""Minimum share of the data set's rows in a training that is more than a toy."""


def enough_rows(dataset_rows: int) -> int:
    """Return the minimum number of rows of a training that is more than a toy."""
    return round(dataset_rows * ENOUGH_SHARE)
