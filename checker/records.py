"""The frozen records that flow through the checker, and their enums.

Theory of operation: a record is a frozen dataclass of plain values. It crosses every border (host to
guest, guest to host, memory to disk, program to ``results.json``) as JSON, written by ``to_json`` and read
by ``from_json``, strictly: a wrong type or an unknown key is refused. Arrays never travel inside a record;
an ``ArrayRef`` names them by content hash and they travel beside it.

The records stand in the order of the journey: the assignment, what was handed in, what the first guest saw,
what was chosen and traced, what the second guest trained, how that compares, what the rules say, the report.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from pydantic import AwareDatetime, ConfigDict, JsonValue, TypeAdapter, ValidationError, with_config

from checker.errors import EvidenceError

SCHEMA_VERSION = 6
"""Version of everything that is written to disk as JSON; raised when a reader must change."""

GIVEN_AWAY, MOST_EXPLAINED = 0.98, 0.95
"""How well a single column tells a class, and how much it explains of a number, where it gives the target away."""

NO_CLASS = 255
"""The class number of a row for which a network's outputs are no numbers."""

R = TypeVar("R")

record = with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    REFER = "REFER"


class Outcome(StrEnum):
    """What a rule came to. Who is SKIPPED says of itself that it does not apply; what is UNKNOWN could not be looked at
    for want of evidence; an ERROR is the rule's own."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"
    UNKNOWN = "unknown"


class Importance(StrEnum):
    REQUIRED = "required"
    ADVISORY = "advisory"


class Stage(StrEnum):
    """Where on its journey a submission was."""

    READING = "reading"
    EXECUTING = "executing"
    SELECTING = "selecting"
    TRACING = "tracing"
    RETRAINING = "retraining"
    JUDGING = "judging"


class Ending(StrEnum):
    """How a guest's job ended, seen from outside. ``WALL_CLOCK``: it had taken less of its own time than it may, yet
    ten times that by the clock."""

    FINISHED = "finished"
    CRASHED = "crashed"
    TIME = "time"
    WALL_CLOCK = "wall clock"
    MEMORY = "memory"
    OUTPUT = "output"
    PROCESSES = "processes"
    NONSENSE = "nonsense"


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


class Likeness(StrEnum):
    """How held-out rows without inputs are to the others, and so how they count: ``FEW`` and ``ALIKE`` are left out for
    everyone, ``UNLIKE`` are counted as wrong where it is about a PASS, and of ``UNKNOWN`` a person decides."""

    FEW = "too few to matter"
    ALIKE = "like the others"
    UNLIKE = "not like the others"
    UNKNOWN = "not known"


class Decider(StrEnum):
    """What tells on which side of the bar a network is: how far off the mean lies, or that every seed lies there."""

    MEAN = "the mean"
    EACH_SEED = "each seed"


class FeatureSource(StrEnum):
    """Where the features of the retraining come from: from rows of the data set, or it is not known."""

    TRACED = "traced"
    NOWHERE = "nowhere"


class ScalerKind(StrEnum):
    """How a column was scaled: two figures of some rows' values were brought to 0 and 1."""

    STANDARD = "mean and deviation"
    RANGE = "least value and range"
    SYMMETRIC = "middle of the range and half of it"
    ROBUST = "median and quartile range"
    MAX_ABS = "greatest size"


class FittedOn(StrEnum):
    """The student's rows whose figures a scaler was fitted on."""

    TRAINED = "trained"
    WATCHED_TOO = "trained and watched"
    ALL = "all"


# -- the assignment ------------------------------------------------------------------------------------


@record
@dataclass(frozen=True)
class Limits:
    """What a guest may use before it is ended. ``seconds`` are its own: what it has of processors, and what it does not
    want of them; a clock stands behind them, which allows ten times as much."""

    seconds: float
    memory_mib: int
    output_mib: int


@record
@dataclass(frozen=True)
class Caps:
    """Training is capped in optimiser steps, never in seconds, so that a slow machine changes no verdict."""

    fit_steps: int
    notebook_steps: int
    retrain_steps: int
    parameters: int


@record
@dataclass(frozen=True)
class DataSource:
    """The CSV the assignment is about: where it is published, how to know it, what its columns mean.

    ``features`` are the columns of numbers. ``classes`` are the values of the target, in the order of their numbers; a
    regression's target has none. ``file`` is what students call the CSV, and its name where it lies in the assignment's
    folder; ``url`` is "" where it is published nowhere else.
    """

    sha256: str
    target: str
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    url: str = ""
    file: str = "housing.csv"

    @property
    def is_regression(self) -> bool:
        """The target is a number."""
        return not self.classes

    @property
    def outputs(self) -> int:
        """How many outputs a network for the task has: one for each class, or one for a number."""
        return len(self.classes) or 1


@record
@dataclass(frozen=True)
class SplitPlan:
    """Fractions of all rows that are held out, and that serve as development data."""

    test: float
    development: float


@record
@dataclass(frozen=True)
class Seeds:
    """``further`` are trained where those of ``grading`` cannot decide; both are empty in what students are given."""

    self_check: tuple[int, ...]
    grading: tuple[int, ...] = ()
    further: tuple[int, ...] = ()


@record
@dataclass(frozen=True)
class Bar:
    """A submission passes within ``tolerance`` of the reference's mean, and where it is better than the baseline.

    ``level``: how often, at most, a network just at the bar may be passed, and how often it may be failed, by chance.
    ``share``: however large the tolerance is, the bar lies no farther than this share of the way from the
    reference to the baseline; None where the tolerance alone decides. ``unit``: the smallest amount in which
    errors of a regression are written, "$1" or "0.01 kg".
    """

    metric: str
    tolerance: float
    baseline: str
    share: float | None = None
    level: float = 0.1
    unit: str = "$1"


@record
@dataclass(frozen=True)
class RuleSeverities:
    """Rules, by name, whose weight is another than the one they are marked with; those of ``off`` are not run."""

    required: tuple[str, ...] = ()
    advisory: tuple[str, ...] = ()
    off: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """All names, in order."""
        return (*self.required, *self.advisory, *self.off)


@record
@dataclass(frozen=True)
class Assignment:
    """``answer``: the variable in which students are told to keep their network; "" where they are not. ``deadline``:
    by when it is to be handed in; None where nobody says.
    """

    id: str
    title: str
    task: str
    keras: str
    data: DataSource
    splits: SplitPlan
    seeds: Seeds
    bar: Bar
    caps: Caps
    execute: Limits
    retrain: Limits
    folder: str
    answer: str = ""
    default: bool = False
    deadline: AwareDatetime | None = None
    rules: RuleSeverities = RuleSeverities()


# -- what was handed in --------------------------------------------------------------------------------


class Platform(StrEnum):
    """What an upload was downloaded from, as its names tell."""

    NONE = ""
    MOODLE = "Moodle"
    CANVAS = "Canvas"
    GRADESCOPE = "Gradescope"
    NBGRADER = "nbgrader"


@record
@dataclass(frozen=True)
class Identity:
    """Who handed a submission in, as far as the upload tells; "" where it does not. All of it is hostile text.

    ``number``: how the platform knows them: Moodle's participant number (of a team its group's), Canvas's user,
    Gradescope's submission, nbgrader's student. ``submitted_at`` is as the platform wrote it. ``assignment``: what
    nbgrader calls it.
    """

    platform: Platform = Platform.NONE
    number: str = ""
    name: str = ""
    email: str = ""
    submitted_at: str = ""
    is_late: bool = False
    assignment: str = ""


@record
@dataclass(frozen=True)
class Companion:
    """A file that was handed in beside the one that is checked. ``name``: its path in the student's own folder, with
    slashes: hostile text. ``left_out``: why it does not lie in the box; then ``sha256`` is "". ``path`` and ``member``
    are those of a submission; where it is stored, both are ""."""

    name: str
    size: int
    sha256: str = ""
    left_out: str = ""
    path: str = ""
    member: str = ""


@record
@dataclass(frozen=True)
class Submission:
    """One student's file. ``name`` is as the student's folder or file is called: hostile text.

    ``others``: the student's next files, which are tried where this one holds no answer.

    ``member``: the file's name in the zip at ``path``; "" where the file lies there itself. ``failure``: why there is
    nothing to run, and then ``sha256`` is "". ``changed``: the file's own time in the zip, by a clock in no known zone;
    "" where it tells nothing. ``folder``: where in the student's own folder the file lies, with slashes; ``companions``
    lie in that folder too, and ``unlisted`` more of them, which are left out.
    """

    name: str
    path: str
    is_notebook: bool
    sha256: str
    note: str = ""
    member: str = ""
    identity: Identity = Identity()
    failure: "Failure | None" = None
    changed: str = ""
    others: tuple["Submission", ...] = ()
    folder: str = ""
    companions: tuple[Companion, ...] = ()
    unlisted: int = 0

    @property
    def beside(self) -> tuple[Companion, ...]:
        """The companions that lie in the box."""
        return tuple(companion for companion in self.companions if not companion.left_out)


# -- jobs for guests -----------------------------------------------------------------------------------


@record
@dataclass(frozen=True)
class ReplayPlan:
    """Which model is trained on the checker's rows while a file runs again: that of this ``rank`` among those first
    seen in its ``cell``, in so many calls of ``fit`` on at least ``enough`` rows each. ``batch_size`` counts where the
    student's rows came in batches of their own. ``cells``: those that run; all where there is none.
    """

    cell: int
    rank: int
    fits: int
    enough: int
    outputs: int
    labels: Labels
    batch_size: int
    seed: int = 0
    cells: tuple[int, ...] = ()


@record
@dataclass(frozen=True)
class ExecuteJob:
    """Run a notebook or module from top to bottom. Its bytes, the data set's, and those of its companions travel beside
    the job, and for a replay one seed's five arrays, as in a ``RetrainJob``.

    ``keras``: the generation, "2" or "3", with the reason for it; or "auto", and the guest looks at the code.
    ``exact``: ``fit`` is left as it is, and nothing speeds it up. ``file``: what the data set's file is called.
    ``folder``: where in the student's own folder the file lies, whose other files are called ``companions``.
    """

    is_notebook: bool
    keras: str
    reason: str
    caps: Caps
    classes: tuple[str, ...]
    replay: ReplayPlan | None = None
    exact: bool = False
    file: str = "housing.csv"
    folder: str = ""
    companions: tuple[str, ...] = ()


@record
@dataclass(frozen=True)
class ArrayRef:
    """An array that travels beside the record: sha256 of its npy bytes, shape and dtype."""

    sha256: str
    shape: tuple[int, ...]
    dtype: str


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
@dataclass(frozen=True)
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
@dataclass(frozen=True)
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


@record
@dataclass(frozen=True)
class RetrainJob:
    """Rebuild and train a model once for each seed; five arrays for each seed travel beside the job.

    The order beside the job is, for each seed: training features and labels, development features and
    labels (zero rows where none is watched), held-out features. Held-out labels are not among them.
    ``parameters``: the most weights that the rebuilt network may have.
    """

    keras: str
    architecture: Architecture
    recipe: Recipe
    classes: tuple[str, ...]
    parameters: int
    seeds: tuple[int, ...]


# -- what guests say -----------------------------------------------------------------------------------


@record
@dataclass(frozen=True)
class Progress:
    """For the progress bar: step ``at`` of ``of`` (cells, or seeds)."""

    at: int
    of: int


@record
@dataclass(frozen=True)
class Environment:
    """Versions of what ran in the guest, and which Keras generation was used and why."""

    versions: Mapping[str, str]
    keras: str
    reason: str


@record
@dataclass(frozen=True)
class CellOutput:
    """What a cell showed: ``text``, or a ``png`` as base64. Hostile text; HTML is never kept."""

    kind: str
    content: str


@record
@dataclass(frozen=True)
class CellError:
    name: str
    message: str
    traceback: str


@record
@dataclass(frozen=True)
class CellResult:
    """A code cell after it ran. ``index`` counts all cells from 1, as a reader of the notebook would.

    ``saved``: the end of the text that the file had under the cell when it was handed in.
    """

    index: int
    source: str
    outputs: tuple[CellOutput, ...]
    error: CellError | None
    seconds: float
    tags: tuple[str, ...] = ()
    saved: str = ""


WHOLE_FILE = 0
"""The cell of what concerns no cell alone."""


@record
@dataclass(frozen=True)
class Adaptation:
    """A small help, without a change of meaning, that let a cell run here; or what it had to do without."""

    cell: int
    what: str


@record
@dataclass(frozen=True)
class Fed:
    """Data a model was given: rows, and references to the arrays or a word on why they could not be kept.

    ``index`` (n,): the numbers that pandas calls the rows by, which claim where in the file they stand.
    """

    rows: int
    x: ArrayRef | None = None
    y: ArrayRef | None = None
    note: str = ""
    index: ArrayRef | None = None


MAX_EPOCHS = 5_000
"""Epochs of a stretch of training of which figures are kept."""


@record
@dataclass(frozen=True)
class Fit:
    """A stretch of the student's own training, as asked for and as done under the caps."""

    cell: int
    how: str
    phase: Phase | None
    unrebuildable: str
    epochs_asked: int
    epochs_done: int
    steps_done: int
    finished: bool
    training: Fed
    development: Development
    validation: Fed | None
    history: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    calls: int = 1


@record
@dataclass(frozen=True)
class Use:
    """A model being evaluated or used to predict."""

    cell: int
    how: str
    fed: Fed


@record
@dataclass(frozen=True)
class ModelCapture:
    """A Keras model the student made. ``architecture`` is None where ``unrebuildable`` says why. ``rank``: how many
    models were first seen before it in its cell.

    ``origin``: where its weights come from, where that is neither its initialisers nor training that was seen; else "".
    ``made_in``: the companion and line that made it, as ``model.py, line 12``; "" where a cell itself did.
    """

    id: int
    name: str
    variable: str
    class_name: str
    cell: int
    input_width: int | None
    output_width: int | None
    parameters: int
    architecture: Architecture | None
    unrebuildable: str
    fits: tuple[Fit, ...] = ()
    uses: tuple[Use, ...] = ()
    origin: str = ""
    made_in: str = ""
    rank: int = 0


@record
@dataclass(frozen=True)
class TableOutputs:
    """What a network gave for a table of inputs, named by its hash: class numbers (n,), uint8, or values (n,), float32.

    The class number is ``NO_CLASS`` where an output is no number.
    """

    table: str
    outputs: ArrayRef


@record
@dataclass(frozen=True)
class AsTrained:
    """What a network gave in inference mode, as the student had trained it, for each table of its width.

    It was computed in the student's process, so it is a claim. ``cell``: after which cell. ``note``: why there are no
    outputs.
    """

    model: int
    cell: int
    outputs: tuple[TableOutputs, ...] = ()
    note: str = ""


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
@dataclass(frozen=True)
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


@record
@dataclass(frozen=True)
class Failure:
    """Something that stopped the journey, in words for the student, and the verdict that it leads to.

    ``diverged``: how many of the trainings by seed gave no numbers, where this is the failure.
    """

    stage: Stage
    rationale: str
    help: str
    detail: str = ""
    cell: int | None = None
    verdict: Verdict = Verdict.FAIL
    diverged: int = 0


Message = Progress | Environment | CellResult | Adaptation | ModelCapture | AsTrained | TrainingRun | Failure
"""Everything a guest may say; ``frames`` carries it, ``evidence`` collects it."""


# -- evidence ------------------------------------------------------------------------------------------


@record
@dataclass(frozen=True)
class Execution:
    """A guest's job as seen from outside. ``output_tail``: the last of what it wrote to stderr. ``counted_seconds``:
    its own, which its limit is about."""

    ending: Ending
    exit_code: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mib: float
    output_tail: str
    sandbox: str
    counted_seconds: float = 0.0


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
@dataclass(frozen=True)
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
@dataclass(frozen=True)
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
@dataclass(frozen=True)
class Scaler:
    """What scaled a column. What was fitted on the training rows is fitted anew on the training rows of each seed."""

    kind: ScalerKind
    fitted_on: FittedOn


@record
@dataclass(frozen=True)
class Column:
    """One of the student's feature columns.

    ``source`` names the data set's column whose image it is, affine or monotone ("" if none). Means and deviations are
    over the rows of the training array and over all rows that were seen. ``label_purity`` is how well this
    column alone tells the label: some class from the rest (F1 of the best class), or a number (share of its
    variance); 1.0 gives the label away. ``formula``: how each row's value is computed from the data set's columns, in
    words, but for scale and shift; "" where it is known only for the rows that the student fed. ``has_target``: the
    target is in that formula. ``scaler``: None where none is recognised.
    """

    source: str
    train_mean: float
    train_deviation: float
    train_low: float
    train_high: float
    all_mean: float
    all_deviation: float
    all_low: float
    all_high: float
    label_purity: float
    formula: str = ""
    has_target: bool = False
    scaler: Scaler | None = None

    def gives_away(self, is_regression: bool) -> bool:
        """Tell whether this column alone gives the target away."""
        return self.has_target or self.label_purity >= (MOST_EXPLAINED if is_regression else GIVEN_AWAY)


@record
@dataclass(frozen=True)
class SeenRows:
    """A set of rows the answer was tested on: how many, and how many of them it had been trained on."""

    cell: int
    how: str
    rows: int
    trained_on: int


@record
@dataclass(frozen=True)
class TargetScale:
    """A student's targets of a regression: ``factor * t + offset``, or of ``log(t + shift)`` where there is a shift.

    ``t`` is the data set's number. Both constants are fitted by least squares.
    """

    factor: float
    offset: float
    shift: float | None = None


FEW_LEFT_OUT = 100
"""Rows that may be left out of a training without a word."""

OTHER_LABELS = 0.005
"""The share of training rows whose labels may be others than the data's, by a slip."""


@record
@dataclass(frozen=True)
class Tracing:
    """Which rows of the data set the student's arrays hold, found from the numbers themselves.

    ``rows`` (n,) are the rows of the data set whose inputs are known, as the student scaled them: ``features`` (n, d),
    float32. ``trainable`` (m,) are those of them that are trained on: without the rows that the student left out by
    choice: ``left_out_rows`` of them, which ``left_out`` names in words. ``all_rows`` were fed by the student.
    ``target``: of a regression, how the student's targets come from the data set's; None where they do not. Of
    ``labels_compared`` matched training rows ``labels_differ`` have another label than the data set's, which look like
    what ``labels_look`` says, in words.
    """

    source: FeatureSource
    reason: str
    columns: tuple[Column, ...] = ()
    training_rows: int = 0
    development_rows: int = 0
    all_rows: int = 0
    labels_differ: int = 0
    seen: tuple[SeenRows, ...] = ()
    rows: ArrayRef | None = None
    features: ArrayRef | None = None
    trainable: ArrayRef | None = None
    left_out: str = ""
    left_out_rows: int = 0
    target: TargetScale | None = None
    labels_compared: int = 0
    labels_look: str = ""

    @property
    def has_other_labels(self) -> bool:
        """More labels are not the data's than a few slips explain."""
        return self.labels_compared > 0 and self.labels_differ > OTHER_LABELS * self.labels_compared

    @property
    def has_left_out_rows(self) -> bool:
        """More rows were left out by choice than a few outliers."""
        return self.left_out_rows > FEW_LEFT_OUT

    @property
    def labels_in_words(self) -> str:
        """How many labels are not the data's, and what they look like."""
        share = self.labels_differ / max(self.labels_compared, 1)
        look = f" They look {self.labels_look}." if self.labels_look else ""
        count = f"{self.labels_differ:,} of {self.labels_compared:,} rows ({share:.1%})"
        return f"{count} were trained on with another label than the data has for them.{look}"


@record
@dataclass(frozen=True)
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


# -- judgement -----------------------------------------------------------------------------------------


@record
@dataclass(frozen=True)
class SeedScore:
    seed: int
    score: float
    reference: float
    baseline: float


@record
@dataclass(frozen=True)
class Measurement:
    """One metric of the submission, over all seeds; ``unit`` is the bar's."""

    metric: str
    mean: float
    spread: float
    unit: str = "$1"


@record
@dataclass(frozen=True)
class Agreement:
    """The answer's score as the student had trained it, on so many rows of a kind, beside the mean and the spread of
    its scores trained again, on their own such rows. It ``differs`` where both cannot come from one recipe; by chance
    they are up to ``margin`` apart."""

    kind: RowKind
    rows: int
    own: float
    again: float
    spread: float
    margin: float
    differs: bool


@record
@dataclass(frozen=True)
class LossCurves:
    """The training loss of the first epoch and the lowest of the first ``epochs``, in the student's own run, and on the
    geometric mean of the trainings by seed. ``differs``: both curves cannot come from one training."""

    epochs: int
    own_first: float
    own_lowest: float
    again_first: float
    again_lowest: float
    differs: bool


@record
@dataclass(frozen=True)
class Agreed:
    """What was compared of the student's own run and the retraining; ``note`` says why no scores were, and ``cause``
    what a disagreement most likely comes from, as a sentence. ``impossible``: what the run says of its training and
    cannot have been, as a sentence; else ""."""

    compared: tuple[Agreement, ...] = ()
    note: str = ""
    cause: str = ""
    curves: LossCurves | None = None
    impossible: str = ""

    @property
    def disagreement(self) -> Agreement | None:
        """The first comparison of scores that differs."""
        return next((one for one in self.compared if one.differs), None)

    @property
    def differs(self) -> bool:
        """Tell whether anything says that what is trained again is not what the student trained."""
        return bool(self.impossible or self.disagreement or (self.curves and self.curves.differs))


@record
@dataclass(frozen=True)
class Baseline:
    """A traditional model, by its name in words, and what it reaches on the same splits."""

    name: str
    mean: float
    spread: float


@record
@dataclass(frozen=True)
class BaselineScores:
    """What traditional models reach on one data set, by the names that assignments give them and in order of seeds.

    ``outputs``: what they give for each held-out row, packed (``outputs.py``).
    """

    scores: Mapping[str, tuple[float, ...]]
    outputs: Mapping[str, tuple[str, ...]]


@record
@dataclass(frozen=True)
class Standing:
    """Where a mean lies: beside the reference's and the baseline's on the same rows, and the bar that these give.

    ``band``: how far off the bar the mean must lie for the seeds to tell on which side it is. ``unanimous``: they tell
    it by another way, as each of them lies on the same side of its own bar, the reference's score less the tolerance.
    """

    mean: float
    reference_mean: float
    baseline_mean: float
    bar: float
    band: float
    higher_is_better: bool
    unanimous: bool = False

    @property
    def beats_baseline(self) -> bool:
        """Mean better than the baseline's."""
        return self.mean > self.baseline_mean if self.higher_is_better else self.mean < self.baseline_mean

    @property
    def reaches_bar(self) -> bool:
        """Mean at the bar or better, and better than the baseline's."""
        at_bar = self.mean >= self.bar if self.higher_is_better else self.mean <= self.bar
        return at_bar and self.beats_baseline

    @property
    def is_borderline(self) -> bool:
        """Neither "worse than the bar" nor "at the bar or better" can be rejected."""
        return self.decided_by is None

    @property
    def decided_by(self) -> Decider | None:
        """Which test tells the side of the bar: that of the mean, else that of each seed; None where neither does."""
        if abs(self.mean - self.bar) >= self.band:
            return Decider.MEAN
        return Decider.EACH_SEED if self.unanimous else None

    @property
    def passes(self) -> bool:
        """At the bar or better, beyond doubt."""
        return self.reaches_bar and not self.is_borderline

    @property
    def fails(self) -> bool:
        """Worse than the bar, beyond doubt."""
        return not self.reaches_bar and not self.is_borderline


@record
@dataclass(frozen=True)
class MissingGroup:
    """Rows of a class, or of a band of the target: of ``rows`` so many are missing. ``name`` has the word "rows"."""

    name: str
    missing: int
    rows: int

    @property
    def in_words(self) -> str:
        """How many of them are missing: "5 of 5 ISLAND rows"."""
        return f"{self.missing:,} of {self.rows:,} {self.name}"


@record
@dataclass(frozen=True)
class MissingRows:
    """Of ``rows`` that some seed holds out, ``missing`` have no inputs: the submission never fed them to its network.

    Of those that are not like the others, ``groups`` are the classes, or bands of the target, of which more are missing
    than of all rows, where this is beyond chance; ``reference_missing`` and ``reference_known`` are the shares of
    missing and of other rows that the reference gets right, or its RMSE on them; and ``strict`` is where the mean lies
    if they count as wrong. The comparison itself leaves them out.
    """

    likeness: Likeness
    missing: int
    rows: int
    groups: tuple[MissingGroup, ...] = ()
    reference_missing: float | None = None
    reference_known: float | None = None
    strict: Standing | None = None

    @property
    def is_left_out(self) -> bool:
        """They count for nobody, whatever the verdict."""
        return self.likeness in (Likeness.FEW, Likeness.ALIKE)

    @property
    def in_words(self) -> str:
        """Which rows have no inputs, as the end of a sentence: "5 of 5 ISLAND rows"."""
        if not self.groups:
            return f"{self.missing:,} of {self.rows:,} held-out rows"
        *before, last = (group.in_words for group in self.groups)
        return f"{', '.join(before)} and {last}" if before else last


@record
@dataclass(frozen=True)
class Comparison:
    """The submission against the reference on the same seeds, with its uncertainty.

    ``standard_error`` is that of the mean paired difference to the reference, and ``band`` how far a mean must lie off
    the bar for the seeds to tell on which side it is, by a one-sided test at ``level``. ``p_value``: how likely a mean
    as good as this, or better, is for a network just at the bar. ``measures`` are all metrics of the task;
    ``baselines`` are all traditional models, where they were trained, of which ``baseline`` decides; ``unit`` is the
    bar's. ``further``: how many of the seeds were trained because the others could not decide. ``unanimous``: where
    there are such, every seed lies on the same side of its own bar, which decides where the mean is too close.
    ``missing``: held-out rows without inputs, on which nobody is scored here; None where all have them.
    Of a classification, ``confusion[i][j]`` counts, over all seeds, rows of class i that were called class j. Of a
    regression, ``sample`` holds some rows' true and predicted values.
    """

    metric: str
    scores: tuple[SeedScore, ...]
    mean: float
    spread: float
    reference_mean: float
    reference_spread: float
    baseline_mean: float
    bar: float
    band: float
    training_mean: float | None
    confusion: tuple[tuple[int, ...], ...]
    recalls: tuple[float | None, ...]
    baseline: str
    higher_is_better: bool
    measures: tuple[Measurement, ...] = ()
    sample: tuple[tuple[float, float], ...] = ()
    level: float | None = None
    standard_error: float | None = None
    p_value: float | None = None
    baselines: tuple[Baseline, ...] = ()
    unit: str = "$1"
    further: int = 0
    missing: MissingRows | None = None
    unanimous: bool = False

    @property
    def standing(self) -> Standing:
        """Where the mean lies."""
        means = self.mean, self.reference_mean, self.baseline_mean
        return Standing(*means, self.bar, self.band, self.higher_is_better, self.unanimous)

    @property
    def decided_by(self) -> Decider | None:
        """Which test tells on which side of the bar the network is; None where neither does."""
        return self.standing.decided_by

    @property
    def beats_baseline(self) -> bool:
        """Mean better than the baseline's."""
        return self.standing.beats_baseline

    @property
    def reaches_bar(self) -> bool:
        """Mean at the bar or better, and better than the baseline's."""
        return self.standing.reaches_bar

    @property
    def is_borderline(self) -> bool:
        """Neither "worse than the bar" nor "at the bar or better" can be rejected."""
        return self.standing.is_borderline

    @property
    def is_open(self) -> bool:
        """More seeds might decide: the mean is borderline, or is so where missing rows count as wrong."""
        if self.missing is not None and self.missing.likeness is Likeness.UNKNOWN:
            return False
        strict = self.missing.strict if self.missing else None
        return self.is_borderline or (strict is not None and self.reaches_bar and strict.is_borderline)


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
@dataclass(frozen=True)
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
@dataclass(frozen=True)
class Question:
    """Something to ask in the ticking session, what a good answer has in it, and the cell or figure it is about."""

    topic: Topic
    ask: str
    good: str
    cell: int | None
    figure: Figure | None


@record
@dataclass(frozen=True)
class RuleResult:
    name: str
    sentence: str
    importance: Importance
    outcome: Outcome
    rationale: str = ""
    help: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()


@record
@dataclass(frozen=True)
class DatasetNote:
    """Which data was used: a person's words for it, its hash, and whether it is only practice data."""

    name: str
    sha256: str
    practice: bool


@record
@dataclass(frozen=True)
class ReferenceScores:
    """What a reference reached on one data set; committed beside an assignment for self-checks.

    ``outputs`` and ``baseline_outputs``: what the reference and the baseline that decides gave for each held-out row,
    packed (``outputs.py``), in order of seeds; none in what older versions wrote.
    """

    dataset_sha256: str
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    baselines: tuple[float, ...]
    outputs: tuple[str, ...] = ()
    baseline_outputs: tuple[str, ...] = ()


class TimeSource(StrEnum):
    """What tells when something was handed in."""

    NOTHING = ""
    WORKSHEET = "Moodle's worksheet"
    TIMESTAMP = "timestamp.txt"
    METADATA = "Gradescope's metadata"
    MARK = "Canvas's mark"
    ZIP = "the zip's own times"


@record
@dataclass(frozen=True)
class Timeliness:
    """Whether a submission was on time, which no verdict depends on.

    ``late_seconds``: 0 for on time, None where it is not known; ``sentence`` says it all in words.
    """

    deadline: AwareDatetime
    is_extended: bool
    source: TimeSource
    handed_in: AwareDatetime | None
    late_seconds: int | None
    sentence: str


@record
@dataclass(frozen=True)
class StudentCell:
    """A cell of the submission; ``is_new`` where its source is not in the hand-out."""

    cell: CellResult
    is_new: bool


@record
@dataclass(frozen=True)
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
    identity: Identity = Identity()
    is_usage: bool = False


# -- JSON ----------------------------------------------------------------------------------------------


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def prepare(cls: Any) -> None:
    """Make what reads and writes a kind of record, which takes longer than to read or write it."""
    _adapter(cls)


def _adapter_of(value: object) -> TypeAdapter[Any]:
    cls: Any = type(value)
    return _adapter(cls)


def to_json(value: object, indent: int | None = None) -> bytes:
    """Return a record as JSON bytes; NaN and infinity become null."""
    return _adapter_of(value).dump_json(value, indent=indent)


def from_json(cls: type[R], data: bytes | str) -> R:
    """Read a record back; EvidenceError names the first key that is wrong."""
    try:
        kind: Any = cls
        found: R = _adapter(kind).validate_json(data)
        return found
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise EvidenceError(f"not a {cls.__name__}: {where}: {first['msg']}") from error


def to_plain(value: object) -> Any:
    """Return a record as plain Python values (dicts, lists, strings, numbers)."""
    return _adapter_of(value).dump_python(value, mode="json")
