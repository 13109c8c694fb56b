"""A report and its parts."""

from dataclasses import dataclass, field
from enum import StrEnum

from checker.records.assignment import DatasetNote
from checker.records.capture import Adaptation, CellResult, Environment, ModelCapture
from checker.records.codec import record
from checker.records.comparison import Agreed, Comparison
from checker.records.evidence import OwnResult, Selection, own_result_of
from checker.records.job import Execution
from checker.records.network import Architecture, Recipe
from checker.records.submission import Identity, Submission, Timeliness
from checker.records.tracing import Tracing
from checker.records.training import TrainingRun
from checker.records.variants import Direction
from checker.records.verdicts import Failure, RuleResult, Verdict


class Symptom(StrEnum):
    """Symptoms of a training."""

    DIVERGED = "diverged"
    UNDERFITS = "underfits"
    OVERFITS = "overfits"
    IMPROVING = "still improving"
    NEVER_PREDICTED = "class never predicted"
    STOPPED_EARLY = "stopped early"


class CauseKind(StrEnum):
    """Causes that may lead a report, because the other findings follow from them; the first that applies leads."""

    FILE_CUT = "file cut short"
    LABELS = "other labels"
    LEAK = "target among the inputs"
    TRAINING_CUT = "training cut short"
    CELL_FAILED = "cell failed"
    ROWS = "rows left out"
    LINEAR = "linear network"
    UNSCALED = "inputs not scaled"


class Topic(StrEnum):
    """Topics of questions in the ticking session, in the order of a walk through a solution."""

    TROUBLE = "what went wrong"
    DATA = "the data"
    NETWORK = "the network"
    OUTPUT = "the output"
    LOSS = "the loss"
    OPTIMISER = "the optimiser"
    FITTING = "over- and underfitting"
    EVALUATION = "the evaluation"
    RANDOMNESS = "randomness"
    TOOLS = "TensorFlow and its tools"


class Figure(StrEnum):
    """A part of a report's page that a question refers to; the value is its anchor."""

    FAILURES = "failures"
    SCORES = "by-seed"
    FIELD = "field"
    CURVES = "curves"
    CONFUSION = "confusion"
    RESIDUALS = "residuals"
    FEATURES = "features"
    CHOICE = "choice"


@record
@dataclass(frozen=True)
class Observation:
    """A symptom of the trainings, as a sentence with its figures."""

    symptom: Symptom
    sentence: str


@record
@dataclass(frozen=True)
class Cause:
    """The cause of other findings, as a sentence, and what to do about it."""

    kind: CauseKind
    sentence: str
    help: str


@record
@dataclass(frozen=True, kw_only=True)
class Claim:
    """A value of a metric in the outputs of the student's cells, beside the measured mean.

    ``saved``: the output came with the file; else the cell printed it here. ``sentence``: a comment on the difference;
    "" if the two are not clearly different.
    """

    cell: int
    metric: str
    stated: float
    measured: float
    saved: bool
    sentence: str = ""
    unit: str = "$1"


@record
@dataclass(frozen=True, kw_only=True)
class Question:
    """A question for the ticking session, the points of a good answer, and the cell or figure that it is about."""

    topic: Topic
    ask: str
    good: str
    cell: int | None
    figure: Figure | None


@record
@dataclass(frozen=True)
class StudentCell:
    """A cell of the submission. ``is_new``: its source is not in the hand-out."""

    cell: CellResult
    is_new: bool


@record
@dataclass(frozen=True, kw_only=True)
class Report:
    """The report on a submission.

    ``cut_short``: a sentence on the student's file or a training that was ended early; "" if none was. ``replay``:
    sentences on a replay, its number of seeds and the reason for it. ``cause``: leads the report; its consequences are
    left out of ``rules``, ``observations`` and ``questions``. ``direction``: the change that helps a submission below
    the bar, if changes were tried. ``class_rows``: the number of the data's rows of each class. ``bar_on_all_rows``:
    the bar of a network with inputs for all rows, trained from the first seeds; None if the reference has no score.
    """

    schema: int
    submission: Submission
    assignment: str
    title: str
    metric: str
    classes: tuple[str, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    failures: tuple[Failure, ...]
    rules: tuple[RuleResult, ...]
    comparison: Comparison | None
    selection: Selection
    tracing: Tracing | None
    recipe: Recipe | None
    answer: ModelCapture | None
    reference_architecture: Architecture | None
    reference_recipe: Recipe | None
    runs: tuple[TrainingRun, ...]
    cells: tuple[StudentCell, ...]
    environment: Environment | None
    adaptations: tuple[Adaptation, ...]
    replayed: str
    execution: Execution
    retraining: Execution | None
    dataset: DatasetNote
    reproduce: str
    replay: str = ""
    observations: tuple[Observation, ...] = ()
    claim: Claim | None = None
    questions: tuple[Question, ...] = ()
    timeliness: Timeliness | None = None
    unit: str = "$1"
    further: Execution | None = None
    own_results: tuple[OwnResult, ...] = ()
    cut_short: str = ""
    cause: Cause | None = None
    agreed: Agreed | None = None
    direction: Direction | None = None
    class_rows: tuple[int, ...] = ()
    bar_on_all_rows: float | None = None

    @property
    def own_result(self) -> OwnResult | None:
        """The answer's scores as the student had trained it; None if there are none."""
        return own_result_of(self.answer.id, self.own_results) if self.answer else None


@record
@dataclass(frozen=True)
class Finding:
    """A finding about this machine: the subject, its state, and what to do if it is not well."""

    what: str
    state: str
    is_well: bool
    help: str = ""


@record
@dataclass(frozen=True)
class Unfinished:
    """A submission without a verdict because the harness failed on it; the next batch tries again.

    ``is_usage``: the command asked for something that does not exist, so neither side failed.
    """

    submission: str
    message: str
    identity: Identity = field(default_factory=Identity)
    is_usage: bool = False


@record
@dataclass(frozen=True)
class UnderWay:
    """A submission that waits or runs while the index is written. ``stage``: its stage in words, "" if it waits."""

    submission: str
    stage: str = ""
