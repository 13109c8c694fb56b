"""The settings of a run, and the reference's results for comparison."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from checker.records.arrays import Array
from checker.records.assignment import Assignment
from checker.records.dataset import Dataset
from checker.records.job import Progress
from checker.records.network import Architecture, Recipe
from checker.records.training import Epoch
from checker.records.verdicts import Stage

Watch = Callable[[Stage, Progress], None]
"""Called with a submission's stage and progress."""


def unwatched(stage: Stage, at: Progress) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class Live:
    """A training that a person watches: ``tell`` gets each epoch. The training ends once it is no longer wanted."""

    tell: Callable[[Epoch], None]
    is_wanted: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Settings for all submissions of a run.

    ``seeds`` are trained for every submission, ``further`` seeds only if these can't decide. ``drawn``: number of the
    seeds that a self-check trains; 0 means all. ``gather.draw`` draws them once the answer is known. ``model``: the
    answer's variable, if a demonstrator names one. ``exact``: run Keras's own ``fit``, with Python between any two
    steps. ``extensions``: extended deadlines by the submission's name. ``typed``: the words of the batch's command; ()
    if nobody typed one.
    """

    assignment: Assignment
    dataset: Dataset
    seeds: tuple[int, ...]
    further: tuple[int, ...] = ()
    drawn: int = 0
    model: str = ""
    exact: bool = False
    extensions: Mapping[str, datetime] = field(default_factory=dict)
    typed: tuple[str, ...] = ()

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """``seeds`` and ``further``."""
        return (*self.seeds, *self.further)

    @property
    def answer_name(self) -> str:
        """The answer's variable by the demonstrator, else by the assignment; "" if neither names one."""
        return self.model or self.assignment.answer


@dataclass(frozen=True, kw_only=True)
class ReferenceResults:
    """The reference's results for comparison: scores by seed, and its network if it may be shown.

    ``baselines`` are the scores of the traditional model that decides, ``all_baselines`` those of all models by name;
    {} if unknown. ``outputs`` are the reference's, by seed, for each held-out row (``scoring.outputs``).
    ``baseline_outputs`` are those of traditional models by name, at least of the one that decides. Both are empty if
    unknown.
    """

    scores: Mapping[int, float]
    baselines: Mapping[int, float]
    architecture: Architecture | None = None
    recipe: Recipe | None = None
    all_baselines: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    outputs: Mapping[int, Array] = field(default_factory=dict)
    baseline_outputs: Mapping[str, Mapping[int, Array]] = field(default_factory=dict)
