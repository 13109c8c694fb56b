"""Monotone maps of columns, and which rows of the data set a table holds under them. Pure.

Theory of operation: a logarithm, a root, a power or quantile transformation keeps a column's order, and clipping or
rounding only ties values together. So a map is a list of steps: equal values of the data give equal values of the
table, and larger values no smaller ones. A row of a table matches where a row of the data gives its value in every
column: exactly, where the map holds that value, or else between the images of its neighbours (``MonotoneImage``). The
maps themselves come from ranks (``rank_matching``).
"""

from dataclasses import dataclass

import numpy as np
import scipy

from checker.gather.rows.tiebreaks import TableLabels
from checker.records.arrays import Array

ROUNDING = 1e-6
"""Maximum error of a value, in deviations of a table's column."""
NEIGHBOURS, MEMBERS = 4, 3
"""Limits on the points, and on the rows at each point, that are tried for a row."""
FARTHEST = 0.2
CHUNK = 20_000


@dataclass(frozen=True)
class MonotoneMap:
    """The student's column ``column`` rises, or else falls, with the data set's column ``source``.

    ``values`` (m,) are the data's, strictly rising; ``images`` (m,) are the student's values for them, and ``places``
    (m,) the shares of the student's rows below these images.
    """

    column: int
    source: int
    values: Array
    images: Array
    places: Array

    def of_data(self, values: Array) -> Array:
        """Return the places of the data's values (n,) among the student's rows."""
        return np.interp(values, self.values, self.places)

    def of_table(self, values: Array) -> Array:
        """Return the places of the student's values (n,)."""
        order = slice(None) if self.images[0] <= self.images[-1] else slice(None, None, -1)
        return np.interp(values, self.images[order], self.places[order])

    def bounds(self, values: Array) -> tuple[Array, Array, Array]:
        """Return the lowest and the highest student's value that each of the data's values (n,) may have, and whether
        both are the same."""
        below, above = (np.searchsorted(self.values, values, side) for side in ("left", "right"))
        is_known = above > below
        rises = self.images[0] <= self.images[-1]
        ends = np.concatenate([[-np.inf], self.images, [np.inf]] if rises else [[np.inf], self.images, [-np.inf]])
        first, last = ends[np.where(is_known, below + 1, below)], ends[below + 1]
        return np.minimum(first, last), np.maximum(first, last), first == last


MonotoneMaps = tuple[MonotoneMap, ...]


class MonotoneImage:
    """The data set under monotone maps of its ``complete`` columns."""

    def __init__(self, maps: MonotoneMaps, features: Array, complete: Array) -> None:
        self._maps = list({m.source: m for m in reversed(maps) if complete[m.source]}.values())
        if not self._maps:
            return
        points = np.column_stack([m.of_data(features[:, m.source]) for m in self._maps])
        points, index, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
        self._tree = scipy.spatial.cKDTree(points)
        self._members = np.argsort(index.reshape(-1), kind="stable")
        self._starts = np.cumsum(np.append(0, counts))
        self._bounds = [m.bounds(features[:, m.source]) for m in self._maps]

    def rows_of(self, table: Array, labels: TableLabels | None = None) -> Array:
        """Return the row of the data set that the maps give for each row; -1 where no row or several agree."""
        found = np.full(len(table), -1, dtype=np.int64)
        columns = [m.column for m in self._maps]
        known = np.flatnonzero(np.isfinite(table[:, columns]).all(axis=1)) if columns else found[:0]
        for part in np.array_split(known, len(known) // CHUNK + 1) if len(known) else ():
            found[part] = self._best(table[part], None if labels is None else labels.of(part))
        return found

    def may_be(self, table: Array, rows: Array) -> Array:
        """Tell whether rows of a table (n, c) may be these rows (n,) of the data set; a row -1 is none."""
        known = np.maximum(rows, 0)
        return np.asarray((rows >= 0) & (self._agreement(table, known) >= 0))

    def _best(self, values: Array, labels: TableLabels | None) -> Array:
        """Return the one row of the data set that agrees best with each row of a table without gaps."""
        wanted = np.column_stack([m.of_table(values[:, m.column]) for m in self._maps])
        nearest = np.asarray(self._tree.query(wanted, k=NEIGHBOURS, distance_upper_bound=FARTHEST)[1])
        best, score, rivals = (np.full(len(values), start, dtype=np.int64) for start in (-1, -1, 0))
        for point in nearest.T:
            is_point = point < self._tree.n
            first, last = (self._starts[np.where(is_point, point, 0) + end] for end in (0, 1))
            for number in range(MEMBERS):
                row = self._members[np.minimum(first + number, last - 1)]
                exact = self._agreement(values, row)
                agrees = is_point & (first + number < last) & (exact >= 0)
                if labels is not None:
                    agrees &= np.abs(labels.theirs - labels.ours[row]) <= labels.tolerance
                is_better, is_rival = agrees & (exact > score), agrees & (exact == score)
                is_rival |= is_better & (last - first > MEMBERS)  # rows beyond the limit are not tried
                rivals = np.where(is_better, 0, rivals) + is_rival
                best, score = np.where(is_better, row, best), np.where(is_better, exact, score)
        return np.where(rivals == 0, best, -1)

    def _agreement(self, values: Array, rows: Array) -> Array:
        """Return in how many columns a row of the data gives exactly the table's values; -1 where some column rules it
        out."""
        exact = np.zeros(len(values), dtype=np.int64)
        agrees = np.ones(len(values), dtype=bool)
        for m, (low, high, is_known) in zip(self._maps, self._bounds, strict=True):
            rounding, value = ROUNDING * float(np.std(m.images)), values[:, m.column]
            agrees &= (low[rows] - rounding <= value) & (value <= high[rows] + rounding)
            exact += is_known[rows]
        return np.where(agrees, exact, -1)
