"""Everything that was observed of one submission."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.arrays import ArrayRef
from checker.records.capture import Adaptation, AsTrained, CellResult, Environment, ModelCapture
from checker.records.codec import record
from checker.records.job import Execution
from checker.records.network import Recipe
from checker.records.submission import Submission
from checker.records.tracing import Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure


@record
@dataclass(frozen=True)
class Rejected:
    model: int
    variable: str
    cell: int
    reason: str


class RowKind(StrEnum):
    """What a network's own run did with rows: trained on them, watched them during training, tested on them, or never
    gave them to this network."""

    TRAINED = "trained on"
    WATCHED = "watched"
    TESTED = "tested on"
    UNUSED = "never used"


@record
@dataclass(frozen=True, kw_only=True)
class OwnScore:
    """A network's score, by the data set's labels, on so many rows of these kinds.

    ``deviation`` is its standard error over the rows. ``is_random``: these rows, and those that were
    trained on, look drawn at random from the data set's.
    """

    kinds: tuple[RowKind, ...]
    rows: int
    score: float
    deviation: float = 0.0
    is_random: bool = False


@record
@dataclass(frozen=True, kw_only=True)
class OwnResult:
    """How a network did as the student had trained it: a claim of the student's process, which passes nobody.

    ``metric`` is the task's. ``scores`` has each kind of rows that there are. ``unseen`` is the score on rows that were
    neither trained on nor watched; where there are too few of those, watched rows are among them. ``note``: why
    there are no scores.
    """

    model: int
    cell: int
    metric: str
    scores: tuple[OwnScore, ...] = ()
    unseen: OwnScore | None = None
    note: str = ""

    @property
    def trained(self) -> OwnScore | None:
        """The score on the rows that it was trained on."""
        return next((score for score in self.scores if score.kinds == (RowKind.TRAINED,)), None)


@record
@dataclass(frozen=True)
class Selection:
    """Which model is the answer, why, and why the others are not."""

    chosen: int | None
    reason: str
    rejected: tuple[Rejected, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that was observed about a submission. A report is a function of this and the assignment.

    ``replayed``: why the student's own code trained the answer again, instead of the clean guest; "" where it did not.
    ``replay``: what else is to be said of how that went, as sentences; ``replay_cells``: the cells that it ran, where
    these were not all. ``further``: the guest's job for further seeds, which the first ones
    made necessary, with their runs among ``runs``.
    ``cut_short``: what ended the run of the student's file before its last cell, as a sentence; "" where nothing did.
    ``ended_in``: the cell that the run came to last. ``as_trained`` is what the networks gave in the student's run, and
    ``own_results`` what the host makes of it. ``kept``: the arrays of that run, by which any network of the file can be
    made the answer without running it again.
    """

    submission: Submission
    environment: Environment | None
    execution: Execution
    cells: tuple[CellResult, ...]
    models: tuple[ModelCapture, ...]
    failures: tuple[Failure, ...]
    selection: Selection
    tracing: Tracing | None
    recipe: Recipe | None
    seeds: tuple[int, ...]
    retraining: Execution | None
    runs: tuple[TrainingRun, ...]
    adaptations: tuple[Adaptation, ...] = ()
    replayed: str = ""
    replay: str = ""
    replay_cells: tuple[int, ...] = ()
    further: Execution | None = None
    cut_short: str = ""
    ended_in: int | None = None
    as_trained: tuple[AsTrained, ...] = ()
    own_results: tuple[OwnResult, ...] = ()
    kept: tuple[ArrayRef, ...] = ()

    @property
    def answer(self) -> ModelCapture | None:
        """The chosen model, or None."""
        return next((m for m in self.models if m.id == self.selection.chosen), None)
