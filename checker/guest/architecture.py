"""A Keras model as an ``Architecture`` record, and the model back from the record.

Theory of operation: ``describe`` walks the graph of layer calls, from the inputs on, and writes down one node
for each call. Nested models are walked in place, so the record is flat; a Sequential is a chain. Both Keras
generations keep this graph under the same name (``_nodes_by_depth``) with slightly different nodes.
``rebuild`` replays the nodes with fresh layers from the allow-list. Subclassed models and layers, ``Lambda``
and operators on symbolic tensors have no such description: ``UnrebuildableError`` says which one it was.
"""

from typing import Any

from checker.guest import plaindata
from checker.guest.plaindata import UnrebuildableError
from checker.records import Architecture, KerasObject, Layer, Node


def describe(model: Any, keras: Any, tf: Any) -> Architecture:
    """Return a built model as plain data; UnrebuildableError says what stands in the way."""
    walk = _Walk(keras, tf)
    kind = type(model).__name__
    if type(model) is not keras.Sequential and kind != "Functional":
        raise UnrebuildableError(f"the model is of the student's own class `{kind}`")
    if not model.built:
        raise UnrebuildableError("the model was never given data, so its layers have no shapes yet")
    inputs = [walk.input(shape) for shape in _input_shapes(model)]
    outputs = walk.call(model, inputs)
    return Architecture(tuple(walk.layers.values()), tuple(walk.nodes), tuple(outputs), int(model.count_params()))


def _input_shapes(model: Any) -> list[tuple[int, ...]]:
    shapes = model.input_shape
    if not isinstance(shapes, list):
        shapes = [shapes]
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
            for part in layer.layers:
                if type(part).__name__ != "InputLayer":
                    inputs = self.call(part, inputs)
            return inputs
        if type(layer).__name__ == "Functional":
            return self._call_functional(layer, inputs)
        if len(inputs) != 1 and type(layer).__name__ not in plaindata.MERGING:
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
        thing = plaindata.describe(layer, plaindata.LAYERS, config)
        settings = dict(thing.config) if layer.trainable else {**thing.config, "trainable": False}
        return Layer(f"{layer.name}_{len(self.layers)}", kind.__name__, settings)

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def rebuild(architecture: Architecture, keras: Any) -> Any:
    """Return a fresh model with newly initialised weights; UnrebuildableError where the record is not sound."""
    records = {layer.name: layer for layer in architecture.layers}
    made: dict[str, Any] = {}
    tensors: list[Any] = []
    inputs = []
    for node in architecture.nodes:
        layer = records.get(node.layer)
        if layer is None or any(not 0 <= i < len(tensors) for i in node.inputs):
            raise UnrebuildableError("the network's wiring is not sound")
        if layer.class_name == "InputLayer":
            tensors.append(keras.Input(shape=tuple(layer.config["shape"])))  # type: ignore[arg-type]  # Keras checks it
            inputs.append(tensors[-1])
            continue
        if layer.name not in made:
            made[layer.name] = _build(layer, keras)
        fed = [tensors[i] for i in node.inputs]
        tensors.append(made[layer.name](fed if layer.class_name in plaindata.MERGING else fed[0]))
    if len(architecture.outputs) != 1:
        raise UnrebuildableError(f"the network has {len(architecture.outputs)} outputs; one is expected")
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], tensors[architecture.outputs[0]])


def _build(layer: Layer, keras: Any) -> Any:
    settings = {key: value for key, value in layer.config.items() if key != "trainable"}
    made = plaindata.build(KerasObject(layer.class_name, settings), plaindata.LAYERS, keras.layers, keras)
    made.trainable = layer.config.get("trainable", True) is not False
    return made
