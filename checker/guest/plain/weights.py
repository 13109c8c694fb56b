"""Histograms of a network's trainable variables, which are kept as evidence instead of the weights, and hashes that
identify weights."""

import hashlib
from itertools import islice
from typing import Any

import numpy as np

from checker.records.arrays import Array
from checker.records.training import Histogram

BINS = 30
"""The same number as TensorBoard."""
VARIABLES = 200
"""Maximum number of variables described, from the inputs on; a hundred dense layers have as many."""


def histograms(model: Any) -> dict[str, Histogram]:
    """Return a histogram of each trainable variable, under names such as ``1_Dense/kernel``.

    The number is the layer's position in the model. Keras's own names are numbered across models, so they would differ
    between seeds.
    """
    variables = (
        (f"{place}_{type(layer).__name__}/{_own_name(variable)}", variable)
        for place, layer in enumerate(model.layers)
        for variable in layer.trainable_variables
    )
    return {name: histogram(np.asarray(variable)) for name, variable in islice(variables, VARIABLES)}


def digest(model: Any, tf: Any) -> bytes:
    """Return a hash of all of a network's weights; empty if a session holds them, or the network has none yet."""
    try:
        values = model.get_weights() if tf.executing_eagerly() else []
    except Exception:  # noqa: BLE001  # a student's own objects may raise anything
        return b""
    hashed = hashlib.blake2b(digest_size=16)
    for array in values:
        hashed.update(str(array.shape).encode())
        hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.digest() if values else b""


def _own_name(variable: Any) -> str:
    """Return ``kernel`` for a variable that legacy Keras names ``dense_1/kernel:0``."""
    return str(variable.name).rpartition("/")[2].partition(":")[0]


def histogram(values: Array) -> Histogram:
    """Return a histogram of values of any shape."""
    finite = values[np.isfinite(values)].astype(np.float64)  # in float32 the range alone could be infinite
    others = values.size - finite.size
    if not finite.size:
        return Histogram(0.0, 0.0, (), others)
    low, high = float(finite.min()), float(finite.max())
    counts, _ = np.histogram(finite, BINS, (low, high))
    return Histogram(low, high, tuple(counts.tolist()), others)
