"""What tests of the hooks share: rows to train on, a receiver of records."""

from typing import Any

import numpy as np

from checker.guest.watch.registry import ModelRegistry
from checker.records.assignment import Caps
from checker.records.capture import AsTrained, ModelCapture
from checker.wire.frames import reference

X = np.random.default_rng(1).normal(size=(640, 9)).astype("float32")
Y = np.arange(640) % 5


class Notes(dict[int, ModelCapture]):
    """The newest record of each model, and all arrays, as the host would have them."""

    def __init__(self) -> None:
        super().__init__()
        self.arrays: list[Any] = []
        self.as_trained: dict[int, AsTrained] = {}
        self.given: dict[str, Any] = {}
        self.said = 0

    def send(self, record: ModelCapture, arrays: tuple[Any, ...]) -> None:
        self[record.id] = record
        self.arrays.extend(arrays)

    def hear(self, record: AsTrained, arrays: tuple[Any, ...]) -> None:
        """Take what a network gave, as the host would."""
        self.said += 1
        self.as_trained[record.model] = record
        self.given |= {reference(array).sha256: array for array in arrays}

    def registry(self, tf: Any) -> ModelRegistry:
        """A registry that tells these notes; 100 steps a training and 150 in all, in cell 3."""
        return ModelRegistry(tf, Caps(100, 150, 1_000, 10_000), self.send, lambda: 3)

    @property
    def only(self) -> ModelCapture:
        assert len(self) == 1
        return next(iter(self.values()))
