"""A network and its training as plain data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue

from checker.records.codec import record


class Development(StrEnum):
    """How a fit watched a development set."""

    NONE = "none"
    SPLIT = "validation_split"
    DATA = "validation_data"


class Labels(StrEnum):
    """The form in which labels were fed: of a classification the first two, of a regression the last."""

    INTEGERS = "integers"
    ONE_HOT = "one-hot"
    NUMBERS = "numbers"


@record
@dataclass(frozen=True)
class KerasObject:
    """A Keras optimizer, loss, callback, initialiser … as plain data: its class and its settings."""

    class_name: str
    config: Mapping[str, JsonValue] = field(default_factory=dict)


@record
@dataclass(frozen=True)
class Layer:
    """One layer as plain data; ``config`` holds only settings from the allow-list of its class."""

    name: str
    class_name: str
    config: Mapping[str, JsonValue] = field(default_factory=dict)


@record
@dataclass(frozen=True)
class Node:
    """One call of a layer: which layer, on the outputs of which earlier nodes."""

    layer: str
    inputs: tuple[int, ...]


@record
@dataclass(frozen=True)
class Architecture:
    """A network as a graph of layer calls in topological order; a Sequential is a chain.

    ``outputs`` are indices into ``nodes``; input nodes are those of class ``InputLayer``.
    """

    layers: tuple[Layer, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    parameters: int


@record
@dataclass(frozen=True, kw_only=True)
class Phase:
    """One uninterrupted stretch of training: compile settings, then so many epochs in batches.

    ``plateau``: a ``ReduceLROnPlateau``. ``rates``: the learning rate in each epoch, where a function of the student's
    own set it; the last one counts for all later epochs. ``steps``: steps an epoch; 0 where it is once through the
    rows. ``checkpoint``: a ``ModelCheckpoint``, to the best epoch of which the student went back at the end.
    """

    optimizer: KerasObject
    loss: KerasObject
    epochs: int
    batch_size: int
    labels: Labels
    class_weight: Mapping[str, float] = field(default_factory=dict)
    early_stopping: KerasObject | None = None
    plateau: KerasObject | None = None
    checkpoint: KerasObject | None = None
    rates: tuple[float, ...] = ()
    steps: int = 0
    recompiled: bool = True

    @property
    def restores(self) -> bool:
        """Tell whether the weights of the best epoch were put back at the end."""
        stopping = self.early_stopping
        return self.checkpoint is not None or (
            stopping is not None and bool(stopping.config.get("restore_best_weights"))
        )

    def steps_an_epoch(self, rows: int) -> int:
        """Return how many steps an epoch takes where there are so many rows to train on."""
        return self.steps if self.steps > 0 else math.ceil(rows / max(1, self.batch_size))


@record
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the answer was trained, from its first phase to its last.

    ``development``: the student watched a development set, so the checker sets one aside too. ``watched_itself``: that
    set was made of rows that were trained on, so it showed nothing.
    ``capped_epochs``: epochs asked for beyond the assignment's cap in steps; 0 where nothing was cut. In a report, 0
    too where trainings had come to their own end before.
    """

    phases: tuple[Phase, ...]
    development: bool
    capped_epochs: int = 0
    notes: tuple[str, ...] = ()
    watched_itself: bool = False
