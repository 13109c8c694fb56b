"""Rows that a model was given batch by batch, each kept once.

Theory of operation: an epoch repeats the rows of the one before, mostly shuffled, so a row is identified by its bytes.
``Rows`` returns them in an order that does not depend on shuffling, so that two passes over the same rows give the same
data. ``Batches`` returns them in the order of arrival, with the student's own dtype and pandas's row numbers.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from checker.guest.watch import fed
from checker.guest.watch.fed import Data
from checker.records.arrays import Array
from checker.records.capture import Fed


class RowStore(Protocol):
    """Keeps the rows of batches."""

    def add(self, x: Any, y: Any = None) -> int:
        """Keep a batch's new rows; return the batch's number of rows, 0 if unknown."""

    def data(self) -> Data:
        """Return all rows as one table."""


class Rows:
    """Rows that came in batches, each kept once; features as float32."""

    def __init__(self) -> None:
        self.parts: list[tuple[Array, ...]] = []
        self.known: set[bytes] = set()
        self.batches: set[int] = set()
        self.bytes = 0
        self.note = ""

    def add(self, x: Any, y: Any = None) -> int:
        """Keep a batch's rows that are new."""
        size = len(x) if getattr(x, "shape", ()) else 0
        data = Data(Fed(rows=0, note="nothing")) if x is None else fed.note(x, y)
        if not data.arrays or data.arrays[0].ndim != 2:
            self.note = self.note or data.fed.note or "the batches are no tables"
            return size
        arrays = (_plain(data.arrays[0]), *data.arrays[1:])
        if (digest := hash(arrays[0].tobytes())) in self.batches:
            return size
        self.batches.add(digest)
        keys = _keys(arrays[0])
        new = [at for at, key in enumerate(keys) if key not in self.known]
        self.known.update(keys)
        self.bytes += arrays[0][new].nbytes
        if new and self.bytes <= fed.MAX_BYTES:
            self.parts.append(tuple(array[new] for array in arrays))
        return size

    def holds(self, table: Array) -> bool:
        """Tell whether all rows of a table are among these."""
        return all(key in self.known for key in _keys(_plain(table)))

    def data(self) -> Data:
        """Return all rows as one table, sorted by their features."""
        kinds = {tuple((array.shape[1:], array.dtype) for array in part) for part in self.parts}
        if len(kinds) != 1:
            return Data(Fed(rows=0, note=self.note or "batches that do not fit together"))
        joined = [np.concatenate(arrays) for arrays in zip(*self.parts, strict=True)]
        _, order = np.unique(joined[0], axis=0, return_index=True)
        return fed.note(joined[0][order], joined[1][order] if len(joined) > 1 else None)


def _plain(table: Array) -> Array:
    return np.ascontiguousarray(table, dtype=np.float32)


def _keys(table: Array) -> list[bytes]:
    return [row.tobytes() for row in table]


class Batches:
    """Rows in the order of arrival; ``names`` are the names of the model's inputs."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = names
        self.parts: list[Data] = []
        self.known: set[bytes] = set()
        self.bytes = 0

    def add(self, x: Any, y: Any = None) -> int:
        """Keep a batch's rows that are new."""
        data = fed.note(x, y, self.names)
        if not data.arrays:
            self.parts.append(data)
        elif self.bytes < fed.MAX_BYTES:
            keys = _keys(_canonical(data.arrays[0]))
            new = [at for at, key in enumerate(keys) if key not in self.known]
            self.known.update(keys)
            if new:
                self.parts.append(data.part(np.array(new)))
                self.bytes += self.parts[-1].arrays[0].nbytes
        return data.fed.rows

    def data(self) -> Data:
        """Return all rows as one table."""
        return fed.merge(self.parts)


def _canonical(features: Array) -> Array:
    """Return features as a table in which equal rows have equal bytes: minus zero is zero."""
    table = features.reshape(len(features), -1)
    return np.ascontiguousarray(table + 0.0 if table.dtype.kind == "f" else table)
