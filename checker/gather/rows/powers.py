"""Power transformations of a column, and the exponent behind a student's values. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy

from checker.gather.rows.fitting import MIN_ROWS, blocks_of, middle_line
from checker.gather.rows.screening import ALIKE
from checker.gather.rows.terms import finite
from checker.records.arrays import Array

ALIKE_ALREADY = 0.02
"""The same limit at one of ``POWERS``, which is only near the right exponent."""
POWERS = np.concatenate([np.arange(-40.0, -4), np.linspace(-4, 4, 33), np.arange(5.0, 41)])
Power = Callable[[Array, Any], Array]
"""A family of maps: takes values and one exponent, or several that broadcast."""


def _yeo_johnson(values: Array, exponent: Any) -> Array:
    rises = _power(np.log1p(np.maximum(values, 0)), exponent)
    falls = _power(np.log1p(np.maximum(-values, 0)), 2 - exponent)
    return finite(rises - falls)


def _box_cox(values: Array, exponent: Any) -> Array:
    return finite(_power(np.log(np.where(values > 0, values, np.nan)), exponent))


def _power(logarithms: Array, exponent: Any) -> Array:
    is_zero = np.abs(exponent) < 1e-12
    exponent = np.where(is_zero, 1.0, exponent)
    return np.asarray(np.where(is_zero, logarithms, np.expm1(exponent * logarithms) / exponent))


POWER_MAPS: Mapping[str, Power] = {"Yeo-Johnson": _yeo_johnson, "Box-Cox": _box_cox}


def best_exponent(theirs: Array, ours: Array, power: Power) -> float | None:
    """Return the exponent whose power of the data's values (s,) has an affine image nearest to a student's values."""
    known = np.isfinite(theirs) & np.isfinite(ours)
    theirs, ours = theirs[known], ours[known]
    if len(theirs) < MIN_ROWS:
        return None
    for block in blocks_of(len(ours)):
        left = _left(theirs[block], power(ours[block, None], POWERS))
        place = int(np.argmin(left))
        if left[place] > ALIKE_ALREADY:
            continue
        bounds = POWERS[max(place - 1, 0)], POWERS[min(place + 1, len(POWERS) - 1)]
        share, exponent = _nearest(theirs[block], ours[block], power, bounds)
        if share < ALIKE:
            made = power(ours, exponent)
            scale, offset = middle_line(made, theirs)
            near = np.abs(made * scale + offset - theirs) <= 1e-2 * np.std(theirs)
            return _nearest(theirs[near], ours[near], power, (exponent - 0.05, exponent + 0.05))[1]
    return None


def _nearest(theirs: Array, ours: Array, power: Power, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the share of variance that an affine image leaves over at the best exponent within bounds, and this
    exponent."""
    found = scipy.optimize.minimize_scalar(
        lambda exponent: _left(theirs, power(ours[:, None], exponent))[0],
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.fun), float(found.x)


def _left(theirs: Array, made: Array) -> Array:
    """Return the share of a student's variance that affine images of the transformed values (s, k) leave over: (k,)."""
    one, other = theirs - theirs.mean(), made - made.mean(axis=0)
    other = other / np.sqrt((other**2).sum(axis=0))
    share = ((one[:, None] - other * (one @ other)) ** 2).sum(axis=0) / (one @ one)
    return np.where(np.isfinite(share), share, 1.0)
