"""The rows and columns of the data that were fed to a network."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from checker.records.arrays import ArrayRef
from checker.records.codec import record

GIVEN_AWAY, MOST_EXPLAINED = 0.98, 0.95
"""Thresholds at which a column gives the target away: F1 for a class, explained share of variance for a number."""
REORDERED = "in another order than the rows"
"""The look of labels that were shuffled or sorted without their rows."""


class FeatureSource(StrEnum):
    """The origin of the retraining's features: rows of the data set, or unknown."""

    TRACED = "traced"
    NOWHERE = "nowhere"


class ScalerKind(StrEnum):
    """How a column was scaled: by an affine map that takes two statistics of some rows' values to 0 and 1."""

    STANDARD = "mean and deviation"
    RANGE = "least value and range"
    SYMMETRIC = "middle of the range and half of it"
    ROBUST = "median and quartile range"
    MAX_ABS = "greatest size"


class FittedOn(StrEnum):
    """The student's rows that a scaler was fitted on."""

    TRAINED = "trained"
    WATCHED_TOO = "trained and watched"
    ALL = "all"


@record
@dataclass(frozen=True)
class Scaler:
    """A column's scaler. One fitted on the training rows is refitted on the training rows of each seed."""

    kind: ScalerKind
    fitted_on: FittedOn


@record
@dataclass(frozen=True, kw_only=True)
class Column:
    """One of the student's feature columns.

    ``source``: the data set's column of which it is an affine or monotone image ("" if none). Means and deviations are
    over the rows of the training array and over all rows that were fed. ``label_purity``: how well this column alone
    predicts the label: the F1 of the best class, or the share of a number's variance; 1.0 gives the label away.
    ``formula``: computes each row's value from the data set's columns, in words, up to scale and shift; "" if the
    values are known only for the rows that the student fed. ``has_target``: the formula contains the target.
    ``scaler``: None if none is recognised.
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
    """A set of rows that the answer was tested on: their number, and the number of training rows among them."""

    cell: int
    how: str
    rows: int
    trained_on: int


@record
@dataclass(frozen=True)
class TargetScale:
    """A student's targets in a regression: ``factor * t + offset``, or the same of ``log(t + shift)`` with a shift.

    ``t`` is the data set's number. Both constants are fitted by least squares.
    """

    factor: float
    offset: float
    shift: float | None = None


FEW_LEFT_OUT = 100
"""Up to this many rows may be left out of a training without a remark."""

OTHER_LABELS = 0.005
"""Up to this share of training labels may differ from the data's, as slips."""


@record
@dataclass(frozen=True, kw_only=True)
class Tracing:
    """The rows of the data set in the student's arrays, matched by their values.

    ``rows`` (n,) are the rows of the data set with known inputs, and ``features`` (n, d), float32, these inputs as the
    student scaled them. ``trainable`` (m,) are those of ``rows`` to retrain on, without the ``left_out_rows`` rows that
    the student left out by choice; ``left_out`` describes them in words. ``all_rows``: the number of rows that the
    student fed. ``target``: how a regression's targets are computed from the data set's; None if they are not. Of
    ``labels_compared`` matched training rows ``labels_differ`` have another label than the data set's; ``labels_look``
    describes these labels in words.
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
        """Tell whether more labels differ from the data's than slips explain."""
        return self.labels_compared > 0 and self.labels_differ > OTHER_LABELS * self.labels_compared

    @property
    def has_left_out_rows(self) -> bool:
        """Tell whether more rows were left out by choice than a few outliers."""
        return self.left_out_rows > FEW_LEFT_OUT

    def leaks_in_words(self, inputs: Collection[str], target: str, is_regression: bool) -> str:
        """A sentence on the columns that give the target away; "" for none. ``inputs``: the data's columns that may be
        features."""
        found = [
            (number, column)
            for number, column in enumerate(self.columns, start=1)
            if column.gives_away(is_regression) and column.source not in inputs
        ]
        if not found:
            return ""
        (number, first), *others = found
        what = f"the {'target' if is_regression else 'class'} away"
        if first.has_target and first.formula:
            formula = first.formula.replace(target, f"`{target}`")
            said = f"Column {number} of the inputs is {formula}, so it gives {what}"
        else:
            made = f" ({first.formula})" if first.formula else ""
            said = f"Column {number} of the inputs{made} alone gives {what}: it is, or was made from, `{target}`"
        more = "".join(f", and so does column {number}" for number, _ in others[:2])
        return f"{said}{more}."

    def labels_in_words(self, label: str = "label") -> str:
        """A sentence on the labels that differ from the data's, of the rows that could be compared. ``label``: the word
        for one of them."""
        share = self.labels_differ / max(self.labels_compared, 1)
        look = f" The {label}s seem to be {self.labels_look}." if self.labels_look else ""
        which = " that could be compared" if self.labels_compared < self.training_rows else ""
        rows = f"{'the ' if which else ''}{self.labels_compared:,} training rows{which}"
        return f"{self.labels_differ:,} of {rows} ({share:.1%}) had another {label} than in the data.{look}"
