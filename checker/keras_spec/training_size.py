"""The number of rows from which on a training is more than a toy. Pure."""

ENOUGH_SHARE = 0.05
"""Share of the data set's rows from which on a training is more than a toy."""


def enough_rows(dataset_rows: int) -> int:
    """Return the number of rows from which on a training is more than a toy."""
    return round(dataset_rows * ENOUGH_SHARE)
