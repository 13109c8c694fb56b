"""What traditional models predict on the same splits, by task and by the names that assignments give them.

Forests and boosting are smaller than is usual, so that five seeds of all models take seconds and not minutes.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from checker.records.arrays import Array

_FOREST = {"n_estimators": 30, "random_state": 0}
# Without a penalty on leaves boosting runs wild for a class of five rows, and takes the others with it.
_BOOSTING = {"max_iter": 50, "learning_rate": 0.2, "l2_regularization": 1.0, "early_stopping": False, "random_state": 0}

BASELINES = MappingProxyType[str, Mapping[str, Callable[[], Any]]](
    {
        "classification": {
            "majority_class": DummyClassifier,
            "logistic_regression": partial(LogisticRegression, max_iter=1_000),
            "nearest_neighbours": KNeighborsClassifier,
            "random_forest": partial(RandomForestClassifier, **_FOREST),
            "gradient_boosting": partial(HistGradientBoostingClassifier, **_BOOSTING),
        },
        "regression": {
            "mean": DummyRegressor,
            "linear_regression": LinearRegression,
            "ridge_regression": Ridge,
            "random_forest": partial(RandomForestRegressor, max_features=1 / 3, **_FOREST),
            "gradient_boosting": partial(HistGradientBoostingRegressor, **_BOOSTING),
        },
    }
)
"""Makers of scikit-learn models."""


def predict(task: str, name: str, x: Array, labels: Array, training: Array, held_out: Array) -> Array:
    """Return what a model trained on some rows gives for others: class scores (n, classes), 1 for the class that is
    called; or values (n,).

    One thread: on a busy machine several wait for one another far longer than they work, and add up in another order.
    """
    with threadpool_limits(1):
        model = BASELINES[task][name]().fit(x[training], labels[training])
        predicted = np.asarray(model.predict(x[held_out]))
    return predicted if task == "regression" else np.asarray(np.eye(labels.max() + 1)[predicted])
