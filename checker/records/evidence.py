"""The evidence about one submission."""

from collections.abc import Sequence
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
    """The use of rows in a network's own run: trained on, watched during training, tested on, or never fed to it."""

    TRAINED = "trained on"
    WATCHED = "watched"
    TESTED = "tested on"
    UNUSED = "never used"


@record
@dataclass(frozen=True, kw_only=True)
class OwnScore:
    """A network's score, by the data set's labels, on ``rows`` rows of these kinds.

    ``deviation`` is its standard error over the rows. ``is_random``: these rows, and the training rows, look drawn at
    random from the data set.
    """

    kinds: tuple[RowKind, ...]
    rows: int
    score: float
    deviation: float = 0.0
    is_random: bool = False


@record
@dataclass(frozen=True, kw_only=True)
class OwnResult:
    """A network's scores as the student had trained it: a claim of the student's process, which never leads to a PASS.

    ``metric`` is the task's. ``scores`` has one score for each kind of rows. ``unseen`` is the score on rows that were
    neither trained on nor watched; if there are too few, watched rows are included. ``note``: why there are no scores.
    """

    model: int
    cell: int
    metric: str
    scores: tuple[OwnScore, ...] = ()
    unseen: OwnScore | None = None
    note: str = ""

    @property
    def trained(self) -> OwnScore | None:
        """The score on its training rows; None if there is none."""
        return next((score for score in self.scores if score.kinds == (RowKind.TRAINED,)), None)


def own_result_of(model: int, own_results: Sequence[OwnResult]) -> OwnResult | None:
    """Return the own result of the network with this id; None if there is none."""
    return next((own for own in own_results if own.model == model), None)


@record
@dataclass(frozen=True)
class Selection:
    """The model that is the answer, the reason, and why the others are not."""

    chosen: int | None
    reason: str
    rejected: tuple[Rejected, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All evidence about a submission. A report is a function of this and the assignment.

    ``replayed``: why the student's own code retrained the answer, instead of the clean guest; "" if it did not.
    ``replay``: sentences on how the replay went. ``replay_cells``: the cells of the replay; () for all cells.
    ``further``: the guest's job for further seeds, if the first ones could not decide; their runs are in ``runs``.
    ``cut_short``: the reason why the run of the student's file ended before its last cell, as a sentence; "" if it did
    not. ``ended_in``: the last cell that the run reached. ``begun``: that cell, if the run ended before the cell did.
    ``as_trained``: the networks' answers in the student's run. ``own_results``: the host's scores of these. ``kept``:
    the arrays of that run that let any network of the file become the answer without another run.
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
    begun: CellResult | None = None
    as_trained: tuple[AsTrained, ...] = ()
    own_results: tuple[OwnResult, ...] = ()
    kept: tuple[ArrayRef, ...] = ()

    @property
    def answer(self) -> ModelCapture | None:
        """The chosen model, or None."""
        return next((m for m in self.models if m.id == self.selection.chosen), None)
