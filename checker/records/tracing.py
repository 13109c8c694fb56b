"""Which rows and columns of the data a network was given."""

from dataclasses import dataclass
from enum import StrEnum

from checker.records.arrays import ArrayRef
from checker.records.codec import record

GIVEN_AWAY, MOST_EXPLAINED = 0.98, 0.95
"""How well a single column tells a class, and how much it explains of a number, where it gives the target away."""


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


@record
@dataclass(frozen=True)
class Scaler:
    """What scaled a column. What was fitted on the training rows is fitted anew on the training rows of each seed."""

    kind: ScalerKind
    fitted_on: FittedOn


@record
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
