"""The retrain guest's records of each training."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from checker.records.arrays import ArrayRef
from checker.records.capture import Adaptation, AsTrained, CellResult, Environment, ModelCapture
from checker.records.codec import record
from checker.records.job import Progress
from checker.records.verdicts import Failure


class Loop(StrEnum):
    """How the loop over an epoch's batches runs: as a TensorFlow graph, compiled by XLA, or in a replay's ``fit``."""

    GRAPH = "graph"
    XLA = "xla"
    FIT = "fit"


@record
@dataclass(frozen=True)
class Histogram:
    """Counts of values in bins of equal width from the smallest value, ``low``, to the largest, ``high``.

    ``not_finite`` counts NaN and infinite values, which are in no bin; if all values are, there are no bins.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    not_finite: int = 0


@record
@dataclass(frozen=True)
class Weights:
    """A trainable variable before the first step of a training, and at the prediction of the held-out rows."""

    variable: str
    before: Histogram
    after: Histogram


@record
@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One seed's training. ``predictions``: outputs for the held-out features. ``trained``: answers for the training
    rows, class numbers (n,), uint8, or values (n,), float32. A replay has neither ``trained`` nor ``weights``."""

    seed: int
    history: Mapping[str, tuple[float | None, ...]]
    epochs: int
    steps: int
    seconds: float
    stopped_early: bool
    predictions: ArrayRef
    loop: Loop = Loop.GRAPH
    weights: tuple[Weights, ...] = ()
    trained: ArrayRef | None = None


@record
@dataclass(frozen=True)
class Epoch:
    """An epoch of a seed's training that has just ended; ``at`` counts from 1. ``values``: as in a run's history."""

    seed: int
    at: int
    values: Mapping[str, float | None]


Message = Progress | Environment | CellResult | Adaptation | ModelCapture | AsTrained | TrainingRun | Epoch | Failure
"""All records that a guest may send; ``wire.frames`` carries them and ``wire.collector`` collects them."""
