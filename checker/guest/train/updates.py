"""An optimizer's update of a network's weights: all of them as one vector, if the result is the same.

Theory of operation: a step on a small network is little arithmetic in many operations. Most are the optimizer's: a
dozen or more for each variable. The optimizers in ``BY_WEIGHT`` update each weight by its own gradients alone. So they
give bit-identical results on one vector of all weights, which saves up to a quarter of a step's time. While an epoch
runs, the optimizer updates the vector, and the network computes with its parts. Keras 3 can use these in place of the
variables, which are assigned when the epoch ends. Legacy Keras can only use its variables, which are assigned after
each step. Between epochs the variables hold the weights: they may have been restored, or be those of another seed. So
each epoch begins by filling the vector from them.

Legacy Keras's Nadam counts, in Python, how often its graph was made, and puts the number into the graph. ``fit`` makes
its graph twice, the first time to make the optimizer's variables. Here the count starts from its value after that first
time.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import numpy as np

from checker.guest.plain import generation

BY_WEIGHT = frozenset("Adam AdamW Adamax Nadam Lion".split())
"""RMSprop, Adagrad, Adadelta and Ftrl are left out: a processor computes roots and powers of eight or sixteen weights
together, but those left over at the end of a variable one by one, and the results differ in the last bit. SGD is left
out because TensorFlow merges its one product with those of the gradient if nothing stands between them."""
BY_VARIABLE = ("clipnorm", "global_clipnorm", "use_ema")
"""Settings with which an optimizer uses a whole variable, or does more than update it."""
SPARSE = frozenset({"Embedding"})
"""Layers whose gradients cover few weights; the optimizer then skips the others."""


class Update(Protocol):
    """One optimizer's way to update a network's variables, within an epoch's graph."""

    optimizer: Any

    def begin(self) -> None:
        """Prepare for an epoch's steps."""

    def weights(self, tape: Any) -> AbstractContextManager[Sequence[Any]]:
        """Give the network its weights for a step; the tape differentiates with respect to these."""

    def apply(self, gradients: Sequence[Any]) -> None:
        """Take a step with the gradients of these weights."""

    def end(self) -> None:
        """Write the epoch's result to the variables."""


def build(optimizer: Any, model: Any, keras: Any, tf: Any) -> Update:
    """Build a new optimizer for a network, and return its way to update the network."""
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
    """The optimizer updates each variable separately."""

    def __init__(self, optimizer: Any, model: Any, keras: Any, tf: Any) -> None:
        self.optimizer, self._variables = optimizer, model.trainable_variables
        optimizer.build(self._variables)
        if _is_legacy_nadam(optimizer):
            optimizer._u_product_counter += len(self._variables)

    def begin(self) -> None:
        """Do nothing."""

    def weights(self, tape: Any) -> AbstractContextManager[Sequence[Any]]:
        return nullcontext(self._variables)

    def apply(self, gradients: Sequence[Any]) -> None:
        self.optimizer.apply_gradients(zip(gradients, self._variables, strict=True))

    def end(self) -> None:
        """Do nothing: the variables are up to date."""


class Together:
    """The optimizer updates one vector, and the network computes with its parts. A missing gradient counts as zero,
    which moves the variable just as little."""

    def __init__(self, optimizer: Any, model: Any, keras: Any, tf: Any) -> None:
        self._tf, self._keras, self._model = tf, keras, model
        self.optimizer, self._variables = optimizer, model.trainable_variables
        self._sizes = [int(np.prod(variable.shape)) for variable in self._variables]
        layer = keras.layers.Layer()  # a layer can hold a variable in either Keras generation
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
    """For legacy Keras: the network computes with its variables, to which the parts are assigned at each step."""

    @contextmanager
    def weights(self, tape: Any) -> Iterator[Sequence[Any]]:
        yield self._variables

    def apply(self, gradients: Sequence[Any]) -> None:
        super().apply(gradients)
        super().end()

    def end(self) -> None:
        """Do nothing: the variables are up to date."""
