"""The tables of a network that are matched, and the labels and index that came with each. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from checker.gather.rows.values import cleaned
from checker.records.arrays import Array
from checker.records.capture import ModelCapture

MIN_ROWS = 50
MAX_COLUMNS = 500
MAX_FED = 2_000
"""Limit on the tables of one network that are searched; training tables come first."""
ENOUGH_FOR_SHAPE = 100_000


@dataclass(frozen=True)
class SideData:
    """The labels of a table, (n,) or (n, classes), and its pandas index (n,), which is a claim."""

    y: Array | None = None
    index: Array | None = None

    def joined(self, other: "SideData") -> "SideData":
        """Return this side data, with missing parts taken from the other."""
        return SideData(other.y if self.y is None else self.y, other.index if self.index is None else self.index)


class Tables(Mapping[str, Array]):
    """Feature tables of one width by hash, within a limit on their values; converted to float64 on access."""

    def __init__(self, arrays: Mapping[str, Array], most_values: int) -> None:
        self._arrays: dict[str, Array] = {}
        width, left = 0, most_values
        for digest, values in arrays.items():
            if _is_table(values) and (not width or values.shape[1] == width) and values.size <= left:
                width, left = values.shape[1], left - values.size
                self._arrays[digest] = values

    def __getitem__(self, digest: str) -> Array:
        return cleaned(self._arrays[digest])

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def rows(self, digest: str) -> int:
        """Return how many rows a table has."""
        return len(self._arrays[digest])

    def sampled(self) -> Array:
        """Return rows of all tables together; of many rows, an evenly spread sample."""
        every = max(1, sum(map(len, self._arrays.values())) // ENOUGH_FOR_SHAPE)
        return np.concatenate([cleaned(values[::every]) for values in self._arrays.values()])


def tables_fed(model: ModelCapture, arrays: Mapping[str, Array]) -> dict[str, SideData]:
    """Return each table that a network was fed once, the last training data first, with its side data."""
    fed = [fit.training for fit in reversed(model.fits)]
    fed += [fit.validation for fit in reversed(model.fits) if fit.validation is not None]
    fed += [use.fed for use in model.uses]
    given: dict[str, SideData] = {}
    for one in fed:
        x = None if one.x is None else arrays.get(one.x.sha256)
        if one.x is not None and x is not None and (one.x.sha256 in given or len(given) < MAX_FED):
            y, index = (None if ref is None else arrays.get(ref.sha256) for ref in (one.y, one.index))
            beside = SideData(y, index if index is not None and _is_index(index, x) else None)
            given[one.x.sha256] = given.get(one.x.sha256, SideData()).joined(beside)
    return given


def _is_index(index: Array, table: Array) -> bool:
    return index.dtype.kind == "i" and index.shape == table.shape[:1]


def _is_table(values: Array) -> bool:
    return values.ndim == 2 and len(values) > 0 and 0 < values.shape[1] <= MAX_COLUMNS
