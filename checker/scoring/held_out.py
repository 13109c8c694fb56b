"""The rows that a seed holds out, and the rows of a submission that it trains on. Pure."""

from checker.records.arrays import Array
from checker.records.settings import RunSettings
from checker.scoring import splits
from checker.scoring.splits import Split


def held_out_split(
    seed: int, development: bool, rows: Array | None, settings: RunSettings, trainable: Array | None = None
) -> Split:
    """Return a seed's split, limited to the student's rows; without ``development``, its rows join training.

    ``trainable``: the rows for training and development; all rows if None.
    """
    whole = splits.split(settings.dataset.strata, settings.assignment.splits, seed)
    part = whole if development else splits.without_development(whole)
    return part if rows is None else splits.among(part, rows, trainable)


def held_out_rows(seed: int, settings: RunSettings) -> Array:
    """Return the rows that a seed holds out. They are the same for everyone."""
    return splits.split(settings.dataset.strata, settings.assignment.splits, seed).held_out
