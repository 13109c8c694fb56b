"""Reads a network's architecture: its layers in order and in words, and its properties for rules.

Everything here is a pure function of an ``Architecture``: a graph of layer calls ("nodes") in topological order. A
node's inputs stand before it, so each function walks the nodes once, mostly from first to last.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from checker.records.network import Architecture, Layer

LINEAR = "linear"

_ACTIVATIONS = MappingProxyType(
    {
        "ELU": "elu",
        "LeakyReLU": "leaky_relu",
        "PReLU": "prelu",
        "ReLU": "relu",
        "Softmax": "softmax",
        "ThresholdedReLU": "thresholded_relu",
    }
)
"""Layers that only apply an activation."""

_BENDING = frozenset({"Maximum", "Minimum", "Multiply", "MaxPooling1D", "GlobalMaxPooling1D"})
"""Non-linear layers that are no activations."""

NORMALISERS = frozenset({"BatchNormalization", "Normalization", "Rescaling"})
"""Layers that scale each column."""

_PASSIVE = frozenset({"AlphaDropout", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise", "Reshape"})
"""Layers that are the identity in inference mode, or change only the shape."""

_SHAPING = frozenset("scale offset value mean minval maxval gain alpha negative_slope max_value threshold".split())
"""Settings whose numbers enter a layer's output or its initial weights."""
_PLAIN_NUMBERS = 12
"""Different numbers that a network's settings may hold, beyond two for each input, which scaling needs."""


# -- in words --------------------------------------------------------------------------------------------


def describe_layer(layer: Layer) -> str:
    """Return a layer in a few words: "Dense 100, relu", "Dropout 0.5", "Input 9"."""
    config = layer.config
    match layer.class_name:
        case "InputLayer":
            return f"Input {_describe_shape(config)}"
        case "Dense":
            return f"Dense {config.get('units')}, {own_activation(layer)}"
        case "Activation":
            return f"Activation {own_activation(layer)}"
        case "Dropout" | "AlphaDropout" | "GaussianDropout" if "rate" in config:
            return f"{layer.class_name} {config['rate']}"
        case "GaussianNoise" if "stddev" in config:
            return f"GaussianNoise {config['stddev']}"
        case other:
            return other


def describe(architecture: Architecture) -> str:
    """Return the whole network on one line: "Input 9 → Dense 100, relu → Dense 5, softmax"."""
    return " \N{RIGHTWARDS ARROW} ".join(describe_layer(layer) for layer in in_order(architecture))


def linear_in_words(architecture: Architecture, is_regression: bool) -> str:
    """Return a sentence on why a network without a non-linear hidden layer is linear."""
    model = f"{'linear' if is_regression else 'logistic'} regression"
    if hidden_layers(architecture):
        return f"No hidden layer has an activation, so all layers together can do no more than {model}."
    inputs, outputs = _width(architecture), output_units(architecture)
    go = "goes" if inputs == 1 else "go"
    said = f"The {_counted('input', inputs)} {go} straight to the {_counted('output', outputs)}, with no hidden layer"
    is_exact = output_activation(architecture) in ("softmax", LINEAR)
    return f"{said}: that is {'the same kind of model as' if is_exact else 'no more than'} {model}."


def _counted(noun: str, count: int | None) -> str:
    """Return "9 inputs", or "inputs" where their number is not known; one alone is "one input"."""
    if count == 1:
        return f"one {noun}"
    return f"{count} {noun}s" if count else f"{noun}s"


def _width(architecture: Architecture) -> int | None:
    """Return how many inputs the network has; None if its shape is unknown."""
    shapes = [layer.config.get("shape") for layer in in_order(architecture) if layer.class_name == "InputLayer"]
    widths = [shape[-1] for shape in shapes if isinstance(shape, list) and shape]
    whole = [width for width in widths if isinstance(width, int)]
    return sum(whole) if whole and len(whole) == len(shapes) else None


def _describe_shape(config: Mapping[str, JsonValue]) -> str:
    shape = config.get("shape")
    return " x ".join(str(size) for size in shape) if isinstance(shape, list) else "?"


# -- its parts -------------------------------------------------------------------------------------------


def in_order(architecture: Architecture) -> tuple[Layer, ...]:
    """Return the layers in the order of their calls; a shared layer once for each call."""
    by_name = {layer.name: layer for layer in architecture.layers}
    return tuple(by_name[node.layer] for node in architecture.nodes)


def own_activation(layer: Layer) -> str:
    """Return the activation a layer applies itself: "relu", "softmax" …, or "linear"."""
    if layer.class_name in _ACTIVATIONS:
        return _ACTIVATIONS[layer.class_name]
    activation = layer.config.get("activation")
    if isinstance(activation, Mapping):
        names = (activation.get("config"), activation.get("class_name"))
        activation = next((name for name in names if isinstance(name, str)), None)
    if not isinstance(activation, str):
        return LINEAR
    return _ACTIVATIONS.get(activation, activation.lower().removesuffix("_v2"))


def hidden_layers(architecture: Architecture) -> tuple[Layer, ...]:
    """Return the layers with units whose outputs lead to another layer with units."""
    layers, hidden = in_order(architecture), _hidden(architecture)
    return tuple(layer for at, layer in enumerate(layers) if at in hidden and _has_units(layer))


def nonlinear_hidden_layers(architecture: Architecture) -> tuple[Layer, ...]:
    """Return the hidden layers with a non-linear output, by their own activation or by a following layer.

    Without one the network is a linear model, however many layers it has.
    """
    layers, origins = in_order(architecture), _origins(architecture)
    bent = {at for at in _hidden(architecture) if _bends(layers[at])}
    found = {origin for at in bent for origin in origins[at]}
    return tuple(layers[at] for at in sorted(found))


def output_units(architecture: Architecture) -> int | None:
    """Return how many units the last layer with units has; None if there is no single such layer."""
    if len(architecture.outputs) != 1:
        return None
    layers, last = in_order(architecture), _origins(architecture)[architecture.outputs[0]]
    units = [layers[at].config.get("units") for at in last]
    return units[0] if len(units) == 1 and isinstance(units[0], int) else None


def output_activation(architecture: Architecture) -> str:
    """Return the activation of the output, set in the last layer or after it; "linear" for bare logits.

    ``Dense(5, activation="softmax")`` and ``Dense(5)`` followed by ``Softmax()`` are both "softmax".
    """
    found: list[str] = []
    for layer, node in zip(in_order(architecture), architecture.nodes, strict=True):
        own, fed = own_activation(layer), {found[earlier] for earlier in node.inputs}
        keeps = layer.class_name in _PASSIVE or layer.class_name in {"Activation", "Average"}
        found.append(fed.pop() if own == LINEAR and keeps and len(fed) == 1 else own)
    return found[architecture.outputs[0]]


def normalises_inputs(architecture: Architecture) -> bool:
    """Tell whether the network itself scales its inputs, before the first layer with units."""
    layers, origins = in_order(architecture), _origins(architecture)
    return any(layer.class_name in NORMALISERS and not origins[at] for at, layer in enumerate(layers))


def is_sound(architecture: Architecture) -> bool:
    """Tell whether the graph is valid: every node calls an existing layer on outputs of earlier nodes, only input
    layers have no inputs, and there is at least one output."""
    layers = {layer.name: layer for layer in architecture.layers}
    nodes = architecture.nodes
    return (
        all(node.layer in layers and all(0 <= i < at for i in node.inputs) for at, node in enumerate(nodes))
        and all(node.inputs or layers[node.layer].class_name == "InputLayer" for node in nodes)
        and len(architecture.outputs) > 0
        and all(0 <= output < len(nodes) for output in architecture.outputs)
    )


def own_numbers(architecture: Architecture) -> int:
    """Return how many different numbers, besides 0 and 1, the settings in ``_SHAPING`` hold."""
    found = {number for layer in architecture.layers for number in _shaping(layer.config)}
    return len(found - {0.0, 1.0})


def holds_weights(architecture: Architecture, inputs: int) -> bool:
    """Tell whether settings hold more numbers than a network with this many inputs needs: they could be weights that
    no training has learned."""
    return own_numbers(architecture) > 2 * inputs + _PLAIN_NUMBERS


# -- walking the graph -----------------------------------------------------------------------------------


def _shaping(config: Mapping[str, JsonValue]) -> Iterator[float]:
    """Yield the numbers of settings in ``_SHAPING``, also in nested objects."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _shaping(value)
        elif key in _SHAPING:
            listed = value if isinstance(value, list) else [value]
            yield from (float(one) for one in listed if isinstance(one, int | float) and not isinstance(one, bool))


def _bends(layer: Layer) -> bool:
    return own_activation(layer) != LINEAR or layer.class_name in _BENDING


def _has_units(layer: Layer) -> bool:
    return "units" in layer.config or "filters" in layer.config


def _origins(architecture: Architecture) -> list[frozenset[int]]:
    """Return for each node the nearest nodes with units: itself, or else earlier ones."""
    found: list[frozenset[int]] = []
    for at, (layer, node) in enumerate(zip(in_order(architecture), architecture.nodes, strict=True)):
        before = frozenset[int]().union(*(found[earlier] for earlier in node.inputs))
        found.append(frozenset({at}) if _has_units(layer) else before)
    return found


def _hidden(architecture: Architecture) -> set[int]:
    """Return the nodes from which a path leads to a later node with units."""
    layers, hidden = in_order(architecture), set[int]()
    for at in reversed(range(len(layers))):
        if _has_units(layers[at]) or at in hidden:
            hidden.update(architecture.nodes[at].inputs)
    return hidden
