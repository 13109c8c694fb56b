"""Which rows of the data set the tables hold that networks were given, found from the numbers themselves.

Theory of operation: standardising, min-max scaling and no scaling at all are affine maps of a column, each
with its own two numbers, and students rarely keep track of row numbers. So a student's column is matched to
the data set's column by the shape of its distribution (``_guess``: an affine map between the quantiles), the
matched columns give each row a provisional identity (nearest row of the data set), and with identities the
affine maps can be fitted exactly, by least squares with outliers trimmed, for *every* column (``_fit_maps``).
Two rounds settle it. A row counts as matched where exactly one row of the data set agrees in all mapped columns
to within ``TOLERANCE`` deviations. Columns with missing values in the data set take no part in identities.

Many networks are given the same tables, so a table is searched once. Pure: arrays in, arrays out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from checker.frames import Array
from checker.records import Fed, ModelCapture

TOLERANCE = 1e-4
ENOUGH_MATCHED = 0.95
MIN_ROWS = 50
LARGEST = 1e12
MAX_COLUMNS = 500
MAX_TABLES = 120
"""Different tables that are searched for one file."""
QUANTILES = np.linspace(0.02, 0.98, 97)
SIMILAR_SHAPE = 0.05
"""In quartile ranges. Of fewer than 400 rows, shapes are less alike by chance."""
ENOUGH_TO_MATCH = 1_000
"""So many rows, spread over a table, tell which of its columns is which of the data set's."""
ALIKE = 0.05
"""In deviations of the data: two preparations that differ by less are one, as of a scaler fitted anew for each fold."""


@dataclass(frozen=True)
class AffineMap:
    """Student's column ``column`` = (data set's column ``source`` - offset) / scale."""

    column: int
    source: int
    scale: float
    offset: float


Maps = tuple[AffineMap, ...]


@dataclass(frozen=True)
class Matched:
    """A network's tables by hash, the last training data first; for those whose rows were found, their rows in the data
    set, -1 where none or several agree; and how the columns of the first of them come from the data set's."""

    tables: Mapping[str, Array]
    rows: Mapping[str, Array]
    maps: Maps = ()

    def rows_of(self, *fed: Fed | None) -> Array:
        """Return the rows of the data set that some data hold, each once, sorted."""
        parts = [self.rows[f.x.sha256] for f in fed if f is not None and f.x is not None and f.x.sha256 in self.rows]
        rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        return rows[rows >= 0]


class Matcher:
    """The data set, ready to be searched: features (n, d), and labels (n,), which are searched too where they are
    numbers."""

    def __init__(self, features: Array, labels: Array) -> None:
        self.labels = labels
        self.features = np.column_stack([features, labels]) if are_numbers(labels) else features
        self.complete: Array = np.asarray(~np.isnan(self.features).any(axis=0))
        self.deviations = np.nanstd(self.features, axis=0)
        self._trees: dict[tuple[int, ...], cKDTree] = {}
        self._found: dict[str, tuple[Array, Maps] | None] = {}

    def match(self, model: ModelCapture, arrays: Mapping[str, Array]) -> Matched:
        """Match everything that a network was given: what it was trained on, watched, and was used on."""
        tables = _tables(model, arrays)
        maps: Maps = ()
        rows: dict[str, Array] = {}
        for digest, table in tables.items():
            found = self._find(digest, table, maps, tables)
            if found is not None:
                rows[digest], of_table = found
                maps = maps or of_table
        return Matched(tables, rows, maps)

    def others(self, matched: Matched) -> Mapping[str, Array]:
        """Return the rows of tables that other networks were given, prepared as this one's are."""
        return {
            digest: found[0]
            for digest, found in self._found.items()
            if found is not None and digest not in matched.rows and self._are_alike(found[1], matched.maps)
        }

    def _are_alike(self, one: Maps, other: Maps) -> bool:
        """Tell whether two tables' columns come from the data set in nearly the same way."""
        if [(m.column, m.source) for m in one] != [(m.column, m.source) for m in other]:
            return False
        pairs = zip(one, other, strict=True)
        return all(
            abs(a.scale - b.scale) + abs(a.offset - b.offset) <= ALIKE * self.deviations[a.source] for a, b in pairs
        )

    def _find(self, digest: str, table: Array, maps: Maps, together: Mapping[str, Array]) -> tuple[Array, Maps] | None:
        """Return a table's rows and maps; None where too few rows are found. ``maps``: of the model's other tables."""
        found = self._found.get(digest)
        if found is not None:
            return found
        if maps:
            found = self._settle(table, maps, are_exact=True)
        if found is None and digest not in self._found and len(self._found) < MAX_TABLES and len(table) >= MIN_ROWS:
            found = self._settle(table, _guess(table, self.features))
            if found is None:
                stacked = np.concatenate(list(together.values()))
                found = self._settle(table, _in_order(stacked, self.features))
        self._found[digest] = found
        return found

    def _settle(self, table: Array, maps: Maps, are_exact: bool = False) -> tuple[Array, Maps] | None:
        for attempt in range(3 if maps else 0):
            if attempt or not are_exact:
                rows = self._nearest(table, maps)
                maps = _fit_maps(table, rows, self.features, self.deviations)
            if not any(self.complete[m.source] for m in maps):
                return None
            rows = self._only_near(table, maps)
            if (rows >= 0).mean() >= ENOUGH_MATCHED:
                return rows, maps
        return None

    def _nearest(self, table: Array, maps: Maps) -> Array:
        """Return each row's nearest row of the data set, however far."""
        tree, wanted = self._space(table, maps)
        return np.asarray(tree.query(np.nan_to_num(wanted))[1])

    def _only_near(self, table: Array, maps: Maps) -> Array:
        """Return each row's row of the data set that agrees with it; -1 where none or several do."""
        tree, wanted = self._space(table, maps)
        known = np.isfinite(wanted).all(axis=1)
        found = tree.query(np.nan_to_num(wanted), k=2, distance_upper_bound=2.1 * TOLERANCE)
        distances, rows = np.asarray(found[0]), np.asarray(found[1])
        return np.where(known & (distances[:, 0] < TOLERANCE) & (distances[:, 1] > 2 * TOLERANCE), rows[:, 0], -1)

    def _space(self, table: Array, maps: Maps) -> tuple[cKDTree, Array]:
        """Return the data set as points to be searched, and a table's rows as points among them; a row with an unknown
        number is NaN."""
        used = [m for m in maps if self.complete[m.source]] or list(maps)
        sources = [m.source for m in used]
        scale = self.deviations[sources]
        tree = self._trees.get(tuple(sources)) or cKDTree(np.nan_to_num(self.features[:, sources]) / scale)
        self._trees[tuple(sources)] = tree
        wanted = np.column_stack([table[:, m.column] * m.scale + m.offset for m in used]) / scale
        return tree, np.where(np.isfinite(wanted).all(axis=1, keepdims=True), wanted, np.nan)


def are_numbers(labels: Array) -> bool:
    """Tell the numbers of a regression from the class numbers of a classification."""
    return labels.dtype.kind == "f"


def sober(table: Array) -> Array:
    """Return a table as float64; what is no number, or larger than any that the data set could give, is NaN."""
    values = table.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < LARGEST, values, np.nan)


def _tables(model: ModelCapture, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the feature tables of a network's width, the last training data first, each once."""
    fed = [fit.training for fit in reversed(model.fits)]
    fed += [fit.validation for fit in reversed(model.fits) if fit.validation is not None]
    fed += [use.fed for use in model.uses]
    digests = dict.fromkeys(f.x.sha256 for f in fed if f.x is not None)
    tables = {d: sober(arrays[d]) for d in digests if d in arrays and _is_table(arrays[d])}
    width = next((t.shape[1] for t in tables.values()), 0)
    return {d: t for d, t in tables.items() if t.shape[1] == width}


def _is_table(values: Array) -> bool:
    return values.ndim == 2 and len(values) > 0 and 0 < values.shape[1] <= MAX_COLUMNS


def _guess(table: Array, features: Array) -> Maps:
    """Match columns by the shapes of their distributions; only clear matches are returned where they suffice.

    All that is not similar counts alike, so that no derived column takes the place of a real match.
    """
    similar = max(SIMILAR_SHAPE, 1 / math.sqrt(len(table)))
    theirs, ours = ([_quantiles(column) for column in values.T] for values in (table, features))
    fits = [[_quantile_map(j, k, a, b) for k, b in enumerate(ours)] for j, a in enumerate(theirs)]
    misfit = np.array([[fit[1] for fit in row] for row in fits])
    matched = [
        (fits[j][k][0], misfit[j, k] < np.partition(misfit[j], 1)[1] / 2)
        for j, k in zip(*linear_sum_assignment(np.minimum(misfit, similar)), strict=True)
        if misfit[j, k] < similar
    ]
    clear = tuple(m for m, is_clear in matched if is_clear)
    return clear if len(clear) >= 3 else tuple(m for m, _ in matched)


def _in_order(table: Array, features: Array) -> Maps:
    """Match columns by their places, as most students leave them where they are: in few rows all bells look alike."""
    places = range(min(table.shape[1], features.shape[1]))
    theirs, ours = ([_quantiles(values[:, j]) for j in places] for values in (table, features))
    fits = [_quantile_map(j, j, theirs[j], ours[j]) for j in places]
    return tuple(found for found, misfit in fits if misfit < 1)


def _quantiles(column: Array) -> Array:
    known = column[np.isfinite(column)]
    return np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)


def _quantile_map(column: int, source: int, theirs: Array, ours: Array) -> tuple[AffineMap, float]:
    """Return the best increasing map between two columns' quantiles, and its misfit in quartile ranges."""
    spread, range_ = float(np.std(theirs)), float(ours[72] - ours[24])
    if not np.isfinite(theirs).all() or spread < 1e-12 or range_ <= 0:
        return AffineMap(column, source, 0.0, 0.0), 1e6
    scale, offset = np.polyfit(theirs, ours, 1)
    residual = float(np.sqrt(np.mean((theirs * scale + offset - ours) ** 2))) / range_
    return AffineMap(column, source, float(scale), float(offset)), residual if scale > 0 else 1e6


def _fit_maps(table: Array, rows: Array, features: Array, deviations: Array) -> Maps:
    """Return the exact affine maps between columns, given rows' provisional identities.

    Which two columns belong together is seen from some of the rows; how, from all of them. Most students leave columns
    where they are, so that is where a column is looked for first.
    """
    maps = []
    places = list(range(features.shape[1]))
    some = slice(None, None, max(1, len(table) // ENOUGH_TO_MATCH))
    ours, theirs = features[rows], table
    for column in range(table.shape[1]):
        for source in places[column:] + places[:column]:
            if _trimmed_fit(theirs[some, column], ours[some, source])[2] < TOLERANCE * deviations[source]:
                scale, offset, misfit = _trimmed_fit(theirs[:, column], ours[:, source])
                if misfit < TOLERANCE * deviations[source]:
                    maps.append(AffineMap(column, source, scale, offset))
                    break
    return tuple(maps)


def _trimmed_fit(theirs: Array, ours: Array) -> tuple[float, float, float]:
    """Fit ``ours = scale * theirs + offset`` by least squares, leaving out rows that do not fit; return the
    median misfit too."""
    kept = np.isfinite(theirs) & np.isfinite(ours)
    scale, offset, middle = 0.0, 0.0, np.inf
    for _ in range(8):
        if kept.sum() < 10 or np.ptp(theirs[kept]) < 1e-12:
            return 0.0, 0.0, np.inf
        x, y = theirs[kept], ours[kept]
        scale = float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
        offset = float(y.mean() - scale * x.mean())
        misfit = np.abs(theirs * scale + offset - ours)
        middle = float(np.nanmedian(misfit))
        before, kept = kept, misfit <= max(2 * middle, 1e-9 * (1 + abs(offset)))
        if np.array_equal(before, kept):
            break
    return scale, offset, middle
