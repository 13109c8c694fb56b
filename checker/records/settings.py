"""What is the same for all submissions of a run, and the reference's results that they are compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from checker.records.arrays import Array
from checker.records.assignment import Assignment
from checker.records.dataset import Dataset
from checker.records.job import Progress
from checker.records.network import Architecture, Recipe
from checker.records.verdicts import Stage

Watch = Callable[[Stage, Progress], None]
"""Told how far a submission is on its way."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What is the same for all submissions of a run.

    ``seeds`` are trained for every submission, ``further`` seeds only where these cannot decide. ``model``: the
    variable that holds the answer, as a demonstrator says. ``exact``: a student's ``fit`` is left as it is, in Python
    between any two steps. ``extensions``: deadlines by the name of the submission.
    """

    assignment: Assignment
    dataset: Dataset
    seeds: tuple[int, ...]
    further: tuple[int, ...] = ()
    model: str = ""
    exact: bool = False
    extensions: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds of every submission and the further ones."""
        return (*self.seeds, *self.further)

    @property
    def answer_name(self) -> str:
        """The variable that holds the answer: a demonstrator's word, else the assignment's; "" where nobody says."""
        return self.model or self.assignment.answer


@dataclass(frozen=True, kw_only=True)
class ReferenceResults:
    """What a submission is compared with: scores by seed, and the reference's network where it may be shown.

    ``baselines`` are the scores of the traditional model that decides, ``all_baselines`` those of all models by name,
    where they are known. ``outputs`` are the reference's, by seed, for each held-out row (``scoring.outputs``).
    ``baseline_outputs`` are those of traditional models by name, at least of the one that decides. Both are empty where
    they are not known.
    """

    scores: Mapping[int, float]
    baselines: Mapping[int, float]
    architecture: Architecture | None = None
    recipe: Recipe | None = None
    all_baselines: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    outputs: Mapping[int, Array] = field(default_factory=dict)
    baseline_outputs: Mapping[str, Mapping[int, Array]] = field(default_factory=dict)
