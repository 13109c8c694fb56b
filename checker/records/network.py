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
    """The form of labels: the first two in a classification, the last in a regression."""

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
    """One call of a layer: the layer's name, and the earlier nodes (indices) whose outputs it takes."""

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
    """One uninterrupted stretch of training: compile settings, then ``epochs`` epochs in batches.

    ``plateau``: a ``ReduceLROnPlateau``. ``rates``: the learning rate of each epoch, if the student's own function set
    it; the last one holds for all later epochs. ``steps``: steps an epoch; 0 for one pass over the rows.
    ``checkpoint``: a ``ModelCheckpoint`` whose best epoch the student restored at the end.
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
        """Tell whether the weights of the best epoch were restored at the end."""
        stopping = self.early_stopping
        return self.checkpoint is not None or (
            stopping is not None and bool(stopping.config.get("restore_best_weights"))
        )

    def steps_an_epoch(self, rows: int) -> int:
        """Return the number of steps in an epoch with this many training rows."""
        return self.steps if self.steps > 0 else math.ceil(rows / max(1, self.batch_size))


@record
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The answer's training, from its first phase to its last.

    ``development``: the student watched a development set, so the checker holds one out too. ``watched_itself``: that
    set consisted of training rows, so it showed nothing. ``capped_epochs``: epochs requested beyond the assignment's
    cap in steps; 0 if nothing was cut. In a report it is also 0 if all trainings ended before the cap.
    """

    phases: tuple[Phase, ...]
    development: bool
    capped_epochs: int = 0
    notes: tuple[str, ...] = ()
    watched_itself: bool = False
