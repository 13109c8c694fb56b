"""How an optimizer updates a network's weights: all of them in one go, where that comes to the same.

Theory of operation: a step on a small network is little arithmetic in many operations, most of them the optimizer's, a
dozen or more for each variable. Those of ``BY_WEIGHT`` update a weight by its own gradients alone. So it makes no
difference in any bit whether they have a network's variables before them or one vector of all their weights, but the
vector takes up to a quarter off a step's time. While an epoch runs, the vector is what is updated, and the network
computes with its parts: Keras 3 lets it take them in place of its variables, and the variables are given them when the
epoch ends; the legacy generation knows its variables only, which are given them after each step. Between epochs the
variables are what counts: they may have been restored, or be those of another seed. So the vector is filled from them
when an epoch begins.

Nadam of the legacy generation counts, in Python, how often its graph was made, and puts the number into the graph.
``fit`` makes its graph twice, as the first time it makes the optimizer's variables; here the count begins where that
leaves it.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import numpy as np

from checker.guest.plain import generation

BY_WEIGHT = frozenset("Adam AdamW Adamax Nadam Lion".split())
"""Not among them: RMSprop, Adagrad, Adadelta and Ftrl, whose roots and powers differ in the last bit at the end of a
variable, as a processor takes weights by eight or sixteen and what is left one by one; SGD, whose one product
TensorFlow merges with those of the gradient where nothing stands between them."""
BY_VARIABLE = ("clipnorm", "global_clipnorm", "use_ema")
"""Settings with which an optimizer looks at a whole variable, or does more than to update it."""
SPARSE = frozenset({"Embedding"})
"""Layers whose gradients say nothing of most weights, which the optimizer then passes over."""


class Update(Protocol):
    """One optimizer's way to update a network's variables, inside of an epoch's graph."""

    optimizer: Any

    def begin(self) -> None:
        """Get ready for an epoch's steps."""

    def weights(self, tape: Any) -> AbstractContextManager[Sequence[Any]]:
        """Give the network, for a step, its weights, by which the tape is to differentiate."""

    def apply(self, gradients: Sequence[Any]) -> None:
        """Take a step by the gradients of these weights."""

    def end(self) -> None:
        """Leave an epoch's outcome in the variables."""


def build(optimizer: Any, model: Any, keras: Any, tf: Any) -> Update:
    """Build a new optimizer for a network, and return how it updates that."""
    if not _goes_together(optimizer, model):
        return OneByOne(optimizer, model, keras, tf)
    return together(optimizer, model, keras, tf)


def together(optimizer: Any, model: Any, keras: Any, tf: Any) -> "Together":
    """Build an optimizer for all of a network's weights as one vector."""
    return (StepByStep if generation.is_legacy(keras) else Together)(optimizer, model, keras, tf)


def _goes_together(optimizer: Any, model: Any) -> bool:
    settings = optimizer.get_config()
    by_weight = type(optimizer).__name__ in BY_WEIGHT and not any(settings.get(name) for name in BY_VARIABLE)
    is_free = all(getattr(variable, "constraint", None) is None for variable in model.trainable_variables)
    is_sparse = any(type(layer).__name__ in SPARSE for layer in model.layers)
    return by_weight and is_free and not is_sparse and not _is_legacy_nadam(optimizer)


def _is_legacy_nadam(optimizer: Any) -> bool:
    return type(optimizer).__name__ == "Nadam" and type(optimizer).__module__.startswith("tf_keras.")


def state(optimizer: Any) -> list[Any]:
    """Return all variables of a built optimizer."""
    variables = optimizer.variables
    listed = list(variables() if callable(variables) else variables)
    return [*listed, optimizer._u_product] if _is_legacy_nadam(optimizer) else listed


class OneByOne:
    """The optimizer updates each variable by itself."""

    def __init__(self, optimizer: Any, model: Any, keras: Any, tf: Any) -> None:
        self.optimizer, self._variables = optimizer, model.trainable_variables
        optimizer.build(self._variables)
        if _is_legacy_nadam(optimizer):
            optimizer._u_product_counter += len(self._variables)

    def begin(self) -> None:
        """Nothing has to be got ready."""

    def weights(self, tape: Any) -> AbstractContextManager[Sequence[Any]]:
        return nullcontext(self._variables)

    def apply(self, gradients: Sequence[Any]) -> None:
        self.optimizer.apply_gradients(zip(gradients, self._variables, strict=True))

    def end(self) -> None:
        """The variables have it already."""


class Together:
    """The optimizer updates one vector, with whose parts the network computes. A variable without a gradient has one of
    zero, which moves it as little."""

    def __init__(self, optimizer: Any, model: Any, keras: Any, tf: Any) -> None:
        self._tf, self._keras, self._model = tf, keras, model
        self.optimizer, self._variables = optimizer, model.trainable_variables
        self._sizes = [int(np.prod(variable.shape)) for variable in self._variables]
        layer = keras.layers.Layer()  # what holds a variable in either generation of Keras
        self._vector = layer.add_weight(name="vector", shape=(sum(self._sizes),), initializer="zeros")
        optimizer.build([self._vector])

    def begin(self) -> None:
        self._vector.assign(self._joined([self._tf.convert_to_tensor(variable) for variable in self._variables]))

    @contextmanager
    def weights(self, tape: Any) -> Iterator[Sequence[Any]]:
        parts = self._parts()
        tape.watch(parts)
        mapping = list(zip(self._variables, parts, strict=True))
        with self._keras.StatelessScope(mapping, collect_losses=True) as scope:
            yield parts
        for variable in self._model.non_trainable_variables:
            if (moved := scope.get_current_value(variable)) is not None:
                variable.assign(moved)

    def apply(self, gradients: Sequence[Any]) -> None:
        pairs = zip(gradients, self._variables, strict=True)
        known = [self._tf.zeros_like(variable) if gradient is None else gradient for gradient, variable in pairs]
        self.optimizer.apply_gradients([(self._joined(known), self._vector)])

    def end(self) -> None:
        for variable, part in zip(self._variables, self._parts(), strict=True):
            variable.assign(part)

    def _joined(self, tensors: Sequence[Any]) -> Any:
        return self._tf.concat([self._tf.reshape(tensor, [-1]) for tensor in tensors], 0)

    def _parts(self) -> list[Any]:
        parts = self._tf.split(self._tf.convert_to_tensor(self._vector), self._sizes)
        return [self._tf.reshape(part, variable.shape) for variable, part in zip(self._variables, parts, strict=True)]


class StepByStep(Together):
    """As legacy Keras needs it: the network computes with its variables, which are given their parts at each step."""

    @contextmanager
    def weights(self, tape: Any) -> Iterator[Sequence[Any]]:
        yield self._variables

    def apply(self, gradients: Sequence[Any]) -> None:
        super().apply(gradients)
        super().end()

    def end(self) -> None:
        """The variables have it already."""
