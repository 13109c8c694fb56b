"""Checks whether input columns that come from no column of the data reveal its target. Pure.

Theory of operation: a column that is computed from the data's own columns reveals no more than these do. If a column's
values are known only for the fed rows, it may hold labels, alone or together with other such columns. So one random
forest is trained with such columns beside the data's own, and one without. If the first scores clearly better out of
bag, the columns help. The loss without one of them, or the gain by one alone, shows which column helps. A column that
is a function of the data's columns may help as well, such as the distance to a place on the map. So a further forest
predicts such columns from the data's, and its predictions are subtracted. Only if the rest still helps do the columns
reveal the target. A forest that scores no better proves nothing, because a label can be hidden so that no forest finds
it. The number of rows is limited.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from checker.records.arrays import Array
from checker.records.tracing import Column

MOST_ROWS, MOST_COLUMNS = 5_000, 8
"""Limits on the rows of the sample, and on the columns that are tested one by one."""
MOST_MIXED = 60
"""Limit on the columns that are summed, and from which predictions by the data's columns are subtracted."""
TREES, WIDTH = 50, 16
"""Trees of a forest, and columns that each split chooses from."""
CLEARLY = 0.75
"""Largest share of a forest's error that may remain with other columns if these reveal the target."""
STILL = 0.9
"""Largest share that may remain after predictions by the data's columns are subtracted."""
PLAINLY = 0.2
"""If at most this share of the error remains, nothing is subtracted: no function of the data helps so much."""


@dataclass(frozen=True)
class Leak:
    """A forest's score with the data's columns alone, its score with a student's columns besides, and which columns
    matter."""

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
    """Return the leak of the labels (n,) through the ``suspects``, columns of ``inputs`` (n, d), beside the data's
    columns (n, e); None if a forest gains nothing from them.

    ``measure`` gives a score for class scores (n, classes) or values (n,), and ``error`` its distance from the best.
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
    """Return numbers as a forest takes them: gaps and infinities become 0, and huge values are clipped."""
    return np.clip(np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0), -1e30, 1e30).astype(np.float32)


def _mixed(columns: Array, labels: Array) -> Array:
    """Return the sums of columns (n, k) that best predict the labels. A forest splits one column at a time, so it
    misses a label that one column holds under a mask and another column unmasks. A single column has no sums."""
    if not 1 < columns.shape[1] <= MOST_MIXED:
        return columns[:, :0]
    told = labels[:, None] if labels.dtype.kind == "f" else np.equal(labels[:, None], np.unique(labels))
    standardised = _standardised(columns)
    weights, *_ = np.linalg.lstsq(standardised, told.astype(np.float64), rcond=None)
    return np.asarray(standardised @ weights)


def _without_what_follows(columns: Array, data: Array) -> Array:
    """Return standardised columns (n, k) less a forest's out-of-bag predictions from the data's columns (n, e)."""
    standardised = _standardised(columns)
    follows = _out_of_bag(data, standardised[:, 0] if standardised.shape[1] == 1 else standardised)
    return _known(standardised - follows.reshape(standardised.shape))


def _standardised(columns: Array) -> Array:
    """Return columns (n, k) with mean 0 and deviation 1; a constant column becomes 0."""
    centred = columns.astype(np.float64) - columns.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / np.maximum(centred.std(axis=0), np.finfo(np.float64).tiny))


def _out_of_bag(x: Array, labels: Array) -> Array:
    """Return a forest's output for each row by the trees that did not train on it: class scores, or values."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor  # rarely needed

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
