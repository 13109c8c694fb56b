"""Maps Keras's names of a training's quantities, and the monitors of callbacks, to the checker's quantities. Pure.

Keras names a quantity as the student asked for it: ``acc``, ``accuracy``, ``sparse_categorical_accuracy``,
``val_mean_absolute_error``. The checker's own trainings measure two quantities: the loss, and one metric that depends
on the task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from checker.records.network import Labels

BY_DEFAULT = "val_loss"
"""The default monitor of Keras's callbacks."""
DEVELOPMENT = "val_"
"""Prefix of the names of quantities on development rows."""
MODES = ("min", "max")


@dataclass(frozen=True)
class Quantity:
    """A quantity that a training measures. ``aliases``: substrings that identify it in Keras's names. ``mode``: the
    direction in which it improves."""

    name: str
    aliases: tuple[str, ...]
    mode: str

    def is_meant_by(self, name: str) -> bool:
        """Tell whether one of Keras's names means this quantity."""
        return any(alias in name for alias in self.aliases)

    def series(self, history: Mapping[str, Sequence[float | None]], development: bool) -> Sequence[float | None]:
        """Return this quantity's values by epoch, on development or on training rows; () if there are none."""
        of = (values for name, values in history.items()
              if values and self.is_meant_by(name) and name.startswith(DEVELOPMENT) == development)  # fmt: skip
        return next(of, ())


LOSS = Quantity("loss", ("loss",), "min")
ACCURACY = Quantity("accuracy", ("acc",), "max")
ABSOLUTE_ERROR = Quantity("mae", ("mae", "mean_absolute_error"), "min")


def metric_of(labels: Labels) -> Quantity:
    """Return the metric that is measured beside the loss for labels of this form."""
    return ABSOLUTE_ERROR if labels is Labels.NUMBERS else ACCURACY


def as_measured_here(config: Mapping[str, JsonValue], metric: Quantity) -> dict[str, JsonValue]:
    """Return a callback's settings with the monitored name mapped to ``metric`` if it matches, else to the loss.

    The student's own ``mode`` counts, except in a regression: its quantities are all errors, so less is always better.
    """
    monitor = str(config.get("monitor", BY_DEFAULT))
    quantity = metric if metric.is_meant_by(monitor) else LOSS
    name = f"{DEVELOPMENT}{quantity.name}" if monitor.startswith(DEVELOPMENT) else quantity.name
    counts = config.get("mode") in MODES and metric.mode != LOSS.mode
    return {**config, "monitor": name, "mode": config["mode"] if counts else quantity.mode}
