"""A model that a loop trains with ``GradientTape``: the events since its last call, and its optimizer and loss."""

import math
from dataclasses import dataclass, field
from typing import Any

from checker.guest.plain import plaindata
from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.watch.loops import CustomLoop
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.usage_log import UsageLog
from checker.keras_spec import allow_list
from checker.records.network import KerasObject

NO_LOSS = "the loss is none of Keras's own, taken of the network's own outputs"


@dataclass(frozen=True)
class Called:
    """A loss that was called in a step: its description, or why there is none; the labels; the mean over rows."""

    loss: KerasObject | None
    obstacle: str
    labels: Any
    mean: float


@dataclass
class Plan:
    """The optimizer and the loss that a loop trains with."""

    optimizer: Any
    loss: KerasObject | None
    obstacle: str = ""
    loop: CustomLoop | None = None

    def holds(self, optimizer: Any, loss: KerasObject | None) -> bool:
        """Tell whether a step uses the same optimizer and loss."""
        return self.optimizer is optimizer and self.loss == loss

    def plain(self) -> tuple[KerasObject, KerasObject]:
        """Return optimizer and loss as plain data; UnrebuildableError if they are not known."""
        if self.obstacle or self.loss is None:
            raise UnrebuildableError(self.obstacle or NO_LOSS)
        return plaindata.describe(self.optimizer, allow_list.OPTIMIZERS), self.loss


@dataclass
class Learner:
    """A model that is called, and the events since its last call."""

    model: Any
    record: ModelRecord
    uses: UsageLog
    outputs: Any = None
    losses: list[Called] = field(default_factory=list)
    chosen: Called | None = None
    ratio: float | None = None
    total: float = math.nan
    gradients: list[Any] = field(default_factory=list)
    plan: Plan | None = None

    def variables(self) -> set[int]:
        """Return the identities of the model's trainable variables."""
        return {identity(v) for v in self.model.trainable_variables}

    def hindrance(self, variables: list[Any], gradients: list[Any]) -> str:
        """Return why a step is not plain training; "" if it is."""
        if self.variables() - {identity(v) for v in variables}:
            return "only some of its weights were trained"
        if not {id(g) for g in gradients if g is not None} <= {id(g) for g in self.gradients}:
            return "the gradients are changed before they are applied"
        return ""

    @property
    def loop(self) -> CustomLoop | None:
        """The open loop that trains the model."""
        loop = self.plan.loop if self.plan is not None else None
        return loop if loop is not None and loop.is_open else None

    def is_capped(self, steps: int) -> bool:
        """If the loop is beyond the cap, count the steps that will not be taken, and return True."""
        if self.loop is None or not self.loop.is_capped:
            return False
        for _ in range(steps):
            self.loop.step()
        return True


@dataclass
class Traced:
    """A tf.function that was called: the model that it trains, the steps and the result of its last call."""

    function: Any
    learner: Learner | None = None
    steps: int = 0
    result: Any = None

    def taken(self) -> int:
        """Return the number of steps that its model's loop asked for so far."""
        loop = self.learner.loop if self.learner is not None else None
        return loop.asked if loop is not None else 0


def identity(variable: Any) -> int:
    """Return one number for a variable of Keras 3 and the TensorFlow variable in it."""
    inner = getattr(variable, "value", None)
    return id(variable if inner is None or callable(inner) else inner)
