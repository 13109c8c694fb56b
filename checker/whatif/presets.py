"""Ready-made variants of a student's network for demonstrators. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from checker.keras_spec.architectures import LINEAR, nonlinear_hidden_layers, normalises_inputs, own_activation
from checker.records.network import Layer
from checker.records.variants import LayerChange, NewLayer, Scaling, Variant
from checker.whatif import changes, inputs, recipes
from checker.whatif.forms import MOST_UNITS
from checker.whatif.originals import Original
from checker.whatif.refusal import RefusedError

DROPOUT = 0.5
BEHIND = frozenset({"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization", "LayerNormalization",
                    "Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"})  # fmt: skip
"""Layers that belong to the layer with units before them."""


@dataclass(frozen=True)
class Preset:
    """A variant under a short name; ``reason``: why it does not exist for this network, in words."""

    key: str
    name: str
    variant: Variant | None
    reason: str = ""


def presets(original: Original) -> tuple[Preset, ...]:
    """Return all presets for a network, each with its variant or the reason why it has none."""
    return tuple(_preset(original, key, name, make) for key, (name, make) in MAKERS.items())


def preset(original: Original, key: str) -> Preset:
    """Return one preset by its key."""
    name, make = MAKERS[key]
    return _preset(original, key, name, make)


def _preset(original: Original, key: str, name: str, make: Callable[[Original], Variant]) -> Preset:
    try:
        variant = make(original)
        changes.apply(original, variant)
        return Preset(key, f"without {variant.without[0]}" if variant.without else name, variant)
    except RefusedError as refused:
        return Preset(key, name, None, refused.message)


# -- layers --------------------------------------------------------------------------------------------------


def _hidden(original: Original) -> list[int]:
    """Return the numbers of the layers with units, except the last; RefusedError if there are none."""
    units = [at for at, layer in enumerate(original.layers, 1) if _units(layer) is not None]
    if len(units) < 2:
        raise RefusedError("This network has no hidden layer.")
    return units[:-1]


def _units(layer: Layer) -> int | None:
    units = layer.config.get("units")
    return units if isinstance(units, int) else None


def _block(original: Original, at: int) -> list[int]:
    """Return a layer's number with those of the layers behind it that belong to it."""
    block = [at]
    while block[-1] < len(original.layers) and original.layers[block[-1]].class_name in BEHIND:
        block.append(block[-1] + 1)
    return block


def drop_a_layer(original: Original) -> Variant:
    """Leave out the last hidden layer, with the layers that belong to it."""
    block = _block(original, _hidden(original)[-1])
    return Variant(layers=tuple(LayerChange(at=at, drop=True) for at in block))


def double_units(original: Original) -> Variant:
    """Double the units of each hidden layer."""
    doubled = {at: 2 * (_units(original.layers[at - 1]) or 0) for at in _hidden(original)}
    if max(doubled.values()) > MOST_UNITS:
        raise RefusedError(f"A layer would have more than {MOST_UNITS:,} units.")
    return Variant(layers=tuple(LayerChange(at=at, units=units) for at, units in doubled.items()))


def no_dropout(original: Original) -> Variant:
    """Leave out every dropout layer."""
    found = [at for at, layer in enumerate(original.layers, 1) if _is_dropout(layer)]
    if not found:
        raise RefusedError("This network has no dropout.")
    return Variant(layers=tuple(LayerChange(at=at, drop=True) for at in found))


def half_dropout(original: Original) -> Variant:
    """Set each dropout to a half; if there is none, add one behind each hidden layer."""
    found = [at for at, layer in enumerate(original.layers, 1) if _is_dropout(layer)]
    if found and all(original.layers[at - 1].config.get("rate") == DROPOUT for at in found):
        raise RefusedError("Its dropout is 50% already.")
    if found:
        return Variant(layers=tuple(LayerChange(at=at, rate=DROPOUT) for at in found))
    behind = [_block(original, at)[-1] for at in _hidden(original)]
    return Variant(added=tuple(NewLayer(after=at, kind="Dropout", rate=DROPOUT) for at in behind))


def _is_dropout(layer: Layer) -> bool:
    return layer.class_name in ("Dropout", "GaussianDropout", "AlphaDropout")


def linear(original: Original) -> Variant:
    """Make every hidden activation linear."""
    last = _hidden(original)
    end = [at for at, layer in enumerate(original.layers, 1) if _units(layer) is not None][-1]
    curved = [at for at in range(1, end) if own_activation(original.layers[at - 1]) != LINEAR]
    if not curved or not last:
        raise RefusedError("This network is linear already.")
    return Variant(layers=tuple(LayerChange(at=at, activation=LINEAR) for at in curved))


def add_a_layer(original: Original) -> Variant:
    """Add a hidden layer behind the last one, or behind the input."""
    units = [at for at, layer in enumerate(original.layers, 1) if _units(layer) is not None]
    after = _block(original, units[-2])[-1] if len(units) > 1 else 0
    return Variant(added=(NewLayer(after=after, kind="Dense", units=50, activation="relu"),))


def bent(original: Original) -> Variant:
    """Give each hidden layer an activation that is not linear."""
    if nonlinear_hidden_layers(original.architecture):
        raise RefusedError("This network is not linear.")
    return Variant(layers=tuple(LayerChange(at=at, activation="relu") for at in _hidden(original)))


# -- training ------------------------------------------------------------------------------------------------


def _rate(original: Original, factor: float) -> Variant:
    rate = recipes.learning_rate(original.recipe)
    if rate is None:
        raise RefusedError("Its learning rate changes during the training, by a plan of the student's.")
    return Variant(learning_rate=recipes.rounded(rate * factor))


def ten_times(original: Original) -> Variant:
    """Take ten times the learning rate."""
    return _rate(original, 10)


def a_tenth(original: Original) -> Variant:
    """Take a tenth of the learning rate."""
    return _rate(original, 0.1)


def _epochs(original: Original, epochs: int) -> Variant:
    if original.epochs == epochs:
        raise RefusedError(f"It was trained for {epochs} epochs already.")
    return Variant(epochs=epochs)


def five_epochs(original: Original) -> Variant:
    """Train for 5 epochs."""
    return _epochs(original, 5)


def hundred_epochs(original: Original) -> Variant:
    """Train for 100 epochs."""
    return _epochs(original, 100)


# -- inputs --------------------------------------------------------------------------------------------------


def unscaled(original: Original) -> Variant:
    """Leave the inputs unscaled."""
    return Variant(scaling=Scaling.OFF)


def scaled(original: Original) -> Variant:
    """Scale the inputs."""
    if normalises_inputs(original.architecture):
        raise RefusedError("The network scales its inputs itself.")
    if inputs.is_standard(original.retrained.answered.traced):
        raise RefusedError("The inputs are scaled already.")
    return Variant(scaling=Scaling.STANDARD)


def without_one(original: Original) -> Variant:
    """Leave out the column that predicts the target best on its own, of those that can be left out."""
    if not original.columns:
        raise RefusedError("How the inputs come from the data's columns is not known.")
    columns = original.retrained.answered.traced.tracing.columns
    purity = {name: max(c.label_purity for c in columns if c.source == name) for name in original.columns}
    by_purity = [Variant(without=(name,)) for name in sorted(purity, key=lambda name: -purity[name])]
    return next((variant for variant in by_purity if _fits(original, variant)), by_purity[0])


def _fits(original: Original, variant: Variant) -> bool:
    try:
        changes.apply(original, variant)
    except RefusedError:
        return False
    return True


MAKERS: dict[str, tuple[str, Callable[[Original], Variant]]] = {
    "drop-layer": ("one layer less", drop_a_layer),
    "add-layer": ("one layer more", add_a_layer),
    "double-units": ("twice the units", double_units),
    "no-dropout": ("no dropout", no_dropout),
    "half-dropout": ("50% dropout", half_dropout),
    "rate-up": ("learning rate × 10", ten_times),
    "rate-down": ("learning rate ÷ 10", a_tenth),
    "5-epochs": ("5 epochs", five_epochs),
    "100-epochs": ("100 epochs", hundred_epochs),
    "unscaled": ("inputs not scaled", unscaled),
    "scaled": ("inputs scaled", scaled),
    "without-column": ("without one column", without_one),
    "linear": ("linear", linear),
    "bent": ("not linear", bent),
}
"""The makers of all presets by key, in the order in which they are offered."""
