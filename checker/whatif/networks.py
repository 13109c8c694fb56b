"""Changes of a network's layers: units, activations, dropout rates, dropped and new layers. Pure.

Theory of operation: the graph of calls is changed in place, and then written down anew. The input of a dropped layer
goes to the layers that took its output. Widths are followed through the changed graph. If the width of a layer's input
changes, the layer must accept any width; otherwise the variant is refused before a guest tries it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from checker.keras_spec import allow_list, architectures
from checker.records.network import Architecture, Layer, Node
from checker.records.variants import LayerChange, NewLayer
from checker.whatif.refusal import RefusedError

KEEPS_WIDTH = frozenset(
    "Activation Dropout GaussianDropout GaussianNoise AlphaDropout ReLU LeakyReLU PReLU ELU Softmax BatchNormalization "
    "LayerNormalization UnitNormalization Normalization Rescaling ActivityRegularization".split()
)
"""Layers whose output has the shape of their input, for any shape."""
ALIKE = allow_list.MERGING - {"Concatenate"}
"""Layers that take several inputs of one width."""


@dataclass(eq=False)
class _Call:
    """A call of a layer on the outputs of others. ``number``: the layer's number in variants; 0 for an input."""

    layer: Layer
    inputs: list["_Call"] = field(default_factory=list)
    number: int = 0


class Graph:
    """A network that is being changed. ``RefusedError`` says why a change does not fit."""

    def __init__(self, architecture: Architecture) -> None:
        by_name = {layer.name: layer for layer in architecture.layers}
        numbers: dict[str, int] = {}
        self._calls: list[_Call] = []
        for node in architecture.nodes:
            layer = by_name[node.layer]
            if layer.class_name != "InputLayer":
                numbers.setdefault(layer.name, len(numbers) + 1)
            inputs = [self._calls[at] for at in node.inputs]
            self._calls.append(_Call(layer, inputs, numbers.get(layer.name, 0)))
        self._outputs = [self._calls[at] for at in architecture.outputs]
        self._before = _widths(self._calls)
        self._added: dict[int, _Call] = {}
        self._last = self._last_with_units()
        self._parameters = architecture.parameters - self._counted()

    def _last_with_units(self) -> _Call | None:
        """Return the call that makes the network's outputs: the last one with units."""
        return next((call for call in reversed(self._calls) if "units" in call.layer.config), None)

    # -- changes ---------------------------------------------------------------------------------------------

    def apply(self, change: LayerChange) -> None:
        """Change or drop a layer."""
        calls = [call for call in self._calls if call.number == change.at]
        if not calls:
            most = max((call.number for call in self._calls), default=0)
            raise RefusedError(f"There is no layer {change.at}: the network has {most}.")
        layer = calls[0].layer
        if change.drop:
            self._drop(change.at, calls)
            return
        config: dict[str, JsonValue] = dict(layer.config)
        if change.units is not None and change.units != config.get("units"):
            if "units" not in config:
                raise RefusedError(f"Layer {change.at} ({layer.class_name}) has no units.")
            if calls[0] is self._last:
                raise RefusedError("The last layer's units are the task's: one for each class, or one for a number.")
            config["units"] = change.units
        if change.rate is not None:
            if "rate" not in config:
                raise RefusedError(f"Layer {change.at} ({layer.class_name}) has no dropout rate.")
            config["rate"] = change.rate
        layer = replace(layer, config=config)
        if change.activation is not None and change.activation != architectures.own_activation(layer):
            layer = _with_activation(layer, change)
        for call in calls:
            call.layer = layer

    def _drop(self, at: int, calls: Sequence[_Call]) -> None:
        if calls[0] is self._last:
            raise RefusedError("The last layer makes the answers, so it stays.")
        if len(calls) > 1:
            raise RefusedError(f"Layer {at} is used in {len(calls)} places, so it cannot be left out.")
        self._remove(calls[0])

    def _remove(self, call: _Call) -> None:
        if len(call.inputs) != 1:
            raise RefusedError(f"Layer {call.number} ({call.layer.class_name}) joins several others, so it stays.")
        for other in self._calls:
            other.inputs = [call.inputs[0] if one is call else one for one in other.inputs]
        self._outputs = [call.inputs[0] if one is call else one for one in self._outputs]
        self._calls.remove(call)

    def add(self, new: NewLayer, name: str) -> None:
        """Add a layer behind another, or behind the one input."""
        before = [call for call in self._calls if call.number == new.after]
        if len(before) != 1:
            what = f"layer {new.after}" if new.after else "the input"
            raise RefusedError(f"There is not just one place behind {what}, so nothing can be added there.")
        if before[0] in self._outputs or before[0] is self._last:
            raise RefusedError("Nothing can be added behind the last layer, which makes the answers.")
        place = self._added.get(new.after, before[0])
        made = self._added[new.after] = _Call(layer_of(new, name), [place], -1)
        for other in self._calls:
            other.inputs = [made if one is place else one for one in other.inputs]
        self._calls.insert(self._calls.index(place) + 1, made)

    def drop_normalisers(self) -> int:
        """Leave out the layers that scale the inputs before any layer with units; return their number."""
        behind: set[_Call] = set()
        found = []
        for call in self._calls:
            if any(one in behind for one in call.inputs) or "units" in call.layer.config:
                behind.add(call)
            elif call.layer.class_name in architectures.NORMALISERS:
                found.append(call)
        for call in found:
            self._remove(call)
        return len(found)

    def drop_columns(self, kept: Sequence[bool]) -> None:
        """Take fewer columns: ``kept`` marks the inputs that stay, in their order."""
        start = 0
        for call in self._calls:
            if call.layer.class_name != "InputLayer":
                continue
            shape = call.layer.config.get("shape")
            if not isinstance(shape, list) or len(shape) != 1 or not isinstance(shape[0], int):
                raise RefusedError("The inputs of this network are no plain columns, so none can be left out.")
            part = kept[start : start + shape[0]]
            start += shape[0]
            if not any(part):
                raise RefusedError("One of the network's inputs would have no column left.")
            call.layer = replace(call.layer, config={**call.layer.config, "shape": [sum(part)]})
        if start != len(kept):
            raise RefusedError("The inputs of this network are not its columns, so none can be left out.")

    # -- the result ------------------------------------------------------------------------------------------

    def result(self, most: int) -> Architecture:
        """Return the changed network; RefusedError if shapes do not fit, or it has more than ``most`` parameters."""
        widths = _widths(self._calls)
        for call in self._calls:
            self._require_fit(call, widths)
        parameters = self._parameters + self._counted()
        if parameters > most:
            raise RefusedError(f"It would have {parameters:,} parameters; the assignment allows {most:,}.")
        numbers = {call: number for number, call in enumerate(self._calls)}
        layers = {call.layer.name: call.layer for call in self._calls}
        changed = Architecture(
            layers=tuple(layers.values()),
            nodes=tuple(Node(call.layer.name, tuple(numbers[one] for one in call.inputs)) for call in self._calls),
            outputs=tuple(numbers[one] for one in self._outputs),
            parameters=parameters,
        )
        require_listed(changed)
        return changed

    def _require_fit(self, call: _Call, widths: Mapping[_Call, int | None]) -> None:
        """Refuse the variant if a layer cannot take the changed widths of its inputs."""
        name = call.layer.class_name
        if name == "InputLayer" or call.number == -1:
            return
        if name in ALIKE and len({widths[one] for one in call.inputs}) > 1:
            raise RefusedError(f"Layer {call.number} ({name}) joins layers of one width, and they would differ.")
        changed = [one for one in call.inputs if widths[one] != self._before.get(one, widths[one])]
        is_flexible = name in KEEPS_WIDTH or name == "Dense" or name in allow_list.MERGING
        if changed and not is_flexible:
            raise RefusedError(f"Layer {call.number} ({name}) depends on the shape before it, which would change.")
        numbers = [value for value in call.layer.config.values() if isinstance(value, list)]
        if changed and name == "Rescaling" and numbers:
            raise RefusedError(f"Layer {call.number} (Rescaling) holds a number for each column.")

    def _counted(self) -> int:
        """Return the number of weights of the layers with known widths; a shared layer counts once."""
        widths, counts = _widths(self._calls), dict[str, int]()
        for call in self._calls:
            width = widths[call.inputs[0]] if call.inputs else None
            if width is not None:
                counts[call.layer.name] = _weights(call.layer, width)
        return sum(counts.values())


def layer_of(new: NewLayer, name: str) -> Layer:
    """Return a new layer as plain data."""
    settings = {"units": new.units, "activation": new.activation, "rate": new.rate}
    return Layer(name, new.kind, {key: value for key, value in settings.items() if value is not None})


def _weights(layer: Layer, width: int) -> int:
    """Return a layer's number of weights on inputs of this width; 0 if it does not depend on that alone."""
    config, units = layer.config, layer.config.get("units")
    match layer.class_name:
        case "Dense" if isinstance(units, int):
            return (width + (config.get("use_bias", True) is not False)) * units
        case "BatchNormalization":
            return width * (2 + sum(config.get(key, True) is not False for key in ("center", "scale")))
        case "LayerNormalization":
            return width * sum(config.get(key, True) is not False for key in ("center", "scale"))
        case "Normalization":
            return 2 * width + 1
        case "PReLU":
            return width
        case _:
            return 0


def _widths(calls: Iterable[_Call]) -> dict[_Call, int | None]:
    """Return the width of each call's output; None if the output is no plain vector, or its width is unknown."""
    found: dict[_Call, int | None] = {}
    for call in calls:
        config, fed = call.layer.config, [found[one] for one in call.inputs]
        shape, units = config.get("shape"), config.get("units")
        name = call.layer.class_name
        width: int | None = None
        if name == "InputLayer" and isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], int):
            width = shape[0]
        elif name == "Dense" and isinstance(units, int) and fed[0] is not None:
            width = units
        elif name in KEEPS_WIDTH or name in ALIKE:
            width = fed[0]
        elif name == "Concatenate" and all(one is not None for one in fed):
            width = sum(one for one in fed if one is not None)
        found[call] = width
    return found


def _with_activation(layer: Layer, change: LayerChange) -> Layer:
    if "activation" in allow_list.LAYERS[layer.class_name].split():
        return replace(layer, config={**layer.config, "activation": change.activation})
    if architectures.own_activation(layer) != architectures.LINEAR:  # a layer that only applies an activation
        return Layer(layer.name, "Activation", {"activation": change.activation})
    raise RefusedError(f"Layer {change.at} ({layer.class_name}) has no activation.")


# -- the allow-list ------------------------------------------------------------------------------------------


def require_listed(architecture: Architecture) -> None:
    """Refuse a network that the clean guest would not build."""
    for layer in architecture.layers:
        allowed = allow_list.LAYERS.get(layer.class_name)
        if allowed is None or set(layer.config) - {*allowed.split(), "trainable"}:
            raise RefusedError(f"A layer `{layer.class_name}` with such settings is not built here.")
        if unlisted := next(_unlisted(layer.config), ""):
            raise RefusedError(f"`{unlisted}` is not a built-in activation.")
    if not architectures.is_sound(architecture) or len(architecture.outputs) != 1:
        raise RefusedError("The changed network is not sound.")
    widths = [size for layer in architecture.layers if layer.class_name == "InputLayer" for size in _shape(layer)]
    if architectures.holds_weights(architecture, math.prod(widths) or 1):
        raise RefusedError("Its settings hold more numbers than a network has a use for.")


def _unlisted(config: Mapping[str, JsonValue]) -> Iterator[str]:
    name = config.get("activation")
    if isinstance(name, str) and name not in allow_list.ACTIVATIONS:
        yield name


def _shape(layer: Layer) -> list[int]:
    shape = layer.config.get("shape")
    return [size for size in shape if isinstance(size, int)] if isinstance(shape, list) else []
