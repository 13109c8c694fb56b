"""Held-out splits from fixed seeds, and the hand-out's features for them.

A split covers *all* rows of the data set, including rows that a submission did not use, so that submission, reference
and baseline are tested on the same rows. It is stratified by class, so that even ISLAND, with five rows, has one in the
test; in a regression, by tenths of the target.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from checker.records.arrays import Array
from checker.records.assignment import SplitPlan


@dataclass(frozen=True)
class Split:
    """Row numbers of one seed's training, development and held-out parts, each sorted."""

    seed: int
    training: Array
    development: Array
    held_out: Array


def split(strata: Array, plan: SplitPlan, seed: int) -> Split:
    """Return the split of a seed, with read-only arrays. It depends on the strata, the plan and the seed alone."""
    return _split(np.ascontiguousarray(strata).tobytes(), strata.dtype.str, plan, seed)


@lru_cache(maxsize=64)
def _split(packed: bytes, dtype: str, plan: SplitPlan, seed: int) -> Split:
    strata = np.frombuffer(packed, dtype)
    random = np.random.default_rng([seed, 0x5EED])
    parts: dict[str, list[Array]] = {"training": [], "development": [], "held_out": []}
    for stratum in np.unique(strata):
        rows = random.permutation(np.flatnonzero(strata == stratum))
        test, watched = round(len(rows) * plan.test), round(len(rows) * plan.development)
        parts["held_out"].append(rows[:test])
        parts["development"].append(rows[test : test + watched])
        parts["training"].append(rows[test + watched :])
    whole = {name: np.sort(np.concatenate(rows)) for name, rows in parts.items()}
    for rows in whole.values():
        rows.setflags(write=False)
    return Split(seed, **whole)


def without_development(whole: Split) -> Split:
    """Return the split for a student without a development set: its rows join the training rows."""
    joined = np.sort(np.concatenate([whole.training, whole.development]))
    return Split(whole.seed, joined, joined[:0], whole.held_out)


def among(whole: Split, rows: Array, trainable: Array | None = None) -> Split:
    """Return the part of a split within ``rows``; training and development rows only from ``trainable``, if that is
    passed."""
    learned = rows if trainable is None else trainable
    among = ((whole.training, learned), (whole.development, learned), (whole.held_out, rows))
    return Split(whole.seed, *(part[np.isin(part, kept)] for part, kept in among))


def handout_features(features: Array, training: Array) -> Array:
    """Return the hand-out's columns: gaps filled by the median, then standardised, both fitted on the training rows."""
    from sklearn.impute import SimpleImputer  # takes a second to import and is rarely needed
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    prepare = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare.fit(features[training])
    return np.asarray(prepare.transform(features), dtype=np.float32)
