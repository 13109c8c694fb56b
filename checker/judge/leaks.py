"""Whether inputs that follow from no column of the data tell its target. Pure.

Theory of operation: of a column that is computed from the data's own columns it is known what it can tell. Of one
whose values are known only for the rows that a student fed it is not: it may hold labels, alone or together with others
of its kind. A forest that is given such columns beside the data's own, and does clearly better out of bag than one that
is not, shows that they help; what it loses without one of them, or has by one alone, says which. A column that is a
function of the data's columns may help as well, as likeness to places on the map does. So what a second forest makes of
such columns from the data's is taken off them, and only where the rest helps still do they tell the target. A forest
that does no better proves nothing, as a label can be hidden so that no forest finds it. It is asked of a bounded number
of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from checker.records.arrays import Array
from checker.records.tracing import Column

MOST_ROWS, MOST_COLUMNS = 5_000, 8
"""Rows of the sample, and columns that are looked at one by one."""
MOST_MIXED = 60
"""Columns that are summed, and from which is taken off what follows from the data's columns."""
TREES, WIDTH = 50, 16
"""Trees of a forest, and columns that a split chooses from."""
CLEARLY = 0.75
"""Of a forest's error, what is left at most where other columns tell it the target."""
STILL = 0.9
"""What is left at most if what follows from the data's columns is taken off them."""
PLAINLY = 0.2
"""If no more is left than this, nothing is taken off: no function of the data's columns helps so much."""


@dataclass(frozen=True)
class Leak:
    """What a forest scores with the data's columns alone, and with a student's besides; and which of these matter."""

    without: float
    beside: float
    columns: tuple[int, ...]


def unexplained(columns: Sequence[Column]) -> tuple[int, ...]:
    """Return the positions of columns that are not computed from the data's own."""
    return tuple(at for at, column in enumerate(columns) if not column.formula or column.has_target)


def find(
    inputs: Array,
    data: Array,
    labels: Array,
    suspects: Sequence[int],
    measure: Callable[[Array, Array], float],
    error: Callable[[float], float],
) -> Leak | None:
    """Return what columns of ``inputs`` (n, d), the ``suspects``, tell of the labels (n,) beside the data's columns (n,
    e); None where a forest makes nothing of them.

    ``measure`` gives a score for class scores (n, classes) or values (n,), and ``error`` how far it is from the best.
    """
    rows = np.arange(len(labels))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    own, theirs, labels = data[rows], inputs[rows], labels[rows]

    def score_with(besides: Array) -> float:
        both = np.hstack([_known(own), besides])
        return measure(_out_of_bag(np.hstack([both, _mixed(both, labels)]), labels), labels)

    def score(chosen: Sequence[int]) -> float:
        return score_with(_known(theirs[:, list(chosen)]))

    without, beside = score(()), score(suspects)
    if error(beside) > CLEARLY * error(without):
        return None
    if error(beside) > PLAINLY * error(without) and len(suspects) <= MOST_MIXED:
        rest = _without_what_follows(_known(theirs[:, list(suspects)]), _known(own))
        if error(score_with(rest)) > STILL * error(without):
            return None
    half = (error(without) + error(beside)) / 2
    carrying = []
    for one in suspects if len(suspects) <= MOST_COLUMNS else ():
        others = [other for other in suspects if other != one]
        if not others or error(score(others)) > half or error(score([one])) < half:
            carrying.append(one)
    return Leak(without, beside, tuple(carrying))


def _known(x: Array) -> Array:
    """Return numbers as a forest takes them: gaps and what is beyond all measure are 0."""
    return np.clip(np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0), -1e30, 1e30).astype(np.float32)


def _mixed(columns: Array, labels: Array) -> Array:
    """Return what sums of columns (n, k) tell of the labels at best: by splitting one column after the other, a forest
    does not find a label that one holds under a mask and another takes it off. No column for one alone."""
    if not 1 < columns.shape[1] <= MOST_MIXED:
        return columns[:, :0]
    told = labels[:, None] if labels.dtype.kind == "f" else np.equal(labels[:, None], np.unique(labels))
    standardised = _standardised(columns)
    weights, *_ = np.linalg.lstsq(standardised, told.astype(np.float64), rcond=None)
    return np.asarray(standardised @ weights)


def _without_what_follows(columns: Array, data: Array) -> Array:
    """Return standardised columns (n, k) without what a forest makes of them, out of bag, from the data's (n, e)."""
    standardised = _standardised(columns)
    follows = _out_of_bag(data, standardised[:, 0] if standardised.shape[1] == 1 else standardised)
    return _known(standardised - follows.reshape(standardised.shape))


def _standardised(columns: Array) -> Array:
    """Return columns (n, k) with mean 0 and deviation 1; a constant one is 0."""
    centred = columns.astype(np.float64) - columns.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / np.maximum(centred.std(axis=0), np.finfo(np.float64).tiny))


def _out_of_bag(x: Array, labels: Array) -> Array:
    """Return what a forest gives for each row by the trees that have not seen it: class scores, or values."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor  # seldom needed

    is_number = labels.dtype.kind == "f"
    settings: dict[str, Any] = {"n_estimators": TREES, "max_features": min(WIDTH, x.shape[1]), "random_state": 0}
    with threadpool_limits(1):
        forest = (RandomForestRegressor if is_number else RandomForestClassifier)(oob_score=True, n_jobs=1, **settings)
        forest.fit(x, labels)
    if is_number:
        return np.asarray(np.nan_to_num(forest.oob_prediction_))
    scores = np.zeros((len(labels), int(labels.max()) + 1))
    scores[:, forest.classes_] = forest.oob_decision_function_
    return scores
