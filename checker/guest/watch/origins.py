"""Checks where a network's weights come from when its training begins: its initialisers, or another source.

Theory of operation: a network is retrained from plain data, which holds no weights. So the hash of the initial value is
recorded for each variable that a layer makes. When a training begins, or an untrained network is used, its variables
must hold initial values: their own, or those of another network, as after ``other.set_weights(first.get_weights())``
before any training. No initialiser is called again, so no random state changes. Only layers that the clean guest builds
are checked; networks with other layers are replayed by their own code.

A variable that is made while a graph is traced has no value yet. It waits until the call that made it has returned. A
variable that still waits when a training ends has been trained, and is no longer checked.
"""

import contextlib
import functools
import hashlib
import math
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from checker.guest.plain import generation
from checker.guest.plain.hooks import Hooks
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry
from checker.keras_spec import allow_list
from checker.keras_spec.foreign_weights import ELSEWHERE
from checker.records.arrays import Array

MAX_BYTES = 64 * 2**20
"""Size limit of one variable; larger ones are not checked."""
UNWATCHED = "whether its weights were fresh when its training began could not be looked at"
KEPT = frozenset(allow_list.LAYERS) - {"Normalization"}
"""Layers that are checked. Normalization is left out, because the retraining adapts it anew."""
STATISTICS = ("moving_mean", "moving_variance")
"""Variables that a call in training mode already changes; by themselves they are not learned weights."""


@dataclass
class Made:
    """A variable as its layer made it. ``value``: a hash of its initial value, None until that exists. ``is_array``:
    its initialiser holds an array of numbers."""

    variable: weakref.ref[Any]
    layer: str
    name: str
    is_array: bool
    value: bytes | None = None


@dataclass
class Origins:
    """The variables that layers have made so far, by ``id``; those without a value yet; and all initial values."""

    tf: Any
    registry: ModelRegistry
    made: dict[int, Made] = field(default_factory=dict)
    waiting: list[Made] = field(default_factory=list)
    initial: set[bytes] = field(default_factory=set)

    def install(self, hooks: Hooks) -> None:
        """Hook the creation of variables, and register as the registry's check of origins."""
        layer = self.tf.keras.layers.Layer
        add_weight = layer.add_weight

        @functools.wraps(add_weight)
        def wrapper(layer: Any, *args: Any, **kwargs: Any) -> Any:
            variable = add_weight(layer, *args, **kwargs)
            self._note(layer, variable)
            return variable

        made: Any = wrapper
        made.autograph_info__ = {}  # autograph must not translate it
        hooks.replace(layer, "add_weight", made)
        self.registry.check_origins_by(self)

    def settle(self) -> None:
        """Hash the variables that had no value when they were made, before anything changes them."""
        waiting, self.waiting = self.waiting, []
        for made in waiting:
            self._take(made)

    def forget_waiting(self) -> None:
        """Drop variables that were made and trained before they could be checked."""
        self.waiting.clear()

    def look(self, record: ModelRecord) -> None:
        """Note where a network's weights come from, before it is trained."""
        try:
            record.note_origin(self._origin(record))
        except Exception:  # noqa: BLE001  # a student's own objects may raise anything
            record.note_unwatched(UNWATCHED)
        self.forget_waiting()

    # -- variables ---------------------------------------------------------------------------------------

    def _note(self, layer: Any, variable: Any) -> None:
        try:
            if type(layer).__name__ not in KEPT or not self._is_eager():
                return
            name = str(variable.name).rpartition("/")[2].partition(":")[0]
            made = Made(weakref.ref(variable), str(layer.name)[:60], name, _holds_array(layer))
            self.made[id(variable)] = made
            self._take(made)
        except Exception:  # noqa: BLE001  # the student's cell must not fail because of us
            return

    def _take(self, made: Made) -> None:
        variable = made.variable()
        if variable is None:
            return
        value = self._value(variable)
        if value is None:
            self.waiting.append(made)
        else:
            made.value = value
            if not made.is_array:
                self.initial.add(value)

    def _is_eager(self) -> bool:
        with self.tf.init_scope():
            return bool(self.tf.executing_eagerly())

    def _value(self, variable: Any) -> bytes | None:
        """Return a hash of a variable's value; None if it cannot be read now."""
        if math.prod(variable.shape) * 8 > MAX_BYTES:
            return None
        try:
            with self.tf.init_scope():
                # Within a layer of mixed precision Keras 3 returns a rounded value.
                read = variable if generation.is_legacy(self.tf.keras) else variable._value
                array = read.numpy()
        except Exception:  # noqa: BLE001  # it has no value yet, or a graph holds it
            return None
        return _hash(array) if tuple(array.shape) == tuple(variable.shape) else None

    # -- networks ----------------------------------------------------------------------------------------

    def _origin(self, record: ModelRecord) -> str:
        model = record.model
        if not isinstance(model, self.tf.keras.Model) or not self._is_eager():
            return ""
        layer = next((layer for layer in _layers(model) if _holds_array(layer)), None)
        if layer is not None:
            return f"layer `{_name(layer)}` already held an array of numbers, and {ELSEWHERE}"
        foreign = [(made, value) for made, value in self._held(model) if not self._is_initial(made, value)]
        learned = [(made, value) for made, value in foreign if made.name not in STATISTICS]
        if not learned:
            return ""
        starts = f"layer `{learned[0][0].layer}` already held"
        if file := record.file:
            return f"{starts} weights from the file `{file}`, and {ELSEWHERE}"
        source = self._source(record, {value for _, value in learned})
        if source is not None:
            name = source.variable or _name(source.model)
            return f"{starts} the weights of another network of this file, `{name}`"
        return f"{starts} weights that something had set: they are not random, and {ELSEWHERE}"

    def _held(self, model: Any) -> list[tuple[Made, bytes]]:
        """Return the current values of a network's variables whose initial values were recorded."""
        found = [(self._made(variable), self._value(variable)) for variable in _variables(model)]
        return [(made, value) for made, value in found if made is not None and made.value and value is not None]

    def _made(self, variable: Any) -> Made | None:
        made = self.made.get(id(variable))
        return made if made is not None and made.variable() is variable else None

    def _is_initial(self, made: Made, value: bytes) -> bool:
        return value == made.value or value in self.initial

    def _source(self, record: ModelRecord, values: set[bytes]) -> ModelRecord | None:
        """Return the other trained network that holds the greatest number of these values; None if none holds any."""
        others = [other for other in self.registry.records if other is not record and other.fits]
        shared = [(sum(value in values for _, value in self._held_by(other)), other) for other in others]
        return max(shared, key=lambda pair: pair[0], default=(0, None))[1] if any(n for n, _ in shared) else None

    def _held_by(self, other: ModelRecord) -> list[tuple[Made, bytes]]:
        try:
            return self._held(other.model)
        except Exception:  # noqa: BLE001  # the network is in a graph, or not built
            return []

    def twin(self, model: Any) -> ModelRecord | None:
        """Return the trained network that holds exactly the same values, such as the one that was saved and loaded."""
        try:
            held = [value for _, value in self._held(model)]
        except Exception:  # noqa: BLE001  # a student's own objects may raise anything
            return None
        others = [other for other in self.registry.records if other.model is not model and other.fits]
        return next((o for o in reversed(others) if held and held == [value for _, value in self._held_by(o)]), None)


def _hash(array: Array) -> bytes:
    digest = hashlib.blake2b(f"{array.dtype}{array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


def _layers(model: Any) -> Iterable[Any]:
    return list(model._flatten_layers(include_self=False))


def _variables(model: Any) -> list[Any]:
    """Return a model's variables, each once, as far as its layers have made them."""
    found: dict[int, Any] = {}
    for layer in _layers(model):
        with contextlib.suppress(ValueError):  # legacy Keras requires nested models to be built
            found |= {id(variable): variable for variable in layer.variables}
    return list(found.values())


def _name(thing: Any) -> str:
    return str(thing.name)[:60]


def _holds_array(layer: Any) -> bool:
    """Tell whether an initialiser of a layer holds its numbers instead of drawing them."""
    initializers = [value for name, value in vars(layer).items() if name.endswith("_initializer")]
    return any(
        _size(value) > 1
        for initializer in initializers
        for name, value in getattr(initializer, "__dict__", {}).items()
        if "seed" not in name
    )


def _size(value: Any) -> int:
    """Return the number of elements in an array, a tensor or a list."""
    shape = np.shape(value) if isinstance(value, list | tuple) else getattr(value, "shape", ())
    return math.prod(int(size or 1) for size in shape)
