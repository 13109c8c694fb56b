"""Which rows of the data set a student's arrays hold, found from the numbers themselves.

Theory of operation: standardising, min-max scaling and no scaling at all are affine maps of a column, each
with its own two numbers, and students rarely keep track of row numbers. So a student's column is matched to
the data set's column by the shape of its distribution (``_guess``: an affine map between the quantiles), the
matched columns give each row a provisional identity (nearest row of the data set), and with identities the
affine maps can be fitted exactly, by least squares with outliers trimmed, for *every* column (``_fit_maps``).
Two rounds settle it. A row counts as traced where exactly one row of the data set agrees in all mapped columns
to within ``TOLERANCE`` deviations. Columns with missing values in the data set take no part in identities.

Columns that are no affine image (ratios, logarithms, one-hot codes) are kept as features of their row. The
labels of traced rows are always the data set's own; of a regression, whose labels are float64, in the student's
unit (``targets``). Pure: arrays in, records and arrays out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from checker import targets
from checker.frames import Array, reference
from checker.records import (
    Column,
    Development,
    FeatureSource,
    Fed,
    ModelCapture,
    SeenRows,
    TargetScale,
    Tracing,
)

TOLERANCE = 1e-4
ENOUGH_TRACED = 0.95
MIN_ROWS = 50
LARGEST = 1e12
MAX_COLUMNS = 500
QUANTILES = np.linspace(0.02, 0.98, 97)
SIMILAR_SHAPE = 0.05
"""In quartile ranges. Of fewer than 400 rows, shapes are less alike by chance."""
MIN_CLASS_ROWS = 100
ENOUGH_TO_MATCH = 1_000
"""So many rows, spread over a table, tell which of its columns is which of the data set's."""
BINS = 64


@dataclass(frozen=True)
class AffineMap:
    """Student's column ``column`` = (data set's column ``source`` - offset) / scale."""

    column: int
    source: int
    scale: float
    offset: float


@dataclass(frozen=True)
class Traced:
    """Result of tracing: the record, and where rows were traced their numbers (n,) and features (n, d)."""

    tracing: Tracing
    rows: Array | None = None
    features: Array | None = None


def trace(
    answer: ModelCapture, arrays: Mapping[str, Array], features: Array, labels: Array, names: Sequence[str]
) -> Traced:
    """Trace everything the answer was fed: its last stretch of training, what it watched, what it was tested on.

    ``names`` are the features', and last the target's: numbers to predict are searched among the columns too.
    """
    tables = _tables(answer, arrays)
    untraced = partial(_untraced, answer.input_width == features.shape[1], _target_by_shape(answer, arrays, labels))
    if not tables:
        return untraced("the student's arrays could not be kept")
    together = np.concatenate(list(tables.values()))
    tracer = _Tracer(np.column_stack([features, labels]) if _are_numbers(labels) else features, together)
    found: dict[str, Array] = {}
    for digest, table in tables.items():
        rows = tracer.rows_of(table)
        if rows is not None:
            found[digest] = rows
    last = answer.fits[-1].training.x
    if last is None or last.sha256 not in found:
        return untraced("the rows of the training data could not be found")
    return _record(answer, arrays, tables, found, tracer.maps, labels, names)


def _are_numbers(labels: Array) -> bool:
    """Tell the numbers of a regression from the class numbers of a classification."""
    return labels.dtype.kind == "f"


def _untraced(has_handout_width: bool, target: TargetScale | None, reason: str) -> Traced:
    source = FeatureSource.HANDOUT if has_handout_width else FeatureSource.NOWHERE
    instead = "; the hand-out's standardised columns are used instead" if has_handout_width else ""
    return Traced(Tracing(source, f"In the data set, {reason}{instead}.", target=target))


def _tables(answer: ModelCapture, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the feature tables of the answer's width, the last training data first, each once.

    What is no number, or larger than any that the data set could give, is NaN.
    """
    fed = [fit.training for fit in reversed(answer.fits)]
    fed += [fit.validation for fit in reversed(answer.fits) if fit.validation is not None]
    fed += [use.fed for use in answer.uses]
    digests = dict.fromkeys(f.x.sha256 for f in fed if f.x is not None)
    tables = {d: _sober(arrays[d]) for d in digests if d in arrays and _is_table(arrays[d])}
    width = next((t.shape[1] for t in tables.values()), 0)
    return {d: t for d, t in tables.items() if t.shape[1] == width}


def _is_table(values: Array) -> bool:
    return values.ndim == 2 and len(values) > 0 and 0 < values.shape[1] <= MAX_COLUMNS


def _sober(table: Array) -> Array:
    values = table.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < LARGEST, values, np.nan)


class _Tracer:
    """The data set, ready to be searched; remembers the maps of the first table for the smaller ones.

    ``together``: all of a student's tables, one below the other.
    """

    def __init__(self, features: Array, together: Array) -> None:
        self.features, self.together = features, together
        self.complete: Array = np.asarray(~np.isnan(features).any(axis=0))
        self.deviations = np.nanstd(features, axis=0)
        self.maps: tuple[AffineMap, ...] = ()
        self._trees: dict[tuple[int, ...], cKDTree] = {}

    def rows_of(self, table: Array) -> Array | None:
        """Return for each row of a table its row in the data set, -1 where none or several agree; None where
        too few do."""
        rows = self._settle(table, self.maps) if self.maps else None
        if rows is None and len(table) >= MIN_ROWS:
            rows = self._settle(table, _guess(table, self.features))
        if rows is None and len(table) >= MIN_ROWS:
            rows = self._settle(table, _in_order(self.together, self.features))
        return rows

    def _settle(self, table: Array, maps: tuple[AffineMap, ...]) -> Array | None:
        for attempt in range(3 if maps else 0):
            if attempt or maps is not self.maps:
                rows = self._nearest(table, maps)
                maps = _fit_maps(table, rows, self.features, self.deviations)
            if not any(self.complete[m.source] for m in maps):
                return None
            rows = self._only_near(table, maps)
            if (rows >= 0).mean() >= ENOUGH_TRACED:
                self.maps = self.maps or maps
                return rows
        return None

    def _nearest(self, table: Array, maps: tuple[AffineMap, ...]) -> Array:
        """Return each row's nearest row of the data set, however far."""
        tree, wanted = self._space(table, maps)
        return np.asarray(tree.query(np.nan_to_num(wanted))[1])

    def _only_near(self, table: Array, maps: tuple[AffineMap, ...]) -> Array:
        """Return each row's row of the data set that agrees with it; -1 where none or several do."""
        tree, wanted = self._space(table, maps)
        known = np.isfinite(wanted).all(axis=1)
        found = tree.query(np.nan_to_num(wanted), k=2, distance_upper_bound=2.1 * TOLERANCE)
        distances, rows = np.asarray(found[0]), np.asarray(found[1])
        return np.where(known & (distances[:, 0] < TOLERANCE) & (distances[:, 1] > 2 * TOLERANCE), rows[:, 0], -1)

    def _space(self, table: Array, maps: tuple[AffineMap, ...]) -> tuple[cKDTree, Array]:
        """Return the data set as points to be searched, and a table's rows as points among them; a row with an unknown
        number is NaN."""
        used = [m for m in maps if self.complete[m.source]] or list(maps)
        sources = [m.source for m in used]
        scale = self.deviations[sources]
        tree = self._trees.get(tuple(sources)) or cKDTree(np.nan_to_num(self.features[:, sources]) / scale)
        self._trees[tuple(sources)] = tree
        wanted = np.column_stack([table[:, m.column] * m.scale + m.offset for m in used]) / scale
        return tree, np.where(np.isfinite(wanted).all(axis=1, keepdims=True), wanted, np.nan)


def _guess(table: Array, features: Array) -> tuple[AffineMap, ...]:
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


def _in_order(table: Array, features: Array) -> tuple[AffineMap, ...]:
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


def _fit_maps(table: Array, rows: Array, features: Array, deviations: Array) -> tuple[AffineMap, ...]:
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


# -- the record ----------------------------------------------------------------------------------------


def _record(
    answer: ModelCapture,
    arrays: Mapping[str, Array],
    tables: Mapping[str, Array],
    found: Mapping[str, Array],
    maps: tuple[AffineMap, ...],
    labels: Array,
    names: Sequence[str],
) -> Traced:
    last = answer.fits[-1]
    stacked = np.concatenate(list(found.values()))
    values = np.concatenate([tables[digest] for digest in found])
    rows, first = np.unique(stacked, return_index=True)
    rows, first = rows[rows >= 0].astype(np.int32), first[rows >= 0]
    features = values[first].astype(np.float32)
    trained = _rows(found, [fit.training for fit in answer.fits])
    fitted_on = [last.training]
    if last.development is Development.SPLIT and last.validation is not None:
        fitted_on.append(last.validation)
    watched = _rows(found, [fit.validation for fit in answer.fits if fit.validation is not None])
    untraced = sum(int((r < 0).sum()) for r in found.values())
    reason = f"All {len(rows):,} rows that the answer was fed were found in the data set."
    if untraced:
        reason = f"{len(rows):,} rows that the answer was fed were found in the data set; {untraced:,} were not."
    scale, differ = _labels_compared(answer, arrays, found, labels)
    tracing = Tracing(
        source=FeatureSource.TRACED,
        reason=reason,
        columns=_columns(values[first], np.isin(rows, _rows(found, fitted_on)), labels[rows], maps, names),
        training_rows=len(trained),
        development_rows=len(np.setdiff1d(watched, trained)),
        all_rows=len(rows),
        labels_differ=differ,
        seen=tuple(_seen(answer, found, trained)),
        rows=reference(rows),
        features=reference(features),
        target=scale,
    )
    return Traced(tracing, rows, features)


def _rows(found: Mapping[str, Array], fed: Sequence[Fed]) -> Array:
    """Return the traced rows of some data, each once."""
    parts = [found[f.x.sha256] for f in fed if f.x is not None and f.x.sha256 in found]
    rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
    return rows[rows >= 0]


def _seen(answer: ModelCapture, found: Mapping[str, Array], trained: Array) -> list[SeenRows]:
    seen = []
    for use in answer.uses:
        rows = _rows(found, [use.fed])
        if len(rows) >= MIN_ROWS:
            seen.append(SeenRows(use.cell, use.how, len(rows), int(np.isin(rows, trained).sum())))
    return seen


def _labels_compared(
    answer: ModelCapture, arrays: Mapping[str, Array], found: Mapping[str, Array], labels: Array
) -> tuple[TargetScale | None, int]:
    """Return the scale of the student's targets (of a regression), and how many training rows' labels differ."""
    last = answer.fits[-1].training
    if last.x is None or last.y is None or last.y.sha256 not in arrays:
        return None, 0
    y, rows = arrays[last.y.sha256], found[last.x.sha256]
    theirs = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    if len(theirs) != len(rows):
        return None, int((rows >= 0).sum())
    theirs, true = theirs[rows >= 0], labels[rows[rows >= 0]]
    if _are_numbers(labels):
        matched = targets.match(_sober(theirs), true, labels)
        return matched.scale, matched.differ
    return None, _count_different(theirs, true)


def _count_different(theirs: Array, true: Array) -> int:
    """Count classes that are not the data set's, whatever numbers the student gave the classes."""
    values = np.unique(theirs[np.isfinite(theirs)])[:1_000]
    return len(true) - sum(int(np.bincount(true[theirs == value]).max()) for value in values)


def _target_by_shape(answer: ModelCapture, arrays: Mapping[str, Array], labels: Array) -> TargetScale | None:
    """Return the scale of a regression's targets whose rows are not known."""
    y = answer.fits[-1].training.y
    if not _are_numbers(labels) or y is None or y.sha256 not in arrays:
        return None
    return targets.by_shape(_sober(arrays[y.sha256]).reshape(-1), labels)


def _columns(
    values: Array, is_training: Array, labels: Array, maps: tuple[AffineMap, ...], names: Sequence[str]
) -> tuple[Column, ...]:
    sources = {m.column: names[m.source] for m in maps}
    purity = _share_explained if _are_numbers(labels) else _label_purity
    return tuple(
        Column(
            sources.get(j, ""),
            *_summary(values[is_training, j]),
            *_summary(values[:, j]),
            label_purity=purity(values[:, j], labels),
        )
        for j in range(values.shape[1])
    )


def _summary(values: Array) -> tuple[float, float, float, float]:
    """Return mean, deviation, lowest and highest of the finite values."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 0.0, 0.0, 0.0
    return float(finite.mean()), float(finite.std()), float(finite.min()), float(finite.max())


def _label_purity(values: Array, labels: Array) -> float:
    """Return the best F1 with which this column alone, cut into bins, tells one class from all others."""
    edges, bins = _binned(values)
    classes = int(labels.max()) + 1
    counts = np.bincount(bins * classes + labels, minlength=(len(edges) + 1) * classes).reshape(-1, classes)
    called = counts > counts.sum(axis=1, keepdims=True) / 2
    hits = (counts * called).sum(axis=0)
    claimed = (counts.sum(axis=1, keepdims=True) * called).sum(axis=0)
    total = counts.sum(axis=0)
    f1 = 2 * hits / np.maximum(claimed + total, 1)
    return float(f1[total >= MIN_CLASS_ROWS].max(initial=0.0))


def _share_explained(values: Array, labels: Array) -> float:
    """Return the share of the labels' variance that the means of this column's bins explain."""
    edges, bins = _binned(values)
    rows = np.maximum(np.bincount(bins, minlength=len(edges) + 1), 1)
    means = np.bincount(bins, labels, len(edges) + 1) / rows
    spread = float(np.var(labels))
    return 1 - float(np.mean(np.square(labels - means[bins]))) / spread if spread else 0.0


def _binned(values: Array) -> tuple[Array, Array]:
    """Return the edges of a column's bins, and each row's bin."""
    distinct = np.unique(values)
    edges = distinct if len(distinct) <= BINS else np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    return edges, np.searchsorted(edges, values)
