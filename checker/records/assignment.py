"""An assignment, as described in ``assignment.toml``."""

from dataclasses import dataclass

from pydantic import AwareDatetime

from checker.records.codec import record


@record
@dataclass(frozen=True)
class Limits:
    """Limits after which a guest is ended. ``seconds`` are its own time: processor time and sleep, but not waiting for
    a processor. A wall-clock limit of ten times as much backs it up."""

    seconds: float
    memory_mib: int
    output_mib: int


@record
@dataclass(frozen=True)
class Caps:
    """Caps on training, in optimiser steps and never in seconds, so that a slow machine changes no verdict."""

    fit_steps: int
    notebook_steps: int
    retrain_steps: int
    parameters: int


@record
@dataclass(frozen=True, kw_only=True)
class DataSource:
    """The assignment's CSV: its address, its hash, and the meaning of its columns.

    ``features`` are the numeric columns. ``classes`` are the target's values, in the order of their class numbers; ()
    in a regression. ``file`` is the CSV's name, for students and in the assignment's folder. ``url`` is "" if it is
    published nowhere else.
    """

    sha256: str
    target: str
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    url: str = ""
    file: str = "housing.csv"

    @property
    def is_regression(self) -> bool:
        """Tell whether the target is a number."""
        return not self.classes

    @property
    def outputs(self) -> int:
        """Number of outputs of a network for the task: one for each class, or one for a number."""
        return len(self.classes) or 1


@record
@dataclass(frozen=True)
class SplitPlan:
    """Fractions of all rows for the held-out split and for the development split."""

    test: float
    development: float


@record
@dataclass(frozen=True)
class Seeds:
    """``further`` are trained if those of ``grading`` can't decide; both are empty in the students' edition.

    ``self_check`` is the pool that a self-check draws ``drawn`` seeds from; of a smaller pool it takes all.
    """

    self_check: tuple[int, ...]
    drawn: int = 3
    grading: tuple[int, ...] = ()
    further: tuple[int, ...] = ()


@record
@dataclass(frozen=True, kw_only=True)
class Bar:
    """A submission passes if it is within ``tolerance`` of the reference's mean and better than the baseline.

    ``level``: the largest probability with which a network just at the bar passes by chance, and also with which it
    fails. ``share``: the bar lies at most this share of the way from the reference to the baseline, however large the
    tolerance; None if the tolerance alone decides. ``unit``: the smallest amount in a regression's errors, "$1" or
    "0.01 kg".
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
    """Names of rules whose importance differs from their mark; those in ``off`` are not run."""

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
    """``answer``: the variable in which students are told to keep their network; "" if there is none. ``deadline``:
    None if the assignment has none."""

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
    """A note on the data: its name in words, its hash, and whether it is only practice data."""

    name: str
    sha256: str
    practice: bool
