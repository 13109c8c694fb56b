"""What a report says."""

from dataclasses import dataclass, field
from enum import StrEnum

from checker.records.assignment import DatasetNote
from checker.records.capture import Adaptation, CellResult, Environment, ModelCapture
from checker.records.codec import record
from checker.records.comparison import Agreed, Comparison
from checker.records.evidence import OwnResult, Selection
from checker.records.job import Execution
from checker.records.network import Architecture, Recipe
from checker.records.submission import Identity, Submission, Timeliness
from checker.records.tracing import Tracing
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, RuleResult, Verdict


class Symptom(StrEnum):
    """What a training may show."""

    DIVERGED = "diverged"
    UNDERFITS = "underfits"
    OVERFITS = "overfits"
    IMPROVING = "still improving"
    NEVER_PREDICTED = "class never predicted"
    STOPPED_EARLY = "stopped early"


class CauseKind(StrEnum):
    """What may lead a report, and everything else follow from it; the first there is leads."""

    FILE_CUT = "file cut short"
    LABELS = "other labels"
    LEAK = "target among the inputs"
    TRAINING_CUT = "training cut short"
    CELL_FAILED = "cell failed"
    ROWS = "rows left out"
    LINEAR = "linear network"
    UNSCALED = "inputs not scaled"


class Topic(StrEnum):
    """What a question of the ticking session is about, in the order in which a solution is walked through."""

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
    """A part of a report's page that a question points to; the value is its anchor there."""

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
    """Something that the trainings show, as a sentence with its figures."""

    symptom: Symptom
    sentence: str


@record
@dataclass(frozen=True)
class Cause:
    """What else that was found follows from, as a sentence, and what to do about it."""

    kind: CauseKind
    sentence: str
    help: str


@record
@dataclass(frozen=True, kw_only=True)
class Claim:
    """A value of a metric that an output of the student's own cells states, beside the mean that was measured.

    ``saved``: the output came with the file; else the cell printed it here. ``sentence``: what is to be said of it; ""
    where the two are not clearly different.
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
    """Something to ask in the ticking session, what a good answer has in it, and the cell or figure it is about."""

    topic: Topic
    ask: str
    good: str
    cell: int | None
    figure: Figure | None


@record
@dataclass(frozen=True)
class StudentCell:
    """A cell of the submission; ``is_new`` where its source is not in the hand-out."""

    cell: CellResult
    is_new: bool


@record
@dataclass(frozen=True, kw_only=True)
class Report:
    """All that is said of a submission. ``cut_short``: what was ended before its end, the student's file or a training
    of the answer, as a sentence; "" where nothing was. ``replay``: of a replay, for how many seeds it ran and why, as
    sentences. ``cause``: what leads, and has silenced what only follows from
    it in ``rules``, ``observations`` and ``questions``."""

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

    @property
    def own_result(self) -> OwnResult | None:
        """How the answer did as the student had trained it."""
        return next((own for own in self.own_results if self.answer and own.model == self.answer.id), None)


@record
@dataclass(frozen=True)
class Finding:
    """Something about this machine: what, how it stands, and what to do where it is not well."""

    what: str
    state: str
    is_well: bool
    help: str = ""


@record
@dataclass(frozen=True)
class Unfinished:
    """A submission without a verdict because the harness failed on it; the next batch tries again.

    ``is_usage``: it was asked for something that is not there, which is nobody's failure.
    """

    submission: str
    message: str
    identity: Identity = field(default_factory=Identity)
    is_usage: bool = False
