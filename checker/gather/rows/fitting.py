"""A student's column: formulas are fitted to one half of its rows and checked on the other half. Pure."""

import hashlib
from functools import cached_property

import numpy as np

from checker.gather.rows.values import evenly_spaced
from checker.records.arrays import Array

TOLERANCE = 1e-4
"""Maximum error of a value, in deviations of the student's column."""
ROUNDING = 2.0**-22
"""Maximum error of a value, as a share of itself: single precision rounds by this much."""
OFF = 0.001
"""Share of the rows that a formula may miss."""
NO_BETTER = 0.1
"""Share of the rows away from the column's median that a formula may miss; otherwise a constant would explain a rare
word.
"""
MIN_ROWS = 50
SAMPLE = 2_000
"""This many rows, spread over a table, decide which formulas may fit."""
BLOCKS, BLOCK = 4, 64
"""Number of blocks of rows in a sample, and rows of each block; each block is enough to recognise a formula."""
MOST_ALONG = 20_000
TURNS = 0.05
"""Of a sample this large, the share of steps that may go against the trend."""
LOOSE = 0.03
"""Share of the rows that may be off along a piece, where they lie between the values of their neighbours."""


class StudentColumn:
    """A student's ``values`` (n,) for the data's ``rows`` (n,), not all the same."""

    def __init__(self, values: Array, rows: Array) -> None:
        self.values = values
        self.rows = rows
        known = values[np.isfinite(values)]
        # A few extreme values must not set the scale.
        tail = int(OFF * len(known))
        ordered = np.partition(known, (tail, len(known) - 1 - tail))
        self.deviation = float(np.std(np.clip(known, ordered[tail], ordered[-1 - tail])) or np.std(known))
        self.most = TOLERANCE * self.deviation

    @cached_property
    def tolerance(self) -> Array:
        """Maximum error of each value (n,)."""
        return np.asarray(np.maximum(self.most, ROUNDING * np.abs(np.nan_to_num(self.values))))

    @cached_property
    def is_fitted(self) -> Array:
        """The rows (n,) that formulas are fitted to; the other rows check them."""
        seed = int.from_bytes(hashlib.sha256(self.values.tobytes()).digest()[:8], "big")
        half = np.random.default_rng(seed).permutation(len(self.values)) % 2 == 0
        return np.asarray(half & np.isfinite(self.values))

    def runs_along(self, ours: Array) -> bool:
        """Tell whether this column only rises or only falls along a source (m,), except in a few rows. Many rows reveal
        noise that a sample does not."""
        some = evenly_spaced(len(self.rows), MOST_ALONG)
        source, values = ours[self.rows[some]], self.values[some]
        order = np.argsort(source)[: np.isfinite(source).sum()]
        steps = np.diff(values[order])
        return bool(min((steps > self.most).sum(), (steps < -self.most).sum()) <= TURNS * len(steps))

    def fitted_to(self, term: Array) -> Array | None:
        """Return the affine image of a term (m,) that gives this column; None where none does."""
        ours = term[self.rows]
        known = self.is_fitted & np.isfinite(ours)
        if known.sum() < MIN_ROWS / 2:
            return None
        ours, theirs, tolerance = ours[known], self.values[known], self.tolerance[known]
        scale, offset = middle_line(ours, theirs)
        for within in (20, 2):
            near = np.abs(ours * scale + offset - theirs) <= within * tolerance
            if near.sum() < 3 or not np.ptp(ours[near]):
                return None
            scale, offset = _line(ours[near], theirs[near])
        values = np.where(np.isfinite(term), term * scale + offset, np.nan)
        return values if self.is_given_by(values) else None

    def is_whole(self, values: Array) -> bool:
        """Tell whether values for all rows of the data (m,) give this column in every row. A rare word may have no rows
        in one half, so there all rows must agree."""
        return bool((np.abs(values[self.rows] - self.values) <= self.tolerance).all())

    def is_given_by(self, values: Array, low: Array | None = None, high: Array | None = None) -> bool:
        """Tell whether values for all rows of the data (m,) give the checking half of this column.

        In a few rows a value between ``low`` and ``high`` (m,) is enough.
        """
        known, is_off = self._off(values)
        if len(known) < max(MIN_ROWS / 2, (~self.is_fitted).sum() / 2):
            return False
        theirs, tolerance, rows = self.values[known], self.tolerance[known], self.rows[known]
        if low is not None and high is not None:
            is_within = (low[rows] - tolerance <= theirs) & (theirs <= high[rows] + tolerance)
            if (is_off & is_within).mean() > LOOSE:
                return False
            is_off &= ~is_within
        far = (np.abs(theirs - np.nanmedian(theirs)) > tolerance).sum()
        return bool(far and is_off.sum() <= min(OFF * len(known), NO_BETTER * far))

    def share_off(self, values: Array) -> float:
        """Return the share of the checking half that values for all rows of the data do not give."""
        return float(self._off(values)[1].mean())

    def _off(self, values: Array) -> tuple[Array, Array]:
        made = values[self.rows]
        known = np.flatnonzero(~self.is_fitted & np.isfinite(made))
        return known, ~(np.abs(made[known] - self.values[known]) <= self.tolerance[known])


def middle_line(ours: Array, theirs: Array) -> tuple[float, float]:
    """Return a line that a few outliers do not turn: the best of the lines through some blocks of rows."""
    blocks = blocks_of(len(ours))
    lines = [_line(ours[block], theirs[block]) for block in blocks]
    some = evenly_spaced(len(ours), SAMPLE)
    off = [np.median(np.abs(ours[some] * scale + offset - theirs[some])) for scale, offset in lines]
    return lines[int(np.argmin(np.nan_to_num(off, nan=np.inf)))]


def _line(ours: Array, theirs: Array) -> tuple[float, float]:
    middle, away = ours.mean(), ours - ours.mean()
    scale = float(away @ theirs / (away @ away))
    return scale, float(theirs.mean() - scale * middle)


def blocks_of(count: int) -> list[Array]:
    """Return a few disjoint blocks of positions among ``count``."""
    every = max(BLOCKS, count // BLOCK)
    return [np.arange(start, count, every)[:BLOCK] for start in range(BLOCKS)]
