"""Results of matching: the rows that tables hold, and the maps that lead to them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from checker.gather.rows import monotone
from checker.gather.rows.affine import QUANTILES, AffineMap, AffineMaps
from checker.gather.rows.mixtures import Mixture
from checker.gather.rows.monotone import MonotoneMap
from checker.records.arrays import Array
from checker.records.capture import Fed

ALIKE = 0.05
"""In deviations of the data: preparations that differ by less count as one, as with a scaler fitted anew for each fold.
"""
ColumnMap = AffineMap | MonotoneMap


@dataclass(frozen=True)
class RowMatch:
    """The rows (n,) of the data set that a table holds, -1 where no row or several agree; and how they were matched: by
    affine or monotone maps of columns, or by a mixture where no column is one of the data's."""

    rows: Array
    maps: tuple[ColumnMap, ...] = ()
    mixture: Mixture | None = None

    @cached_property
    def affine(self) -> AffineMaps:
        """The maps, if all are affine; else empty."""
        return tuple(m for m in self.maps if isinstance(m, AffineMap))

    @cached_property
    def monotone(self) -> monotone.MonotoneMaps:
        """The maps, if all are monotone; else empty."""
        return tuple(m for m in self.maps if isinstance(m, MonotoneMap))

    @property
    def count(self) -> int:
        """How many rows were matched."""
        return int((self.rows >= 0).sum())


@dataclass(frozen=True)
class MatchedTables:
    """A network's tables by hash, the last training data first; the rows of the data set for each matched table, -1
    where no row or several agree; and how the columns of the first matched table come from the data set's."""

    tables: Mapping[str, Array]
    rows: Mapping[str, Array]
    maps: tuple[ColumnMap, ...] = ()
    first: RowMatch | None = None

    def rows_of(self, *fed: Fed | None) -> Array:
        """Return the rows of the data set that some fed data hold, each once, sorted."""
        parts = [self.rows[f.x.sha256] for f in fed if f is not None and f.x is not None and f.x.sha256 in self.rows]
        rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        return rows[rows >= 0]


def are_alike(one: RowMatch, other: RowMatch, deviations: Array) -> bool:
    """Tell whether two tables' columns come from the data set in nearly the same way."""
    if one.mixture is not None or other.mixture is not None:
        return one.mixture is not None and other.mixture is not None and _mix_alike(one.mixture, other.mixture)
    if [(m.column, m.source) for m in one.maps] != [(m.column, m.source) for m in other.maps]:
        return False
    if len(one.affine) == len(one.maps) and len(other.affine) == len(other.maps):
        return all(
            abs(a.scale - b.scale) + abs(a.offset - b.offset) <= ALIKE * deviations[a.source]
            for a, b in zip(one.affine, other.affine, strict=True)
        )
    if len(one.monotone) == len(one.maps) and len(other.monotone) == len(other.maps):
        return all(_bend_alike(a, b) for a, b in zip(one.monotone, other.monotone, strict=True))
    return False


def _mix_alike(one: Mixture, other: Mixture) -> bool:
    """Tell whether two mixtures are nearly the same."""
    if one.terms != other.terms or not np.array_equal(one.columns, other.columns):
        return False
    return bool((np.abs(one.weights - other.weights) <= ALIKE * one.deviations).all())


def _bend_alike(one: MonotoneMap, other: MonotoneMap) -> bool:
    """Tell whether two monotone maps of one column are nearly the same."""
    values = np.quantile(one.values, QUANTILES)
    apart = np.abs(np.interp(values, one.values, one.images) - np.interp(values, other.values, other.images))
    return bool(np.median(apart) <= ALIKE * float(np.std(one.images)))
