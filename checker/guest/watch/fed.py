"""Data given to a model, as plain arrays and a record that names them.

Theory of operation: any data that a student passes to ``fit``, ``evaluate`` or ``predict`` becomes one table of rows.
Several inputs are laid side by side; inputs with more than two axes are flattened. Data sets and sequences can be read
again, so they are read once through. A generator cannot, so its batches are recorded while ``fit`` draws from it. If
the rows have a pandas index of integers, it is kept: through splits and shuffles it still gives each row's number in
the file.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from checker.records.arrays import Array
from checker.records.capture import Fed
from checker.wire import frames

MAX_BYTES = 64 * 2**20
"""Larger arrays are noted by their row count only; the whole data set has 1.5 MB."""
MAX_BATCHES = 50_000
FEW_BATCHES = 1_000
"""Number of batches read from an endless data set, if the call sets none."""
MIN_INDEXED = 50
"""Fewer rows are matched with no data set, so their index is not sent."""
MAX_INPUTS = 20
"""Maximum number of one model's inputs that are searched for an index."""


@dataclass(frozen=True)
class Data:
    """Data on its way into a model: the record, features and labels, the batch size if there is one, and the index (n,)
    of the rows if it says more than their order."""

    fed: Fed
    arrays: tuple[Array, ...] = ()
    batch: int | None = None
    index: Array | None = None

    @property
    def sent(self) -> tuple[Array, ...]:
        """All arrays that the record refers to."""
        return self.arrays if self.fed.index is None or self.index is None else (*self.arrays, self.index)

    def part(self, rows: slice | Array) -> "Data":
        """Return the data of some of the rows."""
        return _data(tuple(array[rows] for array in self.arrays), None if self.index is None else self.index[rows])

    @property
    def width(self) -> int | None:
        """Number of feature columns; None unless the features are one table."""
        return self.fed.x.shape[1] if self.fed.x is not None and len(self.fed.x.shape) == 2 else None


def note(x: Any, y: Any = None, names: Sequence[str] = (), steps: int | None = None) -> Data:
    """Return the data of a call's ``x`` and ``y`` as far as it can be kept.

    ``names`` are the names of the model's inputs; ``steps`` is the number of batches to read from a data set without an
    end.
    """
    if y is None and is_in_batches(x):
        return from_batches(_read(x, steps), names)
    features = table(x, names)
    if features is None:
        return Data(Fed(rows=length(x), note=f"given as {type(x).__module__.split('.')[0]} {type(x).__name__}"))
    labels = None if y is None else as_array(y)
    if labels is not None and (len(labels) != len(features) or labels.ndim > 2):
        labels = None
    indices = [found for part in (x, y) if (found := index_of(part)) is not None and len(found) == len(features)]
    index = next(itertools.chain(itertools.filterfalse(_counts, indices), indices), None)
    return _data((features,) if labels is None else (features, labels), index)


def _data(arrays: tuple[Array, ...], index: Array | None = None) -> Data:
    named = [frames.reference(a) for a in arrays]
    is_told = index is not None and len(index) >= MIN_INDEXED and not _counts(index)
    beside = frames.reference(index) if index is not None and is_told else None
    fed = Fed(rows=len(arrays[0]), x=named[0], y=named[1] if len(named) > 1 else None, index=beside)
    return Data(fed, arrays, index=index)


def index_of(value: Any) -> Array | None:
    """Return the integer pandas index of a table, or the first one among several tables; None if there is none."""
    if isinstance(value, Mapping | list | tuple):
        parts = itertools.islice(value.values() if isinstance(value, Mapping) else value, MAX_INPUTS)
        return next((found for part in parts if (found := _own_index(part)) is not None), None)
    return _own_index(value)


def _own_index(value: Any) -> Array | None:
    try:
        numbers = value.index.to_numpy()
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or numbers.nbytes > MAX_BYTES:
            return None
        return np.asarray(numbers, dtype=np.int64)
    except Exception:  # noqa: BLE001  # a student's own objects may raise anything
        return None


def _counts(index: Array) -> bool:
    """Tell whether an index only counts the rows, like a new table's, and so adds nothing to their order."""
    return bool((np.diff(index) == 1).all())


def table(x: Any, names: Sequence[str] = ()) -> Array | None:
    """Return inputs as one table of shape (rows, columns), or (rows,); None if they hold no numbers."""
    if isinstance(x, Mapping):
        x = [x[name] for name in names if name in x] if set(names) & set(x) else list(x.values())
    if isinstance(x, tuple) or (isinstance(x, list) and x and hasattr(x[0], "shape") and len(x[0].shape) >= 1):
        parts = [as_array(part) for part in x]
        known = [_flat(part) for part in parts if part is not None]
        if len(known) != len(x) or not known or len({len(part) for part in known}) != 1:
            return None
        return known[0] if len(known) == 1 else np.concatenate([_column(part) for part in known], axis=1)
    values = as_array(x)
    return None if values is None else _flat(values)


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1) if values.ndim > 2 else values


def _column(values: Array) -> Array:
    return values[:, None] if values.ndim == 1 else values


def as_array(value: Any) -> Array | None:
    """Return numeric array-like data as an array; None for anything else."""
    if hasattr(value, "element_spec") or callable(getattr(value, "__next__", None)):
        return None
    try:
        plain = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
        if plain.dtype.name not in frames.DTYPES:
            plain = plain.astype(np.int64 if plain.dtype.kind in "iu" else np.float64)
    except (TypeError, ValueError, NotImplementedError):
        return None
    return plain if 1 <= plain.ndim <= 4 and plain.nbytes <= MAX_BYTES else None


def is_in_batches(x: Any) -> bool:
    """Tell whether data is a data set or a sequence of batches, both of which can be read again."""
    return hasattr(x, "element_spec") or (hasattr(x, "__getitem__") and type(x).__module__ != "builtins" and any(
        kind.__name__ in ("Sequence", "PyDataset") for kind in type(x).__mro__))  # fmt: skip


def _read(x: Any, steps: int | None) -> Iterable[Any]:
    if not hasattr(x, "element_spec"):
        return (x[i] for i in range(min(len(x), MAX_BATCHES)))
    endless = int(x.cardinality()) == -1
    return itertools.islice(iter(x), min(steps or (FEW_BATCHES if endless else MAX_BATCHES), MAX_BATCHES))


def from_batches(batches: Iterable[Any], names: Sequence[str] = ()) -> Data:
    """Return the rows of batches ``(x, y)``, each row once."""
    parts: list[Data] = []
    size = 0
    for batch in batches:
        pair = batch if isinstance(batch, tuple | list) else (batch, None)
        parts.append(note(pair[0], pair[1] if len(pair) > 1 else None, names))
        size += sum(array.nbytes for array in parts[-1].arrays)
        if size > MAX_BYTES or not parts[-1].arrays:
            break
    return replace(merge(parts), batch=parts[0].fed.rows if parts else None)


def listen(generator: Iterator[Any], heard: list[Any]) -> Iterator[Any]:
    """Pass a generator's batches on, and append them to ``heard``."""
    for batch in generator:
        if len(heard) < MAX_BATCHES:
            heard.append(batch)
        yield batch


def length(x: Any) -> int:
    """Return the number of rows, without consuming the data; 0 if it is unknown."""
    if isinstance(x, Mapping):
        x = list(x.values())
    if isinstance(x, list | tuple) and x:
        x = x[0]
    shape = getattr(x, "shape", None)
    return int(shape[0]) if shape else 0


def merge(parts: list[Data]) -> Data:
    """Return many small batches as one table, each row once."""
    if len({len(part.arrays) for part in parts}) != 1 or len({part.width for part in parts}) != 1:
        return Data(Fed(rows=sum(part.fed.rows for part in parts), note="batches that do not fit together"))
    columns = [[part.arrays[k] for part in parts] for k in range(len(parts[0].arrays))]
    if not columns or any(len({a.shape[1:] for a in column}) != 1 for column in columns):
        return Data(Fed(rows=sum(part.fed.rows for part in parts), note="batches that do not fit together"))
    joined = [np.concatenate(column) for column in columns]
    x = joined[0]
    _, first = np.unique(x.reshape(len(x), math.prod(x.shape[1:])), axis=0, return_index=True)
    first.sort()
    data = note(x[first], joined[1][first] if len(joined) > 1 else None)
    indices = [part.index for part in parts if part.index is not None]
    return _data(data.arrays, np.concatenate(indices)[first]) if data.arrays and len(indices) == len(parts) else data
