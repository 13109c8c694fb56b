"""Which columns of a table and of the data may belong together, from repeated values and rank correlations. Pure."""

from collections.abc import Iterator

import numpy as np
import scipy

from checker.gather.rows.ranks import DISTINCT, SAMPLE
from checker.gather.rows.values import evenly_spaced
from checker.records.arrays import Array

FITTING = 0.9
"""Share of the pairs of values that must fit a monotone map."""
BANDS = 24
"""Number of bands of a distribution in which repeated values are counted."""
UNLIKE = 0.08
"""Largest difference between two rank correlations that should be the same."""
Pairs = tuple[tuple[int, int, int], ...]
"""A table's column, the data's column, and whether the first rises (1) or falls (-1) with the second."""


def pairings(theirs: Array, table: Array, features: Array, ours: Array, sources: Array) -> Iterator[Pairs]:
    """Propose pairs of columns: those at the same positions, and those whose values repeat equally often."""
    some, all_ = evenly_spaced(len(theirs), SAMPLE), evenly_spaced(len(ours), SAMPLE)
    usable = [j for j in range(theirs.shape[1]) if np.isfinite(table[:, j]).mean() > FITTING and _is_fine(table[:, j])]
    part = evenly_spaced(len(features), len(table))
    repeats = {k: _repeats(features[part, k]) for k in sources}
    unlike = np.full((len(usable), len(sources), 2), np.inf)
    for place, j in enumerate(usable):
        repeated = _repeats(table[:, j])
        for number, k in enumerate(sources):
            unlike[place, number] = np.abs(repeated - repeats[k]).mean(), np.abs(repeated[::-1] - repeats[k]).mean()
    proposals = [[(j, k) for j, k in enumerate(range(ours.shape[1])) if j in usable and k in sources]]
    if usable:
        by_repeats = zip(*scipy.optimize.linear_sum_assignment(np.minimum(unlike.min(axis=2), 0.1)), strict=True)
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
    return len(np.unique(column[evenly_spaced(len(column), SAMPLE)])) >= DISTINCT


def _repeats(column: Array) -> Array:
    """Return how many distinct values there are per row, in each band of a column's ranks."""
    known = np.sort(column[np.isfinite(column)])
    is_new = np.append(True, known[1:] != known[:-1]) if len(known) else np.zeros(0, dtype=bool)
    share = 1 / np.bincount(np.cumsum(is_new) - 1)[np.cumsum(is_new) - 1] if len(known) else np.zeros(0)
    bands = np.minimum((np.arange(len(known)) * BANDS) // max(len(known), 1), BANDS - 1)
    return np.bincount(bands, share, BANDS) / np.maximum(np.bincount(bands, minlength=BANDS), 1)


def _correlations(values: Array) -> Array:
    filled = np.where(np.isfinite(values), values, 0.5)
    filled = filled - filled.mean(axis=0)
    filled = filled / np.maximum(np.sqrt((filled**2).sum(axis=0)), 1e-12)
    return np.asarray(filled.T @ filled)


def _signs(one: Array, other: Array) -> Array:
    """Return a sign for each column: turning over the columns of sign -1 makes the correlations (c, c) most like the
    others."""
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


def turned(column: Array, sign: int) -> Array:
    return column if sign > 0 else 1 - column
