"""The network in a TensorFlow 1 graph, read from its operations.

Theory of operation: the reader goes back from the loss to the operation that compares the network's outputs with the
labels. From those outputs it goes down, tensor by tensor, to the first tensor that depends on no trainable variable:
that is the input ``x``. On the way, a call of a Keras or ``tf.layers`` layer is one step (``calls`` maps tensors to
layers). Everything else is matched operation by operation: a product with a variable is a Dense layer, a sum with one
is its bias, ``Relu`` and the like are its activation. An operation that is not understood raises UnrebuildableError,
which names it.

Settings that are tensors (a rate, a flag for training) are kept as tensors in ``Step``. They have values only while the
graph runs; ``describe`` inserts those.
"""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import JsonValue

from checker.guest.plain import plaindata
from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.watch import initializers
from checker.keras_spec import allow_list
from checker.records.network import Architecture, KerasObject, Layer, Node

VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp"})
READS = frozenset({"Identity", "ReadVariableOp"})
SUMS = frozenset({"Add", "AddV2", "BiasAdd"})
ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6", "Elu": "elu", "Selu": "selu", "Sigmoid": "sigmoid", "Tanh": "tanh",
               "Softplus": "softplus", "Softsign": "softsign", "Softmax": "softmax"}  # fmt: skip
UNCHANGED = frozenset({"Identity", "CheckNumerics", "EnsureShape"})
PRODUCTS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2"})
"""The latter two are used if the rank of a factor is unknown, as for a placeholder without a shape."""
TRANSPOSED = ("transpose_a", "transpose_b", "adj_x", "adj_y")
SOURCES = ("Placeholder", "Iterator", "Const")
FLAGGED = frozenset({"Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "BatchNormalization"})
"""Layers that behave differently during training."""
NOT_ZERO = 1e-6


@dataclass(frozen=True)
class Call:
    """A layer's call on a tensor; ``training`` is its argument of that name."""

    layer: Any
    inputs: Any
    training: Any


@dataclass
class Step:
    """A layer on the way from ``x`` to the outputs. Values in ``settings`` may be tensors."""

    class_name: str
    settings: dict[str, Any]
    training: Any = True
    weights: int = 0


@dataclass(frozen=True)
class Target:
    """The point where outputs and labels are compared. ``each`` is the loss of each row, or ``None`` if ``log`` is the
    logarithm of the outputs, to be multiplied by one-hot labels."""

    loss: KerasObject
    outputs: Any
    labels: Any
    each: Any = None
    log: Any = None


@dataclass
class Reading:
    """The network in the graph: its steps, first to last, and the input tensor; or the obstacle to reading it."""

    target: Target
    x: Any
    steps: list[Step] = field(default_factory=list)
    obstacle: str = ""

    def tensors(self) -> list[Any]:
        """Return the settings that are tensors."""
        found = [value for step in self.steps for value in (*step.settings.values(), step.training)]
        return [value for value in found if is_tensor(value)]


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a graph's tensor."""
    return hasattr(value, "op") and hasattr(value, "value_index")


def ancestors(operations: list[Any]) -> Iterator[Any]:
    """Yield operations and all that they depend on, breadth first."""
    seen, queue = set(operations), list(operations)
    for op in queue:
        yield op
        for before in (*(tensor.op for tensor in op.inputs), *op.control_inputs):
            if before not in seen:
                seen.add(before)
                queue.append(before)


class Reader:
    """Reads networks from one graph. ``calls`` maps a tensor's name to the call that made it."""

    def __init__(self, graph: Any, calls: Mapping[str, Call], tf: Any) -> None:
        self.calls, self.tf = calls, tf
        variables = graph.get_collection("variables")
        self.trainable = {home(v) for v in graph.get_collection("trainable_variables")}
        self.initial = {home(v): v.initial_value for v in variables}
        self.initializers = {home(v): v.initializer.name for v in variables}
        self._depends: dict[str, bool] = {}

    def read(self, target: Target, fed: Mapping[Any, Any]) -> Reading:
        """Return the network that ends in the target's outputs; ``fed`` is the feed of a run that trains it."""
        reading = Reading(target, None)
        steps: list[Step] = []
        tensor = target.outputs
        try:
            while self.depends(tensor):
                tensor = self._step(tensor, steps)
            reading.x = tensor
            reading.steps = _merged(steps[::-1])
        except Exception as error:  # noqa: BLE001  # a student's own layers may raise anything
            reading.obstacle = plaindata.reason(error)
            reading.x = self.some_input(tensor.op, fed)
        return reading

    def depends(self, tensor: Any) -> bool:
        """Tell whether a tensor depends on a trainable variable."""
        if tensor.name not in self._depends:
            self._depends[tensor.name] = any(op.name in self.trainable for op in ancestors([tensor.op]))
        return self._depends[tensor.name]

    def starts(self, tensor: Any) -> frozenset[str]:
        """Return the names of the operations that initialise the trainable variables below a tensor."""
        names = {op.name for op in ancestors([tensor.op])} & self.trainable
        return frozenset(self.initializers[name] for name in names if name in self.initializers)

    def some_input(self, operation: Any, fed: Mapping[Any, Any]) -> Any:
        """Return the largest floating-point table that an unreadable network depends on; None if there is none."""
        sizes: dict[Any, list[float]] = {}
        for op in ancestors([operation]):
            for tensor in op.outputs if op.type.startswith(SOURCES) else ():
                shape = np.shape(fed[tensor]) if tensor in fed else tensor.shape.as_list() if tensor.shape.rank else ()
                if tensor.dtype.is_floating and len(shape) == 2:
                    sizes[tensor] = [size or math.inf for size in shape]
        return max(sizes, key=sizes.__getitem__, default=None)

    def width(self, operation: Any) -> int | None:
        """Return the number of columns after the last product with a trainable variable; None if there is no
        product."""
        for op in ancestors([operation]):
            if _is_product(op) and (self._variable(op.inputs[1]) or "") in self.trainable:
                return int(op.inputs[1].shape.as_list()[-1])
        return None

    # -- from the outputs down -------------------------------------------------------------------------------

    def _step(self, tensor: Any, steps: list[Step]) -> Any:
        """Add the layer that made a tensor, if it is one, and return the layer's input tensor."""
        call = self.calls.get(tensor.name)
        if call is not None:
            steps.append(self._called(call))
            return call.inputs
        op = tensor.op
        if op.type in ACTIVATIONS:
            steps.append(Step("Activation", {"activation": ACTIVATIONS[op.type]}))
            return op.inputs[0]
        if op.type == "LeakyRelu":
            steps.append(Step("LeakyReLU", {"alpha": float(op.get_attr("alpha"))}))
            return op.inputs[0]
        if op.type in UNCHANGED or (op.type == "Reshape" and _is_same(op.inputs[0], tensor)):
            return op.inputs[0]
        if op.type == "SelectV2":
            return self._dropout(op, steps)
        return self._weighted(op, steps)

    def _called(self, call: Call) -> Step:
        layer, kind = call.layer, type(call.layer).__name__
        if not is_tensor(call.inputs):
            raise UnrebuildableError(f"the layer `{kind}` takes several inputs")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old initialisers warn; the student need not see it
            config = dict(layer.get_config())
        if "activation" in config:
            config["activation"] = self._activation(layer.activation)
        for key in [k for k in ("kernel", "bias") if getattr(layer, k, None) is not None]:
            config[f"{key}_initializer"] = self._initializer(home(getattr(layer, key)))
        config = {key: self._fixed(value) for key, value in config.items()}
        settings = {key: value for key, value in config.items() if is_tensor(value)}
        plain = plaindata.describe(layer, allow_list.LAYERS, {k: v for k, v in config.items() if k not in settings})
        kept = {key: value for key, value in settings.items() if key in allow_list.LAYERS[kind].split()}
        weights = sum(weight.shape.num_elements() for weight in layer.weights)
        return Step(kind, {**plain.config, **kept}, self._fixed(call.training), weights)

    def _fixed(self, value: Any) -> Any:
        """Return the number in a constant tensor; return anything else unchanged."""
        found = self.tf.get_static_value(value) if is_tensor(value) else None
        return value if found is None else np.asarray(found).item()

    def _activation(self, function: Any) -> JsonValue:
        try:
            return plaindata.activation_name(function, self.tf.keras, self.tf)
        except UnrebuildableError:
            return plaindata.activation_name(function, self.tf.keras, self.tf.compat.v1)

    def _dropout(self, op: Any, steps: list[Step]) -> Any:
        """Read ``tf.nn.dropout``: inputs are scaled if a random number reaches the rate, and are zero otherwise."""
        condition, scaled = op.inputs[0].op, op.inputs[1].op
        is_random = condition.type == "GreaterEqual" and condition.inputs[0].op.type == "RandomUniform"
        if not is_random or scaled.type not in ("Mul", "RealDiv"):
            raise _unknown(op)
        steps.append(Step("Dropout", {"rate": self._fixed(condition.inputs[1])}))
        return scaled.inputs[0]

    def _weighted(self, op: Any, steps: list[Step]) -> Any:
        """Read a sum or product with a variable as a Dense layer, or as its bias."""
        names = [self._variable(tensor) for tensor in op.inputs]
        if len(names) != 2 or sum(name is not None for name in names) != 1:
            raise _unknown(op)
        at = 0 if names[0] is not None else 1
        name, other, shape = str(names[at]), op.inputs[1 - at], op.inputs[at].shape.as_list()
        start, weights = self._initializer(name), math.prod(shape)
        if op.type in SUMS and len([n for n in shape if n != 1]) <= 1:
            steps.append(Step("bias", {"bias_initializer": start}, weights=weights))
            return other
        if _is_product(op) and at == 1 and len(shape) == 2:
            dense = {"units": shape[1], "activation": "linear", "use_bias": False, "kernel_initializer": start}
            steps.append(Step("Dense", dense, weights=weights))
            return other
        raise _unknown(op)

    def _variable(self, tensor: Any) -> str | None:
        """Return the name of the variable whose value a tensor holds; None if it holds none."""
        op = tensor.op
        while op.type in READS and len(op.inputs) == 1:
            op = op.inputs[0].op
        return op.name if op.type in VARIABLES else None

    def _initializer(self, name: str) -> JsonValue:
        """Return a variable's initial value as one of Keras's initialisers."""
        value = self.initial.get(name)
        if value is None:
            raise UnrebuildableError(f"the variable `{name}` has no initial value")
        return initializers.describe(value, self.tf)


def home(variable: Any) -> str:
    """Return the name of the operation that holds a variable."""
    return str((variable.handle if hasattr(variable, "handle") else variable).op.name)


def _unknown(op: Any) -> UnrebuildableError:
    return UnrebuildableError(f"the operation `{op.type}` in its graph is no part of a plain dense network")


def _is_product(op: Any) -> bool:
    """Tell whether an operation multiplies two matrices without transposing either."""
    return op.type in PRODUCTS and not any(op.get_attr(key) for key in TRANSPOSED if key in op.node_def.attr)


def _is_same(before: Any, after: Any) -> bool:
    """Tell whether a Reshape leaves a table unchanged."""
    return before.shape.rank == 2 and after.shape.rank in (2, None)


def _merged(steps: list[Step]) -> list[Step]:
    """Make one Dense layer of a product, its bias and its activation."""
    merged: list[Step] = []
    for step in steps:
        last = merged[-1] if merged else None
        is_bare = last is not None and last.class_name == "Dense" and last.settings["activation"] == "linear"
        if step.class_name == "bias":
            if last is None or not is_bare or last.settings["use_bias"]:
                raise UnrebuildableError("a variable is added where no dense layer ends")
            last.settings |= {"use_bias": True, **step.settings}
            last.weights += step.weights
        elif step.class_name == "Activation" and last is not None and is_bare:
            last.settings["activation"] = step.settings["activation"]
        else:
            merged.append(step)
    return merged


# -- the loss --------------------------------------------------------------------------------------------


def find_target(roots: list[Any], reader: Reader) -> Target | None:
    """Return where outputs and labels are compared, nearest to the loss; None if the comparison is no listed loss."""
    for op in ancestors(roots):
        if op.type == "SparseSoftmaxCrossEntropyWithLogits":
            return _cross_entropy("SparseCategoricalCrossentropy", op)
        if op.type == "SoftmaxCrossEntropyWithLogits":
            return _cross_entropy("CategoricalCrossentropy", op)
        if op.type == "Mul" and (found := _by_hand(op, reader)) is not None:
            return found
        if op.type in ("SquaredDifference", "Square") and (found := _squares(op, reader)) is not None:
            return found
    return None


def _cross_entropy(class_name: str, op: Any) -> Target:
    outputs = op.inputs[0]
    if outputs.op.type == "Reshape" and outputs.op.inputs[0].shape.rank in (2, None):
        outputs = outputs.op.inputs[0]  # the loss flattens outputs that may have more dimensions
    return Target(KerasObject(class_name, {"from_logits": True}), outputs, op.inputs[1], each=op.outputs[0])


def _by_hand(op: Any, reader: Reader) -> Target | None:
    """Read labels times the logarithm of a softmax, as students write cross-entropy."""
    for log, labels in (op.inputs, tuple(op.inputs)[::-1]):
        if log.op.type not in ("Log", "LogSoftmax") or reader.depends(labels):
            continue
        outputs = log.op.inputs[0]
        while log.op.type == "Log" and outputs.op.type in ("Maximum", "Minimum", "ClipByValue", "Add", "AddV2"):
            outputs = outputs.op.inputs[0]
        loss = KerasObject("CategoricalCrossentropy", {"from_logits": log.op.type == "LogSoftmax"})
        return Target(loss, outputs, labels, log=log)
    return None


def _squares(op: Any, reader: Reader) -> Target | None:
    pair = tuple(op.inputs) if op.type == "SquaredDifference" else tuple(op.inputs[0].op.inputs)
    if len(pair) != 2 or reader.depends(pair[0]) == reader.depends(pair[1]):
        return None
    outputs, labels = pair if reader.depends(pair[0]) else pair[::-1]
    return Target(KerasObject("MeanSquaredError"), outputs, labels, each=op.outputs[0])


# -- as plain data ---------------------------------------------------------------------------------------


def describe(reading: Reading, values: Mapping[str, float]) -> Architecture:
    """Return the network as a chain of layers, with the values that its tensors had during training."""
    if reading.obstacle:
        raise UnrebuildableError(reading.obstacle)
    width = reading.x.shape.as_list()[-1] if reading.x.shape.rank == 2 else None
    width = width or values.get("width")
    if not width:
        raise UnrebuildableError("its inputs are no table of a fixed width")
    layers = [Layer("input_1", "InputLayer", {"shape": [int(width)]})]
    for step in reading.steps:
        if (layer := _layer(step, len(layers), values)) is not None:
            layers.append(layer)
    nodes = tuple(Node(layer.name, (n - 1,) if n else ()) for n, layer in enumerate(layers))
    return Architecture(tuple(layers), nodes, (len(layers) - 1,), sum(step.weights for step in reading.steps))


def _layer(step: Step, number: int, values: Mapping[str, float]) -> Layer | None:
    """Return a step as a layer; None if it had no effect during training."""
    settings = {key: _number(value, values) for key, value in step.settings.items()}
    if step.class_name in FLAGGED and not _number(step.training, values):
        if step.class_name == "BatchNormalization":
            raise UnrebuildableError("its batch normalisation was not told that it was being trained")
        return None
    if step.class_name == "Dropout" and isinstance(settings["rate"], float) and settings["rate"] < NOT_ZERO:
        return None
    return Layer(f"{step.class_name.lower()}_{number}", step.class_name, settings)


def _number(value: Any, values: Mapping[str, float]) -> Any:
    if not is_tensor(value):
        return value
    if value.name not in values:
        raise UnrebuildableError(f"the value of `{value.name}` could not be seen while it was trained")
    return round(float(values[value.name]), 6)
