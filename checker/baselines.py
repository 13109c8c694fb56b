"""What a traditional model reaches on the same splits: logistic regression."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from checker.frames import Array


def logistic_regression(x: Array, labels: Array, training: Array, held_out: Array) -> float:
    """Return the accuracy on the held-out rows of logistic regression fitted on the training rows."""
    model = LogisticRegression(max_iter=1_000).fit(x[training], labels[training])
    return float(np.mean(model.predict(x[held_out]) == labels[held_out]))
