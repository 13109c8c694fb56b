"""Labels in the form that a loss takes, and the metric that is computed with the loss."""

from typing import Any

import numpy as np

from checker.keras_spec import watched
from checker.records.arrays import Array


class ClassNumbers:
    """Labels of a classification, fed as integers or one-hot; the metric is accuracy.

    ``shape`` and ``kind``: the shape and the type of one row's label.
    """

    metric = watched.ACCURACY

    def __init__(self, tf: Any, classes: int, one_hot: bool) -> None:
        self.tf, self.classes, self.one_hot = tf, classes, one_hot
        self.zero = tf.constant(0, tf.int64)
        self.shape: tuple[int, ...] = (classes,) if one_hot else ()
        self.kind = tf.float32 if one_hot else tf.int32

    def encode(self, labels: Array) -> Array:
        """Return labels as the loss wants them."""
        return np.eye(self.classes, dtype=np.float32)[labels] if self.one_hot else labels.astype(np.int32)

    def count(self, y: Any, outputs: Any) -> Any:
        """Return how many rows are classified correctly."""
        tf = self.tf
        labels = tf.argmax(y, axis=-1) if self.one_hot else y
        hits = tf.equal(tf.argmax(outputs, axis=-1), tf.cast(labels, tf.int64))
        return tf.math.count_nonzero(hits)


class Numbers:
    """Labels of a regression, (n, 1); the metric is the mean absolute error."""

    metric = watched.ABSOLUTE_ERROR

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        self.zero = tf.constant(0.0)
        self.shape: tuple[int, ...] = (1,)
        self.kind = tf.float32

    def encode(self, labels: Array) -> Array:
        """Return labels as the loss wants them."""
        return labels.astype(np.float32).reshape(-1, 1)

    def count(self, y: Any, outputs: Any) -> Any:
        """Return the sum of the absolute errors."""
        return self.tf.reduce_sum(self.tf.abs(y - outputs))
