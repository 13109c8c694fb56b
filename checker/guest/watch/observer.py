"""Watches a call of ``fit`` at its epochs: the steps taken, the learning rates, and hashes of the weights."""

import contextlib
import math
from collections.abc import Mapping
from typing import Any

from checker.guest.plain import weights
from checker.guest.watch.fit_calls import Seen
from checker.guest.watch.registry import ModelRegistry


def watch(registry: ModelRegistry) -> Seen:
    """Return a callback that runs after all others, and ends training after the epoch that reaches a cap."""

    class Watching(registry.tf.keras.callbacks.Callback):  # type: ignore[misc, name-defined]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.epochs = self.steps = 0
            self.is_capped = False
            self.rates: list[float] = []
            self.weights: list[bytes] = []
            self.iterations: int | None = None

        def on_train_begin(self, logs: Any = None) -> None:
            self.iterations = _iterations(self.model)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            with contextlib.suppress(Exception):  # a schedule has no rate of its own; a graph's rate has no value
                self.rates.append(float(self.model.optimizer.learning_rate))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            before, self.iterations = self.iterations, _iterations(self.model)
            counted = 0 if before is None or self.iterations is None else self.iterations - before
            taken = counted if counted > 0 else _steps_an_epoch(self.params)
            self.epochs += 1
            self.steps += taken
            self.weights.append(weights.digest(self.model, registry.tf))
            registry.count_steps(taken)
            if registry.is_capped(self.steps):
                self.is_capped = not self.model.stop_training
                self.model.stop_training = True

    watching: Seen = Watching()
    return watching


def _iterations(model: Any) -> int | None:
    """Return how many steps the optimizer has taken; None if it does not count them."""
    try:
        return int(model.optimizer.iterations)
    except Exception:  # noqa: BLE001  # a graph's counter has no value, and a student's own optimizer may have none
        return None


def _steps_an_epoch(given: Mapping[str, Any]) -> int:
    """Return the steps of an epoch from a callback's parameters; outside eager execution they hold samples."""
    samples, size = given.get("samples"), given.get("batch_size")
    return int(given.get("steps") or (math.ceil(samples / size) if samples and size else 0))
