"""A submission's scores beside those of the reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record
from checker.records.evidence import RowKind


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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
        return Standing(
            mean=self.mean,
            reference_mean=self.reference_mean,
            baseline_mean=self.baseline_mean,
            bar=self.bar,
            band=self.band,
            higher_is_better=self.higher_is_better,
            unanimous=self.unanimous,
        )

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
@dataclass(frozen=True, kw_only=True)
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
