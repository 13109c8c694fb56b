"""Affine maps between a table's columns and the data's: guessed from quantiles, then fitted row by row. Pure."""

import math
from dataclasses import dataclass

import numpy as np
import scipy

from checker.gather.rows.tables import ENOUGH_FOR_SHAPE
from checker.records.arrays import Array

TOLERANCE = 1e-4
"""Maximum error of a mapped value, in deviations of the data set's column."""
QUANTILES = np.linspace(0.02, 0.98, 97)
SIMILAR_SHAPE = 0.05
"""Largest misfit of two shapes that count as similar, in quartile ranges. With fewer than 400 rows it is larger,
because shapes then differ more by chance.
"""
ENOUGH_TO_MATCH = 1_000
"""This many rows, spread over a table, decide which of its columns is which of the data set's."""
MANY_COLUMNS = 64
"""In tables of this many columns or more, a column is fitted only where a few rows suggest a fit."""
MAX_FAILED = 600
"""After this many pairs of columns that do not fit, no more pairs are tried."""


@dataclass(frozen=True)
class AffineMap:
    """Student's column ``column`` = (data set's column ``source`` - offset) / scale."""

    column: int
    source: int
    scale: float
    offset: float


AffineMaps = tuple[AffineMap, ...]


Shapes = tuple[Array, ...]
"""For each column of a table, its values at ``QUANTILES`` (97,)."""


def shapes_of(table: Array) -> Shapes:
    """Return the shapes of all columns of a table (n, d)."""
    return tuple(_quantiles(column) for column in table.T)


def guess(table: Array, ours: Shapes) -> AffineMaps:
    """Match a table's columns to the data set's by their shapes; ``ours`` are the data set's.

    Returns only the clear matches where there are enough. Beyond the limit all misfits count the same, so that no
    derived column takes the place of a real match.
    """
    similar = max(SIMILAR_SHAPE, 1 / math.sqrt(len(table)))
    table = table[:: max(1, len(table) // ENOUGH_FOR_SHAPE)]
    theirs = shapes_of(table)
    fits = [[_quantile_map(j, k, a, b) for k, b in enumerate(ours)] for j, a in enumerate(theirs)]
    misfit = np.array([[fit[1] for fit in row] for row in fits])
    matched = [
        (fits[j][k][0], misfit[j, k] < np.partition(misfit[j], 1)[1] / 2)
        for j, k in zip(*scipy.optimize.linear_sum_assignment(np.minimum(misfit, similar)), strict=True)
        if misfit[j, k] < similar
    ]
    clear = tuple(m for m, is_clear in matched if is_clear)
    return clear if len(clear) >= 3 else tuple(m for m, _ in matched)


def in_order(table: Array, ours: Shapes) -> AffineMaps:
    """Match columns by position, because most students leave columns in place, and in few rows all bell shapes look
    alike."""
    theirs = shapes_of(table[:, : len(ours)])
    fits = [_quantile_map(j, j, a, b) for j, (a, b) in enumerate(zip(theirs, ours, strict=False))]
    return tuple(found for found, misfit in fits if misfit < 1)


def _quantiles(column: Array) -> Array:
    known = column[np.isfinite(column)]
    return np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)


def _quantile_map(column: int, source: int, theirs: Array, ours: Array) -> tuple[AffineMap, float]:
    """Return the best increasing map between two columns' quantiles, and its misfit in quartile ranges."""
    deviation, range_ = float(np.std(theirs)), float(ours[72] - ours[24])
    if not np.isfinite(theirs).all() or deviation < 1e-12 or range_ <= 0:
        return AffineMap(column, source, 0.0, 0.0), 1e6
    scale = float(np.mean((theirs - theirs.mean()) * (ours - ours.mean()))) / deviation**2
    offset = float(ours.mean() - scale * theirs.mean())
    residual = float(np.sqrt(np.mean((theirs * scale + offset - ours) ** 2))) / range_
    return AffineMap(column, source, scale, offset), residual if scale > 0 else 1e6


def fit_maps(table: Array, rows: Array, features: Array, deviations: Array) -> AffineMaps:
    """Return the exact affine maps between columns, given the rows' provisional identities.

    A sample of the rows decides which two columns belong together; all rows decide the map between them. Most students
    leave columns in place, so the source at the same position is tried first.
    """
    maps, failed = [], 0
    places = list(range(features.shape[1]))
    some = slice(None, None, max(1, len(table) // ENOUGH_TO_MATCH))
    ours, theirs = features[rows], table
    may_fit = _may_fit(theirs[some], ours[some], deviations)
    for column in range(table.shape[1]):
        for source in places[column:] + places[:column]:
            if not may_fit[column, source] or failed >= MAX_FAILED:
                continue
            failed += 1
            if _trimmed_fit(theirs[some, column], ours[some, source])[2] < TOLERANCE * deviations[source]:
                failed -= 1
                scale, offset, misfit = _trimmed_fit(theirs[:, column], ours[:, source])
                if misfit < TOLERANCE * deviations[source]:
                    maps.append(AffineMap(column, source, scale, offset))
                    break
    return tuple(maps)


def _may_fit(theirs: Array, ours: Array, deviations: Array) -> Array:
    """Return a mask (columns, sources): a line through a few pairs of rows comes near; all True for few columns."""
    may = np.ones((theirs.shape[1], ours.shape[1]), dtype=bool)
    if theirs.shape[1] < MANY_COLUMNS:
        return may
    half = len(theirs) // 2
    with np.errstate(all="ignore"):
        steps = theirs[half : 2 * half] - theirs[:half]
        for source in range(ours.shape[1]):
            y = np.where(np.isfinite(ours[:, source]), ours[:, source], np.nanmean(ours[:, source]))[:, None]
            scale = np.median((y[half : 2 * half] - y[:half]) / steps, axis=0)
            off = y - scale * theirs
            misfit = np.median(np.abs(off - np.median(off, axis=0)), axis=0)
            may[:, source] = ~(misfit > 10 * TOLERANCE * deviations[source])
    return may


def _trimmed_fit(theirs: Array, ours: Array) -> tuple[float, float, float]:
    """Fit ``ours = scale * theirs + offset`` by least squares without the rows that do not fit; return the median
    misfit too."""
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
