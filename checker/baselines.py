"""What traditional models predict on the same splits, by the names that assignments give them."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from checker.frames import Array


def logistic_regression(x: Array, labels: Array, training: Array, held_out: Array) -> Array:
    """Return class scores (n, classes) for the held-out rows: 1 for the class that is called."""
    model = LogisticRegression(max_iter=1_000).fit(x[training], labels[training])
    return np.asarray(np.eye(labels.max() + 1)[model.predict(x[held_out])])


def linear_regression(x: Array, labels: Array, training: Array, held_out: Array) -> Array:
    """Return predicted values (n,) for the held-out rows."""
    model = LinearRegression().fit(x[training], labels[training])
    return np.asarray(model.predict(x[held_out]))


BASELINES = MappingProxyType[str, Callable[[Array, Array, Array, Array], Array]](
    {"logistic_regression": logistic_regression, "linear_regression": linear_regression}
)
