"""Initial values of a TensorFlow 1 graph's variables, as Keras initialisers.

Theory of operation: an initial value is a constant, or an affine function with constant coefficients of one random
operation. The scale and offset are collected on the way from the value down to that operation. Weights that NumPy drew
are constants in the graph; they become a normal distribution with their mean and standard deviation.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import JsonValue

from checker.guest.plain.plaindata import UnrebuildableError
from checker.records.arrays import Array

RANDOM = {"RandomUniform": "RandomUniform", "RandomStandardNormal": "RandomNormal", "RandomNormal": "RandomNormal",
          "TruncatedNormal": "TruncatedNormal"}  # fmt: skip
ARITHMETIC: Mapping[str, Any] = {"Sub": np.subtract, "Add": np.add, "AddV2": np.add, "Mul": np.multiply,
                                 "RealDiv": np.divide, "Neg": np.negative, "Sqrt": np.sqrt}  # fmt: skip
UNCHANGED = frozenset({"Identity", "Cast"})


def describe(value: Any, tf: Any) -> JsonValue:
    """Return an initial value as a Keras initialiser. Raises UnrebuildableError if none fits."""
    fixed = _constant(value, tf)
    if fixed is not None:
        return _of_numbers(fixed)
    kind, scale, offset = _drawn(value, tf)
    if kind != "RandomUniform":
        return _named(kind, {"mean": offset, "stddev": scale})
    shape, limit = value.shape.as_list(), scale / 2
    if len(shape) == 2 and np.allclose([limit, -offset], math.sqrt(6 / sum(shape)), rtol=1e-5):
        return _named("GlorotUniform", {})
    return _named("RandomUniform", {"minval": offset, "maxval": offset + scale})


def _of_numbers(values: Array) -> JsonValue:
    number = float(values.flat[0]) if values.size else 0.0
    if values.size and np.ptp(values):
        return _named("RandomNormal", {"mean": float(values.mean()), "stddev": float(values.std())})
    if number in (0.0, 1.0):
        return _named("Ones" if number else "Zeros", {})
    return _named("Constant", {"value": number})


def _drawn(value: Any, tf: Any) -> tuple[str, float, float]:
    """Return the Keras initialiser for a random value, with the scale and offset."""
    scale, offset, op = 1.0, 0.0, value.op
    while not (kind := RANDOM.get(op.type.removeprefix("Stateless").removesuffix("V2"), "")):
        if op.type in UNCHANGED:
            op = op.inputs[0].op
            continue
        parts = [_constant(tensor, tf) for tensor in op.inputs]
        known = [part for part in parts if part is not None and part.size == 1]
        first = len(parts) == 2 and parts[0] is None
        if len(parts) != 2 or len(known) != 1 or (op.type not in ("Mul", "Add", "AddV2") and not first):
            raise _unknown(value)
        number = float(known[0].item())
        if op.type in ("Add", "AddV2", "Sub"):
            offset += scale * (-number if op.type == "Sub" else number)
        elif op.type in ("Mul", "RealDiv"):
            scale *= number if op.type == "Mul" else 1 / number
        else:
            raise _unknown(value)
        op = op.inputs[0 if first else 1].op
    return kind, scale, offset


def _constant(tensor: Any, tf: Any) -> Array | None:
    """Return the value of a tensor that depends only on constants; None for any other."""
    found = tf.get_static_value(tensor)
    if found is not None:
        return np.asarray(found, dtype=np.float64)
    if tensor.op.type not in ARITHMETIC:
        return None
    parts = [_constant(part, tf) for part in tensor.op.inputs]
    return None if any(part is None for part in parts) else np.asarray(ARITHMETIC[tensor.op.type](*parts))


def _unknown(value: Any) -> UnrebuildableError:
    return UnrebuildableError(f"the initial value `{value.op.type}` of its weights is none that the checker knows")


def _named(class_name: str, config: dict[str, JsonValue]) -> JsonValue:
    return {"class_name": class_name, "config": config}
