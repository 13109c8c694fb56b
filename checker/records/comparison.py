"""A submission's scores beside those of the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checker.records.codec import record
from checker.records.evidence import RowKind

RARE = 0.01
"""A class with less than this share of the rows is rare."""


class Likeness(StrEnum):
    """How similar held-out rows without inputs are to the others, which decides how they count.

    ``FEW`` and ``ALIKE`` are left out for everyone. ``UNLIKE`` count as wrong when a PASS is decided. ``UNKNOWN`` are
    left to a person.
    """

    FEW = "too few to matter"
    ALIKE = "like the others"
    UNLIKE = "not like the others"
    UNKNOWN = "not known"


class Decider(StrEnum):
    """The test that decides the side of the bar: the mean's distance from it, or that all seeds lie on one side."""

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
    """One metric of the submission, over all seeds. ``unit`` is the bar's."""

    metric: str
    mean: float
    spread: float
    unit: str = "$1"


@record
@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The answer's own score, on ``rows`` of a kind, beside the mean and spread of the retraining's scores on its rows
    of that kind. By chance the two are up to ``margin`` apart. ``differs``: they can't come from one recipe."""

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
    """The training loss of the first epoch, and the lowest of the first ``epochs``: in the student's own run, and as
    the geometric mean over seeds. ``differs``: the two curves can't come from one training."""

    epochs: int
    own_first: float
    own_lowest: float
    again_first: float
    again_lowest: float
    differs: bool


@record
@dataclass(frozen=True, kw_only=True)
class Agreed:
    """The comparison of the student's own run and the retraining.

    ``note``: why no scores were compared. ``cause``: the most likely cause of a disagreement, as a sentence.
    ``impossible``: an impossible statement of the run about its training, as a sentence; else "".
    """

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
        """Tell whether anything shows that the retraining does not reproduce the student's training."""
        return bool(self.impossible or self.disagreement or (self.curves and self.curves.differs))


@record
@dataclass(frozen=True)
class Baseline:
    """A traditional model, by its name in words, and its score on the same splits."""

    name: str
    mean: float
    spread: float


@record
@dataclass(frozen=True)
class BaselineScores:
    """Scores of traditional models on one data set, by the models' names in assignments, in the order of seeds.

    ``outputs``: their outputs for each held-out row, packed (``outputs.py``).
    """

    scores: Mapping[str, tuple[float, ...]]
    outputs: Mapping[str, tuple[str, ...]]


@record
@dataclass(frozen=True, kw_only=True)
class Standing:
    """The mean score beside the reference's and the baseline's on the same rows, and the resulting bar.

    ``band``: the smallest distance from the bar at which the mean decides. ``unanimous``: every seed lies on the same
    side of its own bar (the reference's score less the tolerance), which decides too.
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
        """Tell whether the mean is better than the baseline's."""
        return self.mean > self.baseline_mean if self.higher_is_better else self.mean < self.baseline_mean

    @property
    def reaches_bar(self) -> bool:
        """Tell whether the mean is at the bar or better, and better than the baseline's."""
        at_bar = self.mean >= self.bar if self.higher_is_better else self.mean <= self.bar
        return at_bar and self.beats_baseline

    @property
    def is_borderline(self) -> bool:
        """Tell whether neither "worse than the bar" nor "at the bar or better" can be rejected."""
        return self.decided_by is None

    @property
    def decided_by(self) -> Decider | None:
        """The test that decides the side of the bar: the mean's, else that of each seed; None if neither does."""
        if abs(self.mean - self.bar) >= self.band:
            return Decider.MEAN
        return Decider.EACH_SEED if self.unanimous else None

    @property
    def passes(self) -> bool:
        """Tell whether the mean is at the bar or better, and not borderline."""
        return self.reaches_bar and not self.is_borderline

    @property
    def fails(self) -> bool:
        """Tell whether the mean is worse than the bar, and not borderline."""
        return not self.reaches_bar and not self.is_borderline


@record
@dataclass(frozen=True)
class MissingGroup:
    """Rows of a class, or of a band of the target: ``missing`` of ``rows``. ``name`` includes the word "rows"."""

    name: str
    missing: int
    rows: int

    @property
    def in_words(self) -> str:
        """The number of missing rows in words: "5 of 5 ISLAND rows"."""
        return f"{self.missing:,} of {self.rows:,} {self.name}"


@record
@dataclass(frozen=True, kw_only=True)
class MissingRows:
    """Held-out rows without inputs: of ``rows`` that some seed holds out, ``missing`` were never fed to the network.

    If the missing rows are unlike the others, ``groups`` are the classes, or bands of the target, with significantly
    more missing rows than average. ``reference_missing`` and ``reference_known`` are the reference's accuracy, or its
    RMSE, on missing and on other rows. ``strict`` is the standing if missing rows count as wrong. The comparison itself
    leaves them out.
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
        """Tell whether they are left out for everyone, whatever the verdict."""
        return self.likeness in (Likeness.FEW, Likeness.ALIKE)

    @property
    def in_words(self) -> str:
        """The rows without inputs, as the end of a sentence: "5 of 5 ISLAND rows"."""
        if not self.groups:
            return f"{self.missing:,} of {self.rows:,} held-out rows"
        *before, last = (group.in_words for group in self.groups)
        return f"{', '.join(before)} and {last}" if before else last


@record
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The submission against the reference on the same seeds, with its uncertainty.

    ``standard_error`` is that of the mean paired difference to the reference. ``band`` is the smallest distance from
    the bar at which the mean decides, by a one-sided test at ``level``. ``p_value``: probability of a mean at least as
    good as this one for a network just at the bar. ``measures`` are all metrics of the task. ``baselines`` are all
    traditional models, if they were trained; ``baseline`` is the one that decides. ``unit`` is the bar's.
    ``further``: number of seeds that were trained because the first ones could not decide. ``unanimous``: with further
    seeds, every seed lies on the same side of its own bar, which decides if the mean is too close to the bar.
    ``missing``: held-out rows without inputs, which are not scored here; None if all rows have inputs.
    In a classification, ``confusion[i][j]`` counts, over all seeds, rows of class i predicted as class j. In a
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
        """The mean beside the reference's and the baseline's, and the bar."""
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
        """The test that decides the side of the bar; None if neither does."""
        return self.standing.decided_by

    @property
    def beats_baseline(self) -> bool:
        """Tell whether the mean is better than the baseline's."""
        return self.standing.beats_baseline

    @property
    def reaches_bar(self) -> bool:
        """Tell whether the mean is at the bar or better, and better than the baseline's."""
        return self.standing.reaches_bar

    @property
    def is_borderline(self) -> bool:
        """Tell whether neither "worse than the bar" nor "at the bar or better" can be rejected."""
        return self.standing.is_borderline

    @property
    def is_open(self) -> bool:
        """Tell whether more seeds might decide: the mean is borderline, or would be if missing rows count as wrong."""
        if self.missing is not None and self.missing.likeness is Likeness.UNKNOWN:
            return False
        strict = self.missing.strict if self.missing else None
        return self.is_borderline or (strict is not None and self.reaches_bar and strict.is_borderline)


def confusions(confusion: Sequence[Sequence[int]]) -> list[tuple[float, int, int]]:
    """Return the share of each class that is taken for another, with both; without rare classes."""
    enough = RARE * sum(map(sum, confusion))
    return [
        (count / sum(counts), true, predicted)
        for true, counts in enumerate(confusion)
        for predicted, count in enumerate(counts)
        if predicted != true and count and sum(counts) >= enough
    ]


@record
@dataclass(frozen=True, kw_only=True)
class ReferenceScores:
    """A reference's scores on one data set; committed beside an assignment for self-checks.

    ``outputs`` and ``baseline_outputs``: outputs of the reference and of the deciding baseline for each held-out row,
    packed (``outputs.py``), in the order of seeds; () in files of older versions. ``solution_sha256``: the hash of the
    solution; ``key``: that of all that the scores depend on (``assignment.scores``). Both are "" in older files.
    """

    dataset_sha256: str
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    baselines: tuple[float, ...]
    outputs: tuple[str, ...] = ()
    baseline_outputs: tuple[str, ...] = ()
    solution_sha256: str = ""
    key: str = ""
