"""A variant as the plain fields of a form or an address, and back. Pure.

Theory of operation: a field of a layer is ``layer.3.units``; of a new layer, ``add.1.kind``. An empty field changes
nothing. Every other text is either valid or refused, with a sentence that names the field. A new layer counts only if
its kind is set, so a form may always offer an empty one.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from checker.formats.text import one_line
from checker.records.variants import LayerChange, NewLayer, Scaling, Variant
from checker.whatif.refusal import RefusedError

ACTIVATIONS = ("linear", "relu", "elu", "selu", "gelu", "swish", "tanh", "sigmoid", "softplus", "softsign", "softmax")
"""Activations that both generations of Keras have."""
KINDS = ("Dense", "Dropout", "BatchNormalization")
"""New layers."""
OPTIMIZERS = {"SGD": 0.01, "Adam": 0.001, "AdamW": 0.001, "RMSprop": 0.001, "Adagrad": 0.001, "Adamax": 0.001,
              "Nadam": 0.001}  # fmt: skip
"""Optimizers, each with Keras's learning rate."""
MOST_LAYERS, MOST_ADDED, MOST_FIELDS = 60, 8, 400
MOST_UNITS, MOST_EPOCHS, MOST_BATCH = 10_000, 5_000, 100_000
MOST_RATE = 1_000.0
LONGEST = 80

_LAYER = re.compile(r"layer\.(\d{1,3})\.(units|activation|rate|drop)", re.ASCII)
_ADDED = re.compile(r"add\.(\d{1,2})\.(after|kind|units|activation|rate)", re.ASCII)

Items = Sequence[tuple[str, str]]


def parse(items: Iterable[tuple[str, str]]) -> Variant:
    """Return the variant that fields describe; RefusedError for an unknown field or an invalid value."""
    given = [(str(key), str(value).strip()) for key, value in items if str(value).strip()]
    if len(given) > MOST_FIELDS:
        raise RefusedError("A what-if has no more than a few hundred fields.")
    layers: dict[int, dict[str, str]] = {}
    added: dict[int, dict[str, str]] = {}
    single: dict[str, str] = {}
    several: dict[str, list[str]] = {"without": [], "seed": []}
    for key, value in given:
        if found := _LAYER.fullmatch(key):
            layers.setdefault(int(found[1]), {})[found[2]] = value
        elif found := _ADDED.fullmatch(key):
            added.setdefault(int(found[1]), {})[found[2]] = value
        elif key in several:
            several[key].append(value[:LONGEST])
        elif key in _SINGLE:
            single[key] = value
        else:
            raise RefusedError(f"A what-if has no field “{one_line(key, LONGEST)}”.")
    added = {number: fields for number, fields in added.items() if "kind" in fields}
    if len(layers) > MOST_LAYERS or len(added) > MOST_ADDED:
        raise RefusedError(f"A what-if changes at most {MOST_LAYERS} layers, and adds at most {MOST_ADDED}.")
    return Variant(
        layers=tuple(_change(number, layers[number]) for number in sorted(layers)),
        added=tuple(_new(added[number]) for number in sorted(added)),
        optimizer=_one_of("optimizer", single.get("optimizer", ""), OPTIMIZERS),
        learning_rate=_learning_rate(single.get("learning_rate", "")),
        batch_size=_whole("batch size", single.get("batch_size", ""), 1, MOST_BATCH),
        epochs=_whole("number of epochs", single.get("epochs", ""), 1, MOST_EPOCHS),
        patience=_whole("patience", single.get("patience", ""), 0, MOST_EPOCHS),
        without=tuple(sorted(set(several["without"]))),
        scaling=Scaling(of) if (of := _one_of("scaling", single.get("scaling", ""), list(Scaling))) else None,
        seeds=tuple(sorted({_seed(value) for value in several["seed"]})),
    )


_SINGLE = frozenset({"optimizer", "learning_rate", "batch_size", "epochs", "patience", "scaling"})


def items(variant: Variant) -> Items:
    """Return the fields that describe a variant; ``parse`` gives the variant back."""
    found: list[tuple[str, str]] = []
    for change in variant.layers:
        start = f"layer.{change.at}."
        found += _known({f"{start}units": change.units, f"{start}activation": change.activation,
                         f"{start}rate": change.rate})  # fmt: skip
        found += [(f"{start}drop", "yes")] if change.drop else []
    for number, new in enumerate(variant.added, 1):
        start = f"add.{number}."
        found += _known({f"{start}after": new.after, f"{start}kind": new.kind, f"{start}units": new.units,
                         f"{start}activation": new.activation, f"{start}rate": new.rate})  # fmt: skip
    found += _known({"optimizer": variant.optimizer or None, "learning_rate": variant.learning_rate,
                     "batch_size": variant.batch_size, "epochs": variant.epochs, "patience": variant.patience,
                     "scaling": variant.scaling})  # fmt: skip
    found += [("without", name) for name in variant.without]
    return (*found, *(("seed", str(seed)) for seed in variant.seeds))


def _known(fields: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(key, repr(value) if isinstance(value, float) else str(value)) for key, value in fields.items()
            if value is not None]  # fmt: skip


def _change(at: int, fields: Mapping[str, str]) -> LayerChange:
    if at < 1:
        raise RefusedError("Layers are counted from 1.")
    return LayerChange(
        at=at,
        units=_whole("number of units", fields.get("units", ""), 1, MOST_UNITS),
        activation=_one_of("activation", fields.get("activation", ""), ACTIVATIONS) or None,
        rate=_share(fields.get("rate", "")),
        drop=_one_of("field “drop”", fields.get("drop", ""), ("yes",)) == "yes",
    )


def _new(fields: Mapping[str, str]) -> NewLayer:
    kind = _one_of("new layer", fields["kind"], KINDS)
    units = _whole("number of units", fields.get("units", ""), 1, MOST_UNITS)
    activation = _one_of("activation", fields.get("activation", ""), ACTIVATIONS) or None
    rate = _share(fields.get("rate", ""))
    return NewLayer(
        after=_whole("place of a new layer", fields.get("after", "0"), 0, 999) or 0,
        kind=kind,
        units=(units or 50) if kind == "Dense" else None,
        activation=(activation or "relu") if kind == "Dense" else None,
        rate=(0.5 if rate is None else rate) if kind == "Dropout" else None,
    )


def _one_of(what: str, text: str, known: Iterable[str]) -> str:
    listed = [str(one) for one in known]
    if text and text not in listed:
        raise RefusedError(f"The {what} is one of {', '.join(listed)}, not “{one_line(text, LONGEST)}”.")
    return text


def _whole(what: str, text: str, low: int, high: int) -> int | None:
    if not text:
        return None
    value = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else -1
    if not low <= value <= high:
        raise RefusedError(f"The {what} is a whole number from {low} to {high:,}, not “{one_line(text, LONGEST)}”.")
    return value


def _decimal(text: str) -> float:
    """Return a number; NaN for any other text."""
    plain = re.fullmatch(r"[+-]?(\d{1,15}\.?\d{0,15}|\.\d{1,15})([eE][+-]?\d{1,3})?", text, re.ASCII)
    return float(text) if plain else math.nan


def _share(text: str) -> float | None:
    value = _decimal(text)
    if text and not 0 <= value < 1:
        raise RefusedError(f"A dropout rate is a number from 0 to below 1, not “{one_line(text, LONGEST)}”.")
    return value if text else None


def _learning_rate(text: str) -> float | None:
    value = _decimal(text)
    if text and not 0 < value <= MOST_RATE:
        raise RefusedError(
            f"The learning rate is a number above 0, at most {MOST_RATE:,.0f}, not “{one_line(text, LONGEST)}”."
        )
    return value if text else None


def _seed(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise RefusedError(f"A seed is a whole number, not “{one_line(text, LONGEST)}”.")
    return int(text)
