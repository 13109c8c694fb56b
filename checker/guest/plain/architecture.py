"""A Keras model as an ``Architecture`` record, and the model back from the record.

Theory of operation: ``describe`` walks the graph of layer calls, from the inputs on, and writes down one node
for each call. Nested models are walked in place, so the record is flat; a Sequential is a chain. Both Keras
generations keep this graph under the same name (``_nodes_by_depth``) with slightly different nodes.
``rebuild`` replays the nodes with fresh layers from the allow-list. Subclassed models and layers, ``Lambda``
and most functions of symbolic tensors have no such description: ``UnrebuildableError`` names it.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from checker.guest.plain import plaindata
from checker.guest.plain.plaindata import UnrebuildableError
from checker.keras_spec import allow_list, architectures
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.network import Architecture, KerasObject, Layer, Node


def describe(model: Any, keras: Any, tf: Any) -> Architecture:
    """Return a built model as plain data. Raises UnrebuildableError, with the obstacle, if that is impossible."""
    walk = _Walk(keras, tf)
    kind = type(model).__name__
    if type(model) is not keras.Sequential and kind != "Functional":
        raise UnrebuildableError(f"the model is of the student's own class `{kind}`")
    plaindata.require_own_methods(model)
    if not model.built:
        raise UnrebuildableError("the model was never given data, so its layers have no shapes yet")
    columns = _numeric_columns(model, keras)
    inputs = [walk.input(shape) for shape in ([(columns,)] if columns else _input_shapes(model))]
    outputs = walk.call(model, inputs)
    return Architecture(tuple(walk.layers.values()), tuple(walk.nodes), tuple(outputs), int(model.count_params()))


def _numeric_columns(model: Any, keras: Any) -> int:
    """Return the number of columns if a model's first layer selects unchanged numeric columns as a table; else 0. The
    later layers do not depend on the order of columns."""
    first = model.layers[0] if type(model) is keras.Sequential and model.layers else None
    if first is None or type(first) is not getattr(keras.layers, "DenseFeatures", None):
        return 0
    columns = list(first._feature_columns)
    is_plain = [type(c).__name__ == "NumericColumn" and c.shape == (1,) and c.normalizer_fn is None for c in columns]
    if not all(is_plain):
        raise UnrebuildableError("its feature columns are more than columns of numbers as they are")
    return len(columns)


def _input_shapes(model: Any) -> list[tuple[int, ...]]:
    shapes = model.input_shape
    if isinstance(shapes, tuple) and None in shapes[1:]:  # an adapted layer does not publish its widths
        shapes = tuple(getattr(model.layers[0], "_build_input_shape", None) or shapes)
    has_several = isinstance(shapes, list | dict)
    shapes = [tuple(tensor.shape) for tensor in model.inputs] if has_several else [shapes]
    if any(not isinstance(shape, tuple) or None in shape[1:] for shape in shapes):
        raise UnrebuildableError("the model's inputs have no fixed shape")
    return [tuple(int(n) for n in shape[1:]) for shape in shapes]


class _Walk:
    """Collects layers and nodes while a model's graph is followed."""

    def __init__(self, keras: Any, tf: Any) -> None:
        self.keras, self.tf = keras, tf
        self.layers: dict[int, Layer] = {}
        self.nodes: list[Node] = []

    def input(self, shape: tuple[int, ...]) -> int:
        name = f"input_{len(self.nodes) + 1}"
        self.layers[-len(self.nodes) - 1] = Layer(name, "InputLayer", {"shape": list(shape)})
        return self._add(Node(name, ()))

    def call(self, layer: Any, inputs: list[int]) -> list[int]:
        """Note the call of a layer or nested model on the outputs of earlier nodes."""
        if type(layer) is self.keras.Sequential:
            for part in layer.layers[1:] if _numeric_columns(layer, self.keras) else layer.layers:
                if type(part).__name__ != "InputLayer":
                    inputs = self.call(part, inputs)
            return inputs
        if type(layer).__name__ == "Functional":
            return self._call_functional(layer, inputs)
        operator = _as_layer(layer, len(inputs))
        if operator is not None:
            self.layers[id(layer)] = replace(operator, name=f"{operator.name}_{len(self.layers)}")
            return [self._add(Node(self.layers[id(layer)].name, tuple(inputs)))]
        if len(inputs) != 1 and type(layer).__name__ not in allow_list.MERGING:
            raise UnrebuildableError(f"the layer `{layer.name}` takes several inputs in a way of its own")
        return [self._add(Node(self._describe(layer), tuple(inputs)))]

    def _call_functional(self, model: Any, inputs: list[int]) -> list[int]:
        found = {id(tensor): node for tensor, node in zip(model.inputs, inputs, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                called = getattr(node, "operation", None) or node.layer
                if type(called).__name__ == "InputLayer":
                    continue
                tensors = node.input_tensors if hasattr(node, "operation") else node.keras_inputs
                outputs = self.call(called, [found[id(tensor)] for tensor in tensors])
                flat = self.tf.nest.flatten(node.outputs)
                found.update(zip((id(t) for t in flat), outputs, strict=True))
        return [found[id(tensor)] for tensor in model.outputs]

    def _describe(self, layer: Any) -> str:
        if id(layer) not in self.layers:
            self.layers[id(layer)] = self._plain(layer)
        return self.layers[id(layer)].name

    def _plain(self, layer: Any) -> Layer:
        kind = type(layer)
        if kind is not getattr(self.keras.layers, kind.__name__, None):
            raise UnrebuildableError(f"the layer `{kind.__name__}` is not a built-in Keras layer")
        if kind.__name__ == "Lambda":
            raise UnrebuildableError("a `Lambda` layer holds the student's own code")
        config = dict(layer.get_config())
        if "activation" in config:
            config["activation"] = plaindata.activation_name(layer.activation, self.keras, self.tf)
        thing = plaindata.describe(layer, allow_list.LAYERS, config)
        settings = dict(thing.config) if layer.trainable else {**thing.config, "trainable": False}
        return Layer(f"{layer.name}_{len(self.layers)}", kind.__name__, settings)

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def _as_layer(thing: Any, inputs: int) -> Layer | None:
    """Return the layer that is equivalent to an operator or function on symbolic tensors, as in ``x + y``; else
    None."""
    kind = type(thing).__name__
    if kind == "TFOpLambda":  # legacy Keras
        home, _, name = str(getattr(thing, "symbol", "")).rpartition(".")
        is_operator, name = home in ("__operators__", "math"), name.lower()
        is_activation = home in ("nn", "math")
    elif type(thing).__module__.partition(".")[0] == "keras" and ".ops." in type(thing).__module__:
        name = kind.lower()
        is_operator, is_activation = type(thing).__module__.endswith(".numpy"), True
    else:
        return None
    if is_operator and inputs > 1 and name.capitalize() in allow_list.OPERATORS:
        return Layer(name, name.capitalize())
    if is_activation and inputs == 1 and name in allow_list.PLAIN_ACTIVATIONS:
        return Layer(name, "Activation", {"activation": name})
    return None


def rebuild(architecture: Architecture, keras: Any, x: Any = None) -> Any:
    """Return a fresh model with newly initialised weights, which takes all its inputs as one table (rows, columns).

    ``x`` is the table that normalisation layers adapt to. Raises UnrebuildableError if the record is not sound.
    """
    records = {layer.name: layer for layer in architecture.layers}
    made: dict[str, Any] = {}
    whole, parts = _inputs(architecture, keras)
    columns = input_columns(architecture)
    if not architectures.is_sound(architecture):
        raise UnrebuildableError("the network's wiring is not sound")
    tensors: list[Any] = []
    for at, node in enumerate(architecture.nodes):
        layer = records[node.layer]
        if at in columns:
            tensors.append(parts[at])
            continue
        if layer.name not in made:
            made[layer.name] = _build(layer, keras)
            if layer.class_name == "Normalization":
                _adapt(made[layer.name], node, columns, parts, x)
        if layer.class_name == "Rescaling":
            _require_columns_own(layer, node, columns, records[architecture.nodes[node.inputs[0]].layer])
        fed = [tensors[i] for i in node.inputs]
        tensors.append(made[layer.name](fed if layer.class_name in allow_list.MERGING else fed[0]))
    if len(architecture.outputs) != 1:
        raise UnrebuildableError(f"the network has {len(architecture.outputs)} outputs; one is expected")
    return keras.Model(whole, tensors[architecture.outputs[0]])


def input_columns(architecture: Architecture) -> dict[int, tuple[int, int]]:
    """Return the columns of the table for each input node, as the first and one past the last."""
    records = {layer.name: layer for layer in architecture.layers}
    found: dict[int, tuple[int, int]] = {}
    start = 0
    for at, node in enumerate(architecture.nodes):
        layer = records.get(node.layer)
        if layer is not None and layer.class_name == "InputLayer":
            width = math.prod(_shape(layer))
            found[at] = (start, start + width)
            start += width
    return found


def _shape(layer: Layer) -> tuple[int, ...]:
    shape = layer.config.get("shape")
    if not isinstance(shape, list) or not all(isinstance(size, int) and 0 < size < 100_000 for size in shape):
        raise UnrebuildableError("the network's inputs have no sound shape")
    return tuple(size for size in shape if isinstance(size, int))


def _inputs(architecture: Architecture, keras: Any) -> tuple[Any, dict[int, Any]]:
    """Return the one table of inputs, and the part of it for each input node of the network."""
    records = {layer.name: layer for layer in architecture.layers}
    columns = input_columns(architecture)
    if not columns:
        raise UnrebuildableError("the network has no inputs")
    whole = keras.Input(shape=(max(end for _, end in columns.values()),))
    parts = {}
    for at, (start, end) in columns.items():
        part = whole if len(columns) == 1 else whole[:, start:end]
        shape = _shape(records[architecture.nodes[at].layer])
        parts[at] = part if len(shape) == 1 else keras.layers.Reshape(shape)(part)
    return whole, parts


def _adapt(layer: Any, node: Node, columns: dict[int, tuple[int, int]], parts: dict[int, Any], x: Any) -> None:
    """Adapt a normalisation layer to our training rows; the student's layer may have adapted to other rows."""
    if x is None:
        return
    if len(node.inputs) != 1 or node.inputs[0] not in columns:
        raise UnrebuildableError("a `Normalization` layer stands behind other layers")
    start, end = columns[node.inputs[0]]
    layer.adapt(x[:, start:end].reshape(len(x), *parts[node.inputs[0]].shape[1:]))


def _require_columns_own(layer: Layer, node: Node, columns: dict[int, tuple[int, int]], before: Layer) -> None:
    """Require that a rescaling has one number, or one for each input column: an array elsewhere could be trained
    weights."""
    numbers = max(np.size(layer.config.get(key, 0)) for key in ("scale", "offset"))  # type: ignore[arg-type]  # plain
    if numbers > 1 and (node.inputs[0] not in columns or numbers > math.prod(_shape(before))):
        raise UnrebuildableError(f"a `Rescaling` layer behind others holds an array of numbers, and {ELSEWHERE}")


def _build(layer: Layer, keras: Any) -> Any:
    settings = {key: value for key, value in layer.config.items() if key != "trainable"}
    made = plaindata.build(KerasObject(layer.class_name, settings), allow_list.LAYERS, keras.layers, keras)
    made.trainable = layer.config.get("trainable", True) is not False
    return made
