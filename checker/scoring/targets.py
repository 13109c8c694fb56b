"""The map from the data set's numbers to a student's targets in a regression, and its inverse. Pure.

Theory of operation: students predict dollars, hundreds of thousands of dollars, standardised values, or logarithms. All
these are ``factor * g(t) + offset``, where ``g`` is the identity or ``log(t + shift)``; ``log1p`` of hundreds of
thousands is ``log(t + 100000)`` less a constant. ``match`` fits both constants by least squares for each ``g``, row by
row, without the rows that do not fit. If the rows disagree but the two *distributions* are images of one another, such
as after a shuffle, the constants come from the quantiles, and all rows count as different. If the rows are unknown, the
constants come from the quantiles, too.

The clean guest trains on the data set's own numbers after this mapping; its predictions are mapped back.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checker.records.tracing import TargetScale

Array = NDArray[Any]

SHIFTS = (None, 0.0, 1.0, 100_000.0)
TOLERANCE = 1e-3
"""Tolerance in deviations of the student's targets. A row that is farther off has another target than the data's."""

SIMILAR_SHAPE = 0.05
"""Largest misfit of two similar distributions, in quartile ranges: two thousand random rows are up to 0.03 off."""

QUANTILES = np.linspace(0.02, 0.98, 97)
MIN_ROWS = 10
UNKNOWN = "The checker does not recognise the targets"
"""The beginning of the reason why a network with targets of unknown scale is not retrained."""
LARGEST_LOGARITHM = 25.0
"""Limit on predicted logarithms, because larger ones would overflow."""


@dataclass(frozen=True)
class TargetMatch:
    """The scale of a student's targets, and the number of rows that differ from the data.

    Without a known scale, no rows are counted.
    """

    scale: TargetScale | None
    differ: int = 0


def match(theirs: Array, values: Array, everyone: Array) -> TargetMatch:
    """Match a student's targets (n,) with the data set's values of the same rows, and of all rows (m,)."""
    found = [_by_row(theirs, values, shift) for shift in _shifts(everyone)]
    best, _ = min(found, key=lambda candidate: (candidate[0].differ, candidate[1]))
    if best.scale is not None and best.differ <= len(theirs) / 2:
        return best
    if _same_order(theirs, values):
        return TargetMatch(None)
    scale = by_shape(theirs, everyone)
    return TargetMatch(scale, len(theirs) if scale else 0)


def _same_order(theirs: Array, values: Array) -> bool:
    """Tell whether both order the rows alike: then the targets belong to their rows, under an unknown map."""
    known = np.isfinite(theirs)
    if known.sum() < MIN_ROWS:
        return False
    one, other = (np.argsort(np.argsort(column[known], kind="stable")) for column in (theirs, values))
    return bool(np.corrcoef(one, other)[0, 1] > 0.99)


def by_shape(theirs: Array, everyone: Array) -> TargetScale | None:
    """Return the scale that maps the distribution of all values to that of a student's targets, if any does."""
    known = theirs[np.isfinite(theirs)]
    if len(known) < MIN_ROWS or np.std(known) == 0:
        return None
    theirs, ours = np.quantile(known, QUANTILES), np.quantile(everyone, QUANTILES)
    scales = [_fit(theirs, _bent(ours, shift), shift) for shift in _shifts(everyone)]
    misfits = [float(np.sqrt(np.mean((apply(scale, ours) - theirs) ** 2))) for scale in scales]
    best = int(np.argmin(misfits))
    similar = misfits[best] <= SIMILAR_SHAPE * (theirs[72] - theirs[24]) and scales[best].factor > 0
    return scales[best] if similar else None


def _by_row(theirs: Array, values: Array, shift: float | None) -> tuple[TargetMatch, float]:
    """Fit row by row, dropping outlying rows in each round; return the median misfit too."""
    bent, kept = _bent(values, shift), np.isfinite(theirs)
    allowed = TOLERANCE * float(np.std(theirs[kept])) if kept.any() else 0.0
    scale: TargetScale | None = None
    misfit = np.full(len(theirs), np.inf)
    for _ in range(8):
        if kept.sum() < MIN_ROWS or not allowed:
            break
        scale = _fit(theirs[kept], bent[kept], shift)
        misfit = np.abs(scale.factor * bent + scale.offset - theirs)
        kept = misfit <= max(2 * float(np.nanmedian(misfit)), allowed / 100)
    return TargetMatch(scale, int((~(misfit <= allowed)).sum())), float(np.nanmedian(misfit))


def _shifts(everyone: Array) -> list[float | None]:
    """Return None, for no logarithm, and the shifts after which all values have logarithms."""
    return [shift for shift in SHIFTS if shift is None or everyone.min() + shift > 0]


def _bent(values: Array, shift: float | None) -> Array:
    return values if shift is None else np.log(values + shift)


def _fit(theirs: Array, bent: Array, shift: float | None) -> TargetScale:
    spread = float(np.var(bent))
    factor = float(np.mean((bent - bent.mean()) * (theirs - theirs.mean()))) / spread if spread else 0.0
    return TargetScale(factor, float(theirs.mean() - factor * bent.mean()), shift)


def apply(scale: TargetScale, values: Array) -> Array:
    """Return the data set's values (n,) in the student's unit."""
    return np.asarray(scale.factor * _bent(values, scale.shift) + scale.offset)


def undo(scale: TargetScale, outputs: Array) -> Array:
    """Return a network's outputs (n,) in the data set's unit, float64."""
    bent = (outputs.astype(np.float64) - scale.offset) / scale.factor
    if scale.shift is None:
        return np.asarray(bent)
    return np.asarray(np.exp(np.minimum(bent, LARGEST_LOGARITHM)) - scale.shift)
