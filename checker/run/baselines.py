"""Predictions of traditional models on the same splits, by task and by the names that assignments use.

Forests and boosting are smaller than usual, so that five seeds of all models take seconds, not minutes.
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
# Without a penalty on leaves, boosting diverges for a class of five rows and spoils the other classes' scores.
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
"""Factories of scikit-learn models."""


def predict(task: str, name: str, x: Array, labels: Array, training: Array, held_out: Array) -> Array:
    """Train a model on the rows ``training`` and return its predictions for ``held_out``: class scores (n, classes), 1
    for the predicted class, else 0; or values (n,).

    One thread: on a busy machine several threads mostly wait for one another, and they add up in another order.
    """
    with threadpool_limits(1):
        model = BASELINES[task][name]().fit(x[training], labels[training])
        predicted = np.asarray(model.predict(x[held_out]))
    return predicted if task == "regression" else np.asarray(np.eye(labels.max() + 1)[predicted])
