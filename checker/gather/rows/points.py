"""The data set's rows as points in a k-d tree: which of them lies near a row of a table. Pure."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from checker.gather.rows.affine import TOLERANCE, AffineMap, AffineMaps
from checker.gather.rows.tiebreaks import TableLabels
from checker.gather.rows.values import are_numbers
from checker.records.arrays import Array

MAX_TREES = 8
CHUNK = 50_000


@dataclass(frozen=True)
class _PointSet:
    """Rows of the data set as points in a tree. Equal points are stored once, with the ``first`` of their rows;
    ``is_one``: there was only one row."""

    tree: "scipy.spatial.cKDTree"
    first: Array
    is_one: Array


class AffinePoints:
    """The data set's rows as points, among which affine maps place the rows of a table: features (n, d), and labels
    (n,)."""

    def __init__(self, features: Array, labels: Array, complete: Array, deviations: Array) -> None:
        self._features, self._labels = features, labels
        self._complete, self._deviations = complete, deviations
        self._space = lru_cache(maxsize=MAX_TREES)(self._build_space)

    def nearest(self, table: Array, maps: AffineMaps) -> Array:
        """Return the nearest row of the data set for each row of a table, at any distance."""
        space = self._space(self._sources(maps))
        return np.asarray(space.first[space.tree.query(np.nan_to_num(self.wanted(table, maps)))[1]])

    def only_near(self, table: Array, maps: AffineMaps, labels: TableLabels | None = None) -> Array:
        """Return the row of the data set that agrees with each row of a table, and with its label where labels are
        passed; -1 where no row or several agree."""
        space = self._space(self._sources(maps), labels is not None)
        wanted = self.wanted(table, maps)
        if labels is not None:
            wanted = np.column_stack([wanted, self._label_points(labels.theirs)])
        return only_near(space, wanted)

    def _label_points(self, labels: Array) -> Array:
        """Return labels as a coordinate that sets different labels far apart."""
        return labels / float(np.std(self._labels)) if are_numbers(self._labels) else labels.astype(np.float64)

    def _sources(self, maps: AffineMaps) -> tuple[int, ...]:
        return tuple(m.source for m in self.used(maps))

    def _build_space(self, sources: tuple[int, ...], with_label: bool = False) -> _PointSet:
        """Return the data set as points: the source columns, and the label if ``with_label``."""
        columns = list(sources)
        points = np.nan_to_num(self._features[:, columns]) / self._deviations[columns]
        return space_of(np.column_stack([points, self._label_points(self._labels)]) if with_label else points)

    def wanted(self, table: Array, maps: AffineMaps) -> Array:
        """Return a table's rows as points among the data set's; a row with a gap is NaN."""
        used = self.used(maps)
        wanted = np.column_stack([table[:, m.column] * m.scale + m.offset for m in used])
        wanted /= self._deviations[[m.source for m in used]]
        return np.where(np.isfinite(wanted).all(axis=1, keepdims=True), wanted, np.nan)

    def used(self, maps: AffineMaps) -> list[AffineMap]:
        """Return one map for each source column that identifies rows."""
        by_source = {m.source: m for m in reversed(maps)}
        one_each = [m for m in maps if by_source[m.source] is m]
        return [m for m in one_each if self._complete[m.source]] or one_each


def space_of(points: Array) -> _PointSet:
    """Return points (n, d) as a set to be searched."""
    points, first, counts = np.unique(points, axis=0, return_index=True, return_counts=True)
    return _PointSet(scipy.spatial.cKDTree(points), first, counts == 1)


def only_near(space: _PointSet, wanted: Array) -> Array:
    """Return the row of the single point near each wanted point; -1 where no point or several are near."""
    found = np.full(len(wanted), -1, dtype=np.int64)
    known = np.flatnonzero(np.isfinite(wanted).all(axis=1))
    for part in np.array_split(known, max(1, len(known) // CHUNK)):
        found_there = space.tree.query(wanted[part], k=2, distance_upper_bound=2.1 * TOLERANCE)
        distances, points = np.asarray(found_there[0]), np.asarray(found_there[1])
        nearest = np.minimum(points[:, 0], space.tree.n - 1)
        is_it = (distances[:, 0] < TOLERANCE) & (distances[:, 1] > 2 * TOLERANCE) & space.is_one[nearest]
        found[part] = np.where(is_it, space.first[nearest], -1)
    return found
