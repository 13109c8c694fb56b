"""Which rows of the data set a table holds whose columns are monotone images of the data's: found from ranks.

Theory of operation: a logarithm, a root, a power or quantile transformation keeps a column's order, and clipping or
rounding only ties values together. So a table's columns are compared with the data's by *ranks*, each as the share of
rows below (``ranks``): of a part drawn at random, ranks differ from those of the whole by about one in the root of its
rows. Which columns belong together is told by their places, or by how often their values are repeated (``_repeats``),
and by their correlations, which no monotone map changes (``_pairings``). A row's provisional identity is the row of the
data with the nearest ranks, where no second one is nearly as near. Pairs of values then show the map itself, as steps
(``_steps``): equal values of the data give equal values of the table, and larger ones no smaller; what does not fit is
left out. Two rounds settle it. A row counts as found where a row of the data gives its value in every column: exactly,
where the map is known for that value, or between those of its neighbours (``Image``). Pure.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from checker.records.arrays import Array

SAMPLE = 2_000
"""So many rows, spread over a table, tell whether it matches at all, and how."""
MOST_COLUMNS = 60
BANDS = 24
"""Parts of a distribution in each of which repeated values are counted."""
UNLIKE = 0.08
"""By how much two rank correlations may differ that should be one."""
CLEAR = 0.6
"""Of the distance to the second nearest row: nearer, the nearest is the one."""
SOME_CLEAR = 0.25
"""Share of a sample that has clear rows: of nine unrelated columns less than a tenth has, of three a fifth."""
FITTING = 0.9
"""Share of the pairs of values that fit a monotone map."""
DISTINCT = 20
"""Values below which a column is a code rather than an image."""
ROUNDING = 1e-6
"""In deviations of a table's column."""
NEIGHBOURS, MEMBERS = 4, 3
"""So many points, and rows at each of them, are looked at as a row's identity."""
FARTHEST = 0.2
CHUNK = 20_000


@dataclass(frozen=True)
class MonotoneMap:
    """Student's column ``column`` rises, or else falls, with the data set's column ``source``.

    Of the data's ``values`` (m,), which rise strictly, ``images`` (m,) are the student's values, and ``places`` (m,)
    the shares of the student's rows that lie below these.
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
        """Return between which values of the student's those of the data (n,) lie, and whether these are the same."""
        below, above = (np.searchsorted(self.values, values, side) for side in ("left", "right"))
        is_known = above > below
        rises = self.images[0] <= self.images[-1]
        ends = np.concatenate([[-np.inf], self.images, [np.inf]] if rises else [[np.inf], self.images, [-np.inf]])
        first, last = ends[np.where(is_known, below + 1, below)], ends[below + 1]
        return np.minimum(first, last), np.maximum(first, last), first == last


Maps = tuple[MonotoneMap, ...]


def ranks(column: Array) -> Array:
    """Return the share of known values that lie below each, of equal ones half; NaN for what is unknown."""
    found = np.full(len(column), np.nan)
    known = np.isfinite(column)
    _, index, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    if len(index):
        found[known] = ((np.cumsum(counts) - counts / 2) / len(index))[index]
    return found


def spread(count: int, most: int) -> Array:
    """Return so many row numbers at most, spread evenly."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def guess(table: Array, features: Array, complete: Array) -> tuple[Array, Array]:
    """Return the provisional identities of some of a table's rows: their places in it, and the rows of the data."""
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    theirs = np.column_stack([ranks(column) for column in table.T[:MOST_COLUMNS]])
    sources = np.flatnonzero(complete)
    ours = np.full(features.shape, np.nan)
    for source in sources:
        ours[:, source] = ranks(features[:, source])
    some = spread(len(table), SAMPLE)
    found = [
        (pairs, *_clear(theirs[some], np.column_stack([_turned(ours[:, k], sign) for _, k, sign in pairs]), pairs))
        for pairs in _pairings(theirs, table, features, ours, sources)
    ]
    if not found:
        return nothing
    pairs, places, rows = max(found, key=lambda one: len(one[1]))
    if len(places) < SOME_CLEAR * len(some):
        return nothing
    for _ in range(3):
        steps = [(j, k, _steps(features[rows, k], theirs[some[places], j])) for j, k, _ in pairs]
        good = [(j, k, step) for j, k, step in steps if len(step[0]) > 1 and step[2] > FITTING / 2]
        if not good:
            return nothing
        pairs = tuple((j, k, 1) for j, k, _ in good)
        images = np.column_stack([np.interp(features[:, k], step[0], step[1]) for _, k, step in good])
        places, rows = _clear(theirs[some], images, pairs)
        if len(places) < SOME_CLEAR * len(some):
            return nothing
    return some[places], rows


def fit(table: Array, places: Array, rows: Array, features: Array) -> Maps:
    """Return the monotone maps between columns, given identities of some of a table's rows.

    Where several of the data's columns would do, as none should, the one at the same place is taken.
    """
    some = spread(len(rows), SAMPLE)
    ours = np.column_stack([ranks(column) for column in features[rows[some]].T])
    maps = []
    for column in range(min(table.shape[1], MOST_COLUMNS)):
        theirs = table[places, column]
        place = ranks(theirs[some])
        alike = [abs(correlation(place, other)) for other in ours.T]
        best = int(np.argmax([value + 1e-9 * (k == column) for k, value in enumerate(alike)]))
        if alike[best] < FITTING:
            continue
        if _steps(features[rows[some], best], theirs[some])[2] < FITTING:
            continue
        values, images, share = _steps(features[rows, best], theirs)
        if share >= FITTING and len(np.unique(images)) >= min(DISTINCT, len(values) / 2) and len(values) > 2:
            known = np.sort(table[np.isfinite(table[:, column]), column])
            below = np.searchsorted(known, images, "left") + np.searchsorted(known, images, "right")
            maps.append(MonotoneMap(column, best, values, images, below / (2 * len(known))))
    return tuple(maps)


@dataclass(frozen=True)
class Labels:
    """The label of each row of a table, in the data's terms (n,); the data's own (m,); and how much two of one label
    may differ."""

    theirs: Array
    ours: Array
    tolerance: float

    def of(self, rows: Array) -> "Labels":
        """Return the labels of some of the table's rows."""
        return Labels(self.theirs[rows], self.ours, self.tolerance)


class Image:
    """The data set as monotone maps of its ``complete`` columns show it."""

    def __init__(self, maps: Maps, features: Array, complete: Array) -> None:
        self._maps = list({m.source: m for m in reversed(maps) if complete[m.source]}.values())
        if not self._maps:
            return
        points = np.column_stack([m.of_data(features[:, m.source]) for m in self._maps])
        points, index, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
        self._tree = cKDTree(points)
        self._members = np.argsort(index.reshape(-1), kind="stable")
        self._starts = np.cumsum(np.append(0, counts))
        self._bounds = [m.bounds(features[:, m.source]) for m in self._maps]

    def rows_of(self, table: Array, labels: Labels | None = None) -> Array:
        """Return each row's row of the data set that the maps lead to; -1 where none does or several do."""
        found = np.full(len(table), -1, dtype=np.int64)
        columns = [m.column for m in self._maps]
        known = np.flatnonzero(np.isfinite(table[:, columns]).all(axis=1)) if columns else found[:0]
        for part in np.array_split(known, len(known) // CHUNK + 1) if len(known) else ():
            found[part] = self._best(table[part], None if labels is None else labels.of(part))
        return found

    def may_be(self, table: Array, rows: Array) -> Array:
        """Tell whether rows of a table (n, c) may be these rows (n,) of the data set; none is a row -1."""
        known = np.maximum(rows, 0)
        return np.asarray((rows >= 0) & (self._agreement(table, known) >= 0))

    def _best(self, values: Array, labels: Labels | None) -> Array:
        """Return the one row of the data set that agrees best with each row of a table, of which all is known."""
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
                is_rival |= is_better & (last - first > MEMBERS)  # more of them than are looked at
                rivals = np.where(is_better, 0, rivals) + is_rival
                best, score = np.where(is_better, row, best), np.where(is_better, exact, score)
        return np.where(rivals == 0, best, -1)

    def _agreement(self, values: Array, rows: Array) -> Array:
        """Return in how many columns a row of the data is known to give a table's values; -1 where it cannot."""
        exact = np.zeros(len(values), dtype=np.int64)
        agrees = np.ones(len(values), dtype=bool)
        for m, (low, high, is_known) in zip(self._maps, self._bounds, strict=True):
            rounding, value = ROUNDING * float(np.std(m.images)), values[:, m.column]
            agrees &= (low[rows] - rounding <= value) & (value <= high[rows] + rounding)
            exact += is_known[rows]
        return np.where(agrees, exact, -1)


# -- which columns belong together -----------------------------------------------------------------------

Pairs = tuple[tuple[int, int, int], ...]
"""A table's column, the data's, and whether one rises (1) or falls (-1) with the other."""


def _pairings(theirs: Array, table: Array, features: Array, ours: Array, sources: Array) -> Iterator[Pairs]:
    """Propose which columns belong together: those in the same places, and those that repeat values alike."""
    some, all_ = spread(len(theirs), SAMPLE), spread(len(ours), SAMPLE)
    usable = [j for j in range(theirs.shape[1]) if np.isfinite(table[:, j]).mean() > FITTING and _is_fine(table[:, j])]
    part = spread(len(features), len(table))
    repeats = {k: _repeats(features[part, k]) for k in sources}
    unlike = np.full((len(usable), len(sources), 2), np.inf)
    for place, j in enumerate(usable):
        repeated = _repeats(table[:, j])
        for number, k in enumerate(sources):
            unlike[place, number] = np.abs(repeated - repeats[k]).mean(), np.abs(repeated[::-1] - repeats[k]).mean()
    proposals = [[(j, k) for j, k in enumerate(range(ours.shape[1])) if j in usable and k in sources]]
    if usable:
        by_repeats = zip(*linear_sum_assignment(np.minimum(unlike.min(axis=2), 0.1)), strict=True)
        proposals.append([(usable[j], int(sources[k])) for j, k in by_repeats if unlike[j, k].min() < 0.1])
    for proposal in proposals:
        kept = list(proposal)
        while len(kept) >= 2:
            own = _correlations(theirs[some][:, [j for j, _ in kept]])
            data_s = _correlations(ours[all_][:, [k for _, k in kept]])
            signs = _signs(own, data_s)
            misfit = np.abs(own * np.outer(signs, signs) - data_s).sum(axis=1) / (len(kept) - 1)
            if misfit.max() <= UNLIKE:
                where = [(usable.index(j), list(sources).index(k)) for j, k in kept]
                likes = [
                    sum(unlike[j, k, int(s * g < 0)] for (j, k), s in zip(where, signs, strict=True)) for g in (1, -1)
                ]
                turn = 1 if likes[0] <= likes[1] else -1
                yield tuple((j, k, int(s) * turn) for (j, k), s in zip(kept, signs, strict=True))
                break
            del kept[int(misfit.argmax())]


def _is_fine(column: Array) -> bool:
    return len(np.unique(column[spread(len(column), SAMPLE)])) >= DISTINCT


def _repeats(column: Array) -> Array:
    """Return how many different values there are for each row, in each band of a column's ranks."""
    known = np.sort(column[np.isfinite(column)])
    is_new = np.append(True, known[1:] != known[:-1]) if len(known) else np.zeros(0, dtype=bool)
    share = 1 / np.bincount(np.cumsum(is_new) - 1)[np.cumsum(is_new) - 1] if len(known) else np.zeros(0)
    bands = np.minimum((np.arange(len(known)) * BANDS) // max(len(known), 1), BANDS - 1)
    return np.bincount(bands, share, BANDS) / np.maximum(np.bincount(bands, minlength=BANDS), 1)


def correlation(one: Array, other: Array, enough: int = DISTINCT) -> float:
    """Return the correlation of two columns (n,) over the rows that both know; 0 for fewer than ``enough`` of them, and
    where one column does not vary."""
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if len(one) < enough or not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _correlations(values: Array) -> Array:
    filled = np.where(np.isfinite(values), values, 0.5)
    filled = filled - filled.mean(axis=0)
    filled = filled / np.maximum(np.sqrt((filled**2).sum(axis=0)), 1e-12)
    return np.asarray(filled.T @ filled)


def _signs(one: Array, other: Array) -> Array:
    """Return which columns fall: turned over, correlations (c, c) are most like the others."""
    signs = np.ones(len(one))
    for _ in range(2 * len(one)):
        now = np.abs(one * np.outer(signs, signs) - other).sum()
        turned = []
        for j in range(len(one)):
            changed = signs.copy()
            changed[j] *= -1
            turned.append(np.abs(one * np.outer(changed, changed) - other).sum())
        if min(turned) >= now - 1e-9:
            break
        signs[int(np.argmin(turned))] *= -1
    return signs


def _turned(column: Array, sign: int) -> Array:
    return column if sign > 0 else 1 - column


# -- identities and maps ---------------------------------------------------------------------------------


def _clear(theirs: Array, images: Array, pairs: Pairs) -> tuple[Array, Array]:
    """Return the rows (p,) of a table that have one clearly nearest row of the data set, and these."""
    wanted = theirs[:, [j for j, _, _ in pairs]]
    known = np.flatnonzero(np.isfinite(wanted).all(axis=1))
    points, first, counts = np.unique(images, axis=0, return_index=True, return_counts=True)
    if not len(known) or len(points) < 2:
        return known[:0], known[:0]
    distances, nearest = map(np.asarray, cKDTree(points).query(wanted[known], k=2))
    is_clear = (distances[:, 0] < CLEAR * distances[:, 1]) & (counts[nearest[:, 0]] == 1)
    return known[is_clear], first[nearest[is_clear, 0]]


def _steps(ours: Array, theirs: Array) -> tuple[Array, Array, float]:
    """Return the data's values (m,) and their images (m,) along a map that rises or falls, and the share of pairs that
    fit it."""
    known = np.isfinite(ours) & np.isfinite(theirs)
    ours, theirs = ours[known], theirs[known]
    if len(ours) < 3 or not np.ptp(theirs):
        return ours[:0], ours[:0], 0.0
    order = np.lexsort((theirs, ours))
    ours, theirs = ours[order], theirs[order]
    starts = np.flatnonzero(np.append(True, ours[1:] != ours[:-1]))
    counts = np.diff(np.append(starts, len(ours)))
    values, images = ours[starts], theirs[starts + (counts - 1) // 2]
    sign = 1 if correlation(ranks(values), ranks(images)) >= 0 else -1
    kept = _longest_rise(sign * images)
    fits = np.isclose(theirs, np.repeat(images, counts), rtol=0, atol=ROUNDING * float(np.std(theirs)))
    is_kept = np.zeros(len(values), dtype=bool)
    is_kept[kept] = True
    return values[kept], images[kept], float((fits & np.repeat(is_kept, counts)).mean())


def _longest_rise(values: Array) -> Sequence[int]:
    """Return the places of a longest part of a sequence that never falls."""
    tails: list[float] = []
    last: list[int] = []
    before = [-1] * len(values)
    for place, value in enumerate(values.tolist()):
        length = bisect_right(tails, value)
        before[place] = last[length - 1] if length else -1
        if length == len(tails):
            tails.append(value)
            last.append(place)
        else:
            tails[length] = value
            last[length] = place
    rise = []
    place = last[-1] if last else -1
    while place >= 0:
        rise.append(place)
        place = before[place]
    return rise[::-1]
