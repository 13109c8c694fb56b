"""An assignment, as ``assignment.toml`` describes it."""

from dataclasses import dataclass

from pydantic import AwareDatetime

from checker.records.codec import record


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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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
@dataclass(frozen=True, kw_only=True)
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


@record
@dataclass(frozen=True)
class DatasetNote:
    """Which data was used: a person's words for it, its hash, and whether it is only practice data."""

    name: str
    sha256: str
    practice: bool
