"""TensorFlow 1's optimizers, which graphs and legacy Keras can use, as Keras optimizers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from checker.guest.plain.plaindata import UnrebuildableError
from checker.records.network import KerasObject

OF_TENSORFLOW_1 = {
    "GradientDescentOptimizer": ("SGD", {"learning_rate": "_learning_rate"}),
    "MomentumOptimizer": (
        "SGD", {"learning_rate": "_learning_rate", "momentum": "_momentum", "nesterov": "_use_nesterov"}
    ),
    "AdamOptimizer": (
        "Adam", {"learning_rate": "_lr", "beta_1": "_beta1", "beta_2": "_beta2", "epsilon": "_epsilon"}
    ),
    "RMSPropOptimizer": (
        "RMSprop",
        {"learning_rate": "_learning_rate", "rho": "_decay", "momentum": "_momentum", "epsilon": "_epsilon",
         "centered": "_centered"},
    ),
    "AdagradOptimizer": (
        "Adagrad",
        {"learning_rate": "_learning_rate", "initial_accumulator_value": "_initial_accumulator_value"},
    ),
    "AdadeltaOptimizer": ("Adadelta", {"learning_rate": "_lr", "rho": "_rho", "epsilon": "_epsilon"}),
}  # fmt: skip
"""For each TensorFlow 1 optimizer, the Keras optimizer and the attribute that holds each setting."""


def describe(optimizer: Any, values: Mapping[str, float] = MappingProxyType({})) -> KerasObject:
    """Return a TensorFlow 1 optimizer as a Keras optimizer; ``values`` are the tensors' values during training."""
    kind = type(optimizer).__name__
    if kind not in OF_TENSORFLOW_1 or not type(optimizer).__module__.startswith("tensorflow."):
        raise UnrebuildableError(f"the optimizer `{kind}` is none that the checker knows")
    class_name, names = OF_TENSORFLOW_1[kind]
    config: dict[str, Any] = {}
    for key, attribute in names.items():
        value = getattr(optimizer, attribute)
        if key == "learning_rate" and "rate" in values:
            value = values["rate"]
        if not isinstance(value, int | float):
            raise UnrebuildableError(f"the optimizer's setting `{key}` is computed in the graph")
        config[key] = value if isinstance(value, bool) else float(value)
    return KerasObject(class_name, config)
