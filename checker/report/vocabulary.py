"""The words for each member of the enums that reports show."""

from checker.records.comparison import Likeness
from checker.records.evidence import RowKind
from checker.records.job import Ending
from checker.records.network import Labels
from checker.records.report import CauseKind, Figure
from checker.records.tracing import FeatureSource, FittedOn, ScalerKind
from checker.records.training import Loop
from checker.records.verdicts import Outcome, Stage, Verdict
from checker.scoring.metrics import NONE

MEANING = {
    Verdict.PASS: "The model works; ready for the ticking session",
    Verdict.FAIL: "Not there yet; to be handed in again",
    Verdict.REFER: "Could not be decided by machine; a demonstrator decides",
}
LIKENESS = {
    Likeness.FEW: "They are too few to matter, so they are left out for everyone: reference and traditional models are "
    "scored on the same rows.",
    Likeness.ALIKE: "They are like the others, so they are left out for everyone: reference and traditional models are "
    "scored on the same rows.",
    Likeness.UNLIKE: "They are not like the others: to pass they count as wrong, and to fail they are left out for "
    "everyone, as they are in the table.",
    Likeness.UNKNOWN: "How the reference does on the others alone is not known, so nothing is decided by machine.",
}
MARK = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: NONE, Outcome.ERROR: "!", Outcome.UNKNOWN: "?"}
OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "does not apply",
    Outcome.ERROR: "broke",
    Outcome.UNKNOWN: "could not be checked",
}
CAUSES = {
    CauseKind.FILE_CUT: "The file was cut short",
    CauseKind.LABELS: "Other labels",
    CauseKind.LEAK: "The answer is among the inputs",
    CauseKind.CELL_FAILED: "A cell failed that the network's training needs",
    CauseKind.ROWS: "Rows were left out",
    CauseKind.TRAINING_CUT: "Training was cut short",
    CauseKind.LINEAR: "The network is linear",
    CauseKind.UNSCALED: "The inputs are not scaled",
}
ENDINGS = {
    Ending.FINISHED: "normally",
    Ending.CRASHED: "by a crash",
    Ending.TIME: "by the limit on time",
    Ending.WALL_CLOCK: "by the clock, at ten times the limit on time",
    Ending.MEMORY: "by the limit on memory",
    Ending.OUTPUT: "by the limit on output",
    Ending.PROCESSES: "by the limit on processes",
    Ending.NONSENSE: "because what it sent made no sense",
}
LOOPS = {
    Loop.GRAPH: "an epoch is one TensorFlow graph, which gives what Keras's own fit gives, bit for bit",
    Loop.XLA: "a long one, so an epoch is compiled by XLA, which gives what fit gives but for rounding",
    Loop.FIT: "the student's own calls of fit, replayed",
}
SOURCES = {
    FeatureSource.TRACED: "The student's own features.",
    FeatureSource.NOWHERE: "Not traced to the data.",
}
SCALERS = {
    ScalerKind.STANDARD: "standardised",
    ScalerKind.RANGE: "scaled to 0 … 1",
    ScalerKind.SYMMETRIC: "scaled to −1 … 1",
    ScalerKind.ROBUST: "scaled by median and quartiles",
    ScalerKind.MAX_ABS: "scaled by its greatest size",
}
FITTED_ON = {
    FittedOn.TRAINED: "on the training rows; anew for each seed",
    FittedOn.WATCHED_TOO: "on the training and development rows; anew for each seed",
    FittedOn.ALL: "on all rows",
}
LABELS = {Labels.INTEGERS: "as integers", Labels.ONE_HOT: "one-hot", Labels.NUMBERS: "numbers"}
ROW_KINDS = {
    RowKind.TRAINED: "that it was trained on",
    RowKind.WATCHED: "that it watched during training",
    RowKind.TESTED: "that it was tested on",
    RowKind.UNUSED: "that it was never given",
}
FIGURES = {
    Figure.FAILURES: "what stopped it",
    Figure.SCORES: "the scores by seed",
    Figure.FIELD: "the traditional models",
    Figure.CURVES: "the learning curves",
    Figure.CONFUSION: "the confusion matrix",
    Figure.RESIDUALS: "predicted and true values",
    Figure.FEATURES: "where the features come from",
    Figure.CHOICE: "the choice of the model",
}
STAGES = {
    Stage.READING: "reading the file",
    Stage.STARTING: "starting",
    Stage.EXECUTING: "running its cells",
    Stage.SELECTING: "choosing its network",
    Stage.TRACING: "finding its rows in the data",
    Stage.RETRAINING: "training its network again",
    Stage.JUDGING: "judging",
}
