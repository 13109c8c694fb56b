"""Tests whether missing rows are like the others: missing completely at random, or not. Pure.

Theory of operation: rows with gaps in a column, or a test part that was set aside, are a random sample of all rows;
leaving them out changes scores only by chance. Rows of one class, or rows that are hard to predict, are no such sample.
So missing rows are compared with the others in two ways: by their class (or tenth of the target), and by the
reference's error on them (in tenths). For each, a G-test asks whether the shares are the same. Its distribution is
simulated with fixed margins, so that the level holds for classes of five rows too. ``docs/judgement.md`` has the error
rates.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import scipy

from checker.records.arrays import Array
from checker.records.comparison import Likeness, MissingGroup
from checker.records.dataset import tenths
from checker.scoring.metrics import Unit

LEVEL = 0.001
"""Largest probability of taking rows that are missing at random for others. The tests share this level."""
TESTS = 2
"""One test by class or tenth of the target, one by the reference's error."""
FEW = 0.001
"""Share of the rows that moves an accuracy by at most 0.1 points, however the rows count."""
DRAWS = 19_999
FREQUENT = 0.02
"""A target value with this share of the rows is a band of its own, such as capped prices."""
MOST_GROUPS = 3
"""Limit on the groups that are named."""


def likeness(missing: Array, groupings: Sequence[Array]) -> Likeness:
    """Tell how missing rows (n,) relate to the others; ``groupings`` number the groups (n,) of all rows."""
    if missing.mean() <= FEW:
        return Likeness.FEW
    is_unlike = any(is_uneven(groups, missing) for groups in groupings)
    return Likeness.UNLIKE if is_unlike else Likeness.ALIKE


def is_uneven(groups: Array, missing: Array) -> bool:
    """Tell whether the share of missing rows differs between groups beyond chance."""
    return p_value(groups, missing) <= LEVEL / TESTS


def p_value(groups: Array, missing: Array) -> float:
    """Return the probability that as many rows drawn at random would be spread over the groups this unevenly or
    more."""
    _, groups = np.unique(groups, return_inverse=True)
    sizes, counts = np.bincount(groups), np.bincount(groups[missing], minlength=groups.max() + 1)
    as_uneven = _drawn(tuple(sizes.tolist()), int(missing.sum())) >= _unevenness(counts, sizes) - 1e-9
    return float((1 + as_uneven.sum()) / (1 + DRAWS))


@lru_cache(maxsize=32)
def _drawn(sizes: tuple[int, ...], missing: int) -> Array:
    """Return the unevenness of random draws of ``missing`` rows from groups of these sizes; the draws are always the
    same."""
    random, all_rows = np.random.default_rng(0x5EED), np.array(sizes)
    return _unevenness(random.multivariate_hypergeometric(all_rows, missing, DRAWS, method="marginals"), all_rows)


def _unevenness(counts: Array, sizes: Array) -> Array:
    """Return the log-likelihood ratio (...) of counts (..., groups), up to a constant."""
    return np.asarray(
        (scipy.special.xlogy(counts, counts / sizes) + scipy.special.xlogy(sizes - counts, 1 - counts / sizes)).sum(-1)
    )


def by_class(labels: Array, missing: Array, classes: Sequence[str]) -> tuple[MissingGroup, ...]:
    """Return the classes with more missing rows than the average, by share, largest number first."""
    groups = ((f"{name} rows", labels == number) for number, name in enumerate(classes))
    return _missing_most(groups, missing)


def by_band(targets: Array, missing: Array, unit: Unit) -> tuple[MissingGroup, ...]:
    """Return the same for bands of the target: tenths, and frequent values."""
    values, counts = np.unique(targets, return_counts=True)
    frequent = values[counts >= FREQUENT * len(targets)]
    rest = ~np.isin(targets, frequent)
    bands = tenths(targets)
    groups = [(f"rows with a target of {unit.value(float(value))}", targets == value) for value in frequent]
    for band in np.unique(bands[rest]):
        rows = rest & (bands == band)
        low, high = (unit.value(float(end)) for end in (targets[rows].min(), targets[rows].max()))
        span = f"of {low}" if low == high else f"from {low} to {high}"
        groups.append((f"rows with a target {span}", rows))
    return _missing_most(groups, missing)


def _missing_most(groups: Iterable[tuple[str, Array]], missing: Array) -> tuple[MissingGroup, ...]:
    counted = [MissingGroup(name, int(missing[rows].sum()), int(rows.sum())) for name, rows in groups]
    above = [of for of in counted if of.missing and of.missing / of.rows > missing.mean()]
    return tuple(sorted(above, key=lambda of: -of.missing)[:MOST_GROUPS])
