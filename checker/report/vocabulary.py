"""The words for each member of the enums that reports show."""

from checker.records.comparison import Likeness
from checker.records.evidence import RowKind
from checker.records.job import Ending
from checker.records.network import Labels
from checker.records.report import CauseKind, Figure
from checker.records.tracing import FeatureSource, FittedOn, ScalerKind
from checker.records.training import Loop
from checker.records.verdicts import FailureCause, Outcome, Stage, Verdict
from checker.scoring.metrics import NONE

MEANING = {
    Verdict.PASS: "The network works: ready for the ticking session",
    Verdict.FAIL: "Not there yet: to be handed in again",
    Verdict.REFER: "For a demonstrator to decide",
}
YOURS = {
    Verdict.PASS: "Your network works",
    Verdict.FAIL: "Not there yet: change it and hand it in again",
    Verdict.REFER: "A demonstrator decides with you",
}
"""A verdict's meaning for the student."""
STOPPED = "Not checked: change it and hand it in again"
"""The meaning of a run that a limit ended before any network was trained, for the student."""
AGAIN, BEFORE = "and hand it in again", "before you hand it in"
"""When to change a file: after a submission, and in a self-check."""
LIKENESS = {
    Likeness.FEW: "They are too few to matter, so all models are scored without them.",
    Likeness.ALIKE: "They are like the others, so all models are scored without them.",
    Likeness.UNLIKE: "They are not like the others. For a PASS they count as wrong; for a FAIL all models are scored "
    "without them, as in the table.",
    Likeness.UNKNOWN: "The reference's score without them is not known, so no machine decides.",
}
MARK = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: NONE, Outcome.ERROR: "!", Outcome.UNKNOWN: "?"}
OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "does not apply",
    Outcome.ERROR: "broke",
    Outcome.UNKNOWN: "could not be checked",
}
FAILURES = {
    FailureCause.NOTHING_TO_RUN: "Nothing to run",
    FailureCause.UNREADABLE_UPLOAD: "Upload cannot be read",
    FailureCause.UNREADABLE_FILE: "File cannot be read",
    FailureCause.CUT_SHORT: "Run ended early",
    FailureCause.NO_ANSWER: "No trained network",
    FailureCause.NO_ANSWER_CUT_SHORT: "Ended early without a network",
    FailureCause.WAITS_FOR_INPUT: "Waits for input",
    FailureCause.TRAINED_ELSEWHERE: "Trained elsewhere",
    FailureCause.NOT_RETRAINED: "Not trained again",
    FailureCause.RETRAINING_ENDED: "Training again ended early",
    FailureCause.WRONG_OUTPUTS: "Wrong outputs",
    FailureCause.DIVERGED: "Training diverges",
    FailureCause.DIVERGED_AFTER_LEARNING: "Training diverges here",
}
"""A failure's name, by its cause."""
CAUSES = {
    CauseKind.FILE_CUT: "Run ended early",
    CauseKind.LABELS: "{Labels} differ from the data's",
    CauseKind.LEAK: "Target among the inputs",
    CauseKind.CELL_FAILED: "A failed cell",
    CauseKind.ROWS: "Rows left out",
    CauseKind.TRAINING_CUT: "Training cut short",
    CauseKind.LINEAR: "Linear network",
    CauseKind.UNSCALED: "Inputs not scaled",
}
"""A cause's name; ``Labels`` are called targets in a regression."""
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
    Loop.GRAPH: "an epoch is one TensorFlow graph, which gives the same as Keras's fit, bit for bit",
    Loop.XLA: "long, so XLA compiles each epoch, which gives the same as fit apart from rounding",
    Loop.FIT: "the file's own calls of fit, run again",
}
SOURCES = {
    FeatureSource.TRACED: "The file's own features.",
    FeatureSource.NOWHERE: "Not found in the data.",
}
SCALERS = {
    ScalerKind.STANDARD: "standardised",
    ScalerKind.RANGE: "scaled to 0 … 1",
    ScalerKind.SYMMETRIC: "scaled to −1 … 1",
    ScalerKind.ROBUST: "scaled by median and quartiles",
    ScalerKind.MAX_ABS: "scaled by its greatest size",
}
FITTED_ON = {
    FittedOn.TRAINED: "on the training rows",
    FittedOn.WATCHED_TOO: "on the training and development rows",
    FittedOn.ALL: "on all rows",
}
ANEW = "; anew for each seed"
"""What follows a scaler of the training's rows where a network was trained again."""
LABELS = {Labels.INTEGERS: "as integers", Labels.ONE_HOT: "one-hot", Labels.NUMBERS: "numbers"}
ROW_KINDS = {
    RowKind.TRAINED: "it was trained on",
    RowKind.WATCHED: "of its development set",
    RowKind.TESTED: "of its test",
    RowKind.UNUSED: "that it was never given",
}
FIGURES = {
    Figure.FAILURES: "what went wrong",
    Figure.SCORES: "the scores by seed",
    Figure.FIELD: "the traditional models",
    Figure.CURVES: "the learning curves",
    Figure.CONFUSION: "the confusion matrix",
    Figure.RESIDUALS: "predicted and true values",
    Figure.FEATURES: "where the features and targets come from",
    Figure.CHOICE: "the choice of the model",
}
PRINTED = frozenset({Figure.SCORES, Figure.CURVES, Figure.CONFUSION, Figure.RESIDUALS})
"""Figures that stand on paper too, unless the scores mean nothing."""
STAGES = {
    Stage.READING: "reading the file",
    Stage.STARTING: "starting",
    Stage.EXECUTING: "running its cells",
    Stage.SELECTING: "choosing its network",
    Stage.TRACING: "finding its rows in the data",
    Stage.RETRAINING: "training its network again",
    Stage.JUDGING: "judging",
}
