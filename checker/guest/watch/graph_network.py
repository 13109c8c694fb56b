"""Networks in a TensorFlow 1 graph, and the operations that are a step of their training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checker.guest.plain.plaindata import UnrebuildableError
from checker.guest.watch import dataflow, optimizers
from checker.guest.watch.dataflow import Reading
from checker.guest.watch.loops import CustomLoop
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.usage_log import UsageLog
from checker.records.network import KerasObject

Given = Mapping[str, Any]


class StaticGraph:
    """A network in a graph, with the attributes that ``ModelRegistry`` reads of a model."""

    def __init__(self, name: str, inputs: int | None, outputs: int | None, parameters: int) -> None:
        self.name = name
        self.input_shape, self.output_shape = (None, inputs), (None, outputs)
        self.parameters = parameters

    def count_params(self) -> int:
        """Return the number of weights."""
        return self.parameters


StaticGraph.__name__ = "TensorFlow 1 graph"


@dataclass
class Training:
    """An operation that is a training step. Optimizer and loss are None if the updates are made by hand."""

    operation: Any
    optimizer: Any = None
    loss: Any = None
    obstacle: str = ""
    network: "Network | None" = None
    values: dict[str, float] = field(default_factory=dict)
    last: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    loop: CustomLoop | None = None

    @property
    def rate(self) -> Any:
        """The learning rate, a number or a tensor, as it was passed to the optimizer."""
        names = optimizers.OF_TENSORFLOW_1.get(type(self.optimizer).__name__)
        value = getattr(self.optimizer, names[1]["learning_rate"], None) if names else None
        return value() if callable(value) and not dataflow.is_tensor(value) else value

    def plan(self) -> tuple[KerasObject, KerasObject]:
        """Return optimizer and loss as plain data; UnrebuildableError if there are none."""
        if self.obstacle or self.network is None or self.optimizer is None:
            raise UnrebuildableError(self.obstacle or "its weights are updated by assignments of the student's own")
        return optimizers.describe(self.optimizer, self.values), self.network.reading.target.loss


@dataclass
class Network:
    """A network that is trained or used.

    ``is_fresh``: its weights were initialised again, so its earlier training does not count once it is trained anew.
    ``feeds``: those of its last run, with which other rows can be predicted while its session is open.
    """

    reading: Reading
    record: ModelRecord
    uses: UsageLog
    initial: frozenset[str]
    is_fresh: bool = False
    trained_by: Training | None = None
    session: Any = None
    feeds: Given = field(default_factory=dict)
    was_used: bool = False
    is_closing: bool = False

    def ran(self, session: Any, feeds: Given, is_use: bool) -> None:
        """Remember the session and the feeds of a run; feeds of a use are preferred to those of a step."""
        self.session = session
        if is_use or not self.was_used:
            self.feeds, self.was_used = feeds, self.was_used or is_use


@dataclass(frozen=True)
class Reached:
    """The operations that the fetches of a run depend on, and the training step among them, if any."""

    training: Training | None
    operations: frozenset[Any]
