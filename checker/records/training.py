"""What the retrain guest says of each training."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from checker.records.arrays import ArrayRef
from checker.records.capture import Adaptation, AsTrained, CellResult, Environment, ModelCapture
from checker.records.codec import record
from checker.records.job import Progress
from checker.records.verdicts import Failure


class Loop(StrEnum):
    """How the loop over an epoch's batches runs: as a TensorFlow graph, compiled by XLA, or within the student's own
    ``fit``, which is replayed."""

    GRAPH = "graph"
    XLA = "xla"
    FIT = "fit"


@record
@dataclass(frozen=True)
class Histogram:
    """How many values lie in each of the equally wide bins from ``low`` to ``high``, the least and the greatest value.

    ``not_finite`` counts values that are NaN or infinite, which are in no bin; where all are, there are no bins.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    not_finite: int = 0


@record
@dataclass(frozen=True)
class Weights:
    """A trainable variable before the first step of a training, and as it was when the held-out rows were predicted."""

    variable: str
    before: Histogram
    after: Histogram


@record
@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One seed's training. ``predictions`` are outputs for the held-out features; ``trained`` what outputs come to for
    the rows that were trained on, class numbers (n,), uint8, or values (n,), float32. ``trained`` and ``weights`` are
    not known where training was replayed."""

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


Message = Progress | Environment | CellResult | Adaptation | ModelCapture | AsTrained | TrainingRun | Failure
"""Everything a guest may say; ``frames`` carries it, ``evidence`` collects it."""
