"""Monotone maps between a table's columns and the data's, from ranks alone. Pure.

Theory of operation: a table's columns are compared with the data's by *ranks*, the share of rows below each value
(``ranks.ranks``). In a random part of the data, ranks differ from those of the whole by about one over the root of its
row count. Columns are paired by their places or by how often their values repeat, and by their correlations, which no
monotone map changes (``rank_pairing``). A row's provisional identity is the row of the data with the nearest ranks,
where no second one is nearly as near (``_clear``). Pairs of values then show the map itself as steps (``_steps``);
pairs that do not fit are left out. Two rounds settle it.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import scipy

from checker.gather.rows.monotone import ROUNDING, MonotoneMap, MonotoneMaps
from checker.gather.rows.rank_pairing import FITTING, Pairs, pairings, turned
from checker.gather.rows.ranks import DISTINCT, SAMPLE, correlation, ranks
from checker.gather.rows.values import evenly_spaced
from checker.records.arrays import Array

MOST_COLUMNS = 60
SOME_CLEAR = 0.25
"""Share of a sample that must have a clear nearest row. With nine unrelated columns less than a tenth has one, with
three a fifth.
"""
CLEAR = 0.6
"""A nearest row is clear if its distance is below this share of the distance to the second nearest."""


def guess(table: Array, features: Array, complete: Array) -> tuple[Array, Array]:
    """Return provisional identities for some of a table's rows: their positions in it, and their rows of the data."""
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    theirs = np.column_stack([ranks(column) for column in table.T[:MOST_COLUMNS]])
    sources = np.flatnonzero(complete)
    ours = np.full(features.shape, np.nan)
    for source in sources:
        ours[:, source] = ranks(features[:, source])
    some = evenly_spaced(len(table), SAMPLE)
    found = [
        (pairs, *_clear(theirs[some], np.column_stack([turned(ours[:, k], sign) for _, k, sign in pairs]), pairs))
        for pairs in pairings(theirs, table, features, ours, sources)
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


def fit(table: Array, places: Array, rows: Array, features: Array) -> MonotoneMaps:
    """Return the monotone maps between columns, given identities of some of a table's rows.

    If several of the data's columns fit, which should not happen, the one at the same position is taken.
    """
    some = evenly_spaced(len(rows), SAMPLE)
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


def _clear(theirs: Array, images: Array, pairs: Pairs) -> tuple[Array, Array]:
    """Return the positions (p,) of the table's rows that have one clearly nearest row of the data, and these rows."""
    wanted = theirs[:, [j for j, _, _ in pairs]]
    known = np.flatnonzero(np.isfinite(wanted).all(axis=1))
    points, first, counts = np.unique(images, axis=0, return_index=True, return_counts=True)
    if not len(known) or len(points) < 2:
        return known[:0], known[:0]
    distances, nearest = map(np.asarray, scipy.spatial.cKDTree(points).query(wanted[known], k=2))
    is_clear = (distances[:, 0] < CLEAR * distances[:, 1]) & (counts[nearest[:, 0]] == 1)
    return known[is_clear], first[nearest[is_clear, 0]]


def _steps(ours: Array, theirs: Array) -> tuple[Array, Array, float]:
    """Return the data's values (m,) and their images (m,) along a monotone map, and the share of pairs that fit it."""
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
    """Return the positions of a longest subsequence that never falls."""
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
