"""What a model was given, as plain arrays and a record that names them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from checker import frames
from checker.frames import Array
from checker.records import Fed

MAX_BYTES = 64 * 2**20
"""Larger arrays are noted by their row count only; the whole data set has 1.5 MB."""


@dataclass(frozen=True)
class Data:
    """Data on its way into a model: the record and the arrays that it refers to."""

    fed: Fed
    arrays: tuple[Array, ...] = ()

    @property
    def width(self) -> int | None:
        """Number of feature columns, where there is one table of features."""
        return self.fed.x.shape[1] if self.fed.x is not None and len(self.fed.x.shape) == 2 else None


def note(x: Any, y: Any = None) -> Data:
    """Return what can be kept of a call's ``x`` and ``y``."""
    if isinstance(x, dict | tuple) or (isinstance(x, list) and x and hasattr(x[0], "shape") and x[0].ndim > 1):
        return Data(Fed(_length(x), note="several inputs at once"))
    features = as_array(x)
    if features is None:
        return Data(Fed(_length(x), note=f"given as {type(x).__module__.split('.')[0]} {type(x).__name__}"))
    labels = None if y is None else as_array(y)
    if labels is not None and len(labels) != len(features):
        labels = None
    arrays = (features,) if labels is None else (features, labels)
    named = [frames.reference(a) for a in arrays]
    return Data(Fed(len(features), named[0], named[1] if len(named) > 1 else None), arrays)


def as_array(value: Any) -> Array | None:
    """Return array-like data of numbers as an array, at most two-dimensional; None for anything else."""
    if hasattr(value, "element_spec") or callable(getattr(value, "__next__", None)):
        return None
    try:
        plain = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
        if plain.dtype.name not in frames.DTYPES:
            plain = plain.astype(np.int64 if plain.dtype.kind in "iu" else np.float64)
    except (TypeError, ValueError):
        return None
    return plain if 1 <= plain.ndim <= 2 and plain.nbytes <= MAX_BYTES else None


def _length(x: Any) -> int:
    """Return the number of rows as far as it can be told without using the data up."""
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, list | tuple) and x:
        x = x[0]
    shape = getattr(x, "shape", None)
    if shape:
        return int(shape[0])
    cardinality = getattr(x, "cardinality", None)
    count = int(cardinality()) if callable(cardinality) else 0
    batch = getattr(x, "_batch_size", 1)
    return max(0, count) * (int(batch) if isinstance(batch, int) or getattr(batch, "ndim", 1) == 0 else 1)


def merge(parts: list[Data]) -> Data:
    """Return many small batches as one, each row once."""
    xs = [part.arrays[0] for part in parts if len(part.arrays) == 2]
    ys = [part.arrays[1] for part in parts if len(part.arrays) == 2]
    if not xs or len({x.shape[1:] for x in xs}) != 1 or len({y.shape[1:] for y in ys}) != 1:
        return Data(Fed(sum(part.fed.rows for part in parts), note="batches that do not fit together"))
    x, y = np.concatenate(xs), np.concatenate(ys)
    _, first = np.unique(x.reshape(len(x), math.prod(x.shape[1:])), axis=0, return_index=True)
    first.sort()
    return note(x[first], y[first])
