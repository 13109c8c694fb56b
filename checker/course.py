"""What is the same for all submissions of a batch: assignment, data, seeds, sandbox, and what they are held to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from checker import splits, store
from checker.dataset import Dataset
from checker.frames import Array
from checker.records import Architecture, Assignment, Progress, Recipe, Stage, Submission
from checker.sandbox import Sandbox
from checker.splits import Split
from checker.store import Keys

Watch = Callable[[Stage, Progress], None]
"""Told how far a submission is on its way."""


@dataclass(frozen=True)
class Course:
    """What is the same for all submissions of a batch.

    ``further``: seeds that are trained where ``seeds`` cannot decide. ``model``: the variable that, as a demonstrator
    says, holds the answer. ``exact``: a student's ``fit`` is left as it is, in Python between any two steps.
    ``extensions``: by name of the submission.
    """

    assignment: Assignment
    dataset: Dataset
    seeds: tuple[int, ...]
    sandbox: Sandbox
    further: tuple[int, ...] = ()
    model: str = ""
    exact: bool = False
    extensions: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """Those that every submission is trained for, and the further ones."""
        return (*self.seeds, *self.further)

    @property
    def answer_name(self) -> str:
        """The variable that holds the answer: a demonstrator's word, else the assignment's; "" where nobody says."""
        return self.model or self.assignment.answer


@dataclass(frozen=True)
class Standard:
    """What a submission is held to: scores by seed, and the reference's network where it may be shown.

    ``baselines`` are the scores of the one that decides, ``all_baselines`` those of all by name, where they are known.
    ``outputs`` are the reference's, by seed, for each held-out row (``outputs.py``), ``baseline_outputs`` those of
    traditional models by name, at least of the one that decides; both are empty where they are not known.
    """

    scores: Mapping[int, float]
    baselines: Mapping[int, float]
    architecture: Architecture | None = None
    recipe: Recipe | None = None
    all_baselines: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    outputs: Mapping[int, Array] = field(default_factory=dict)
    baseline_outputs: Mapping[str, Mapping[int, Array]] = field(default_factory=dict)


def held_out_split(
    seed: int, development: bool, rows: Array | None, course: Course, trainable: Array | None = None
) -> Split:
    """Return a seed's split, as far as the student's rows go; development rows join training if not watched.

    ``trainable``: those of the rows that may be trained on and watched; all where they are not given.
    """
    whole = splits.split(course.dataset.strata, course.assignment.splits, seed)
    part = whole if development else splits.without_development(whole)
    return part if rows is None else splits.among(part, rows, trainable)


def held_out_rows(seed: int, course: Course) -> Array:
    """Return the rows that a seed holds out, the same for everyone."""
    return splits.split(course.dataset.strata, course.assignment.splits, seed).held_out


def circumstances(course: Course) -> str:
    """Return the key of all that evidence of a course depends on beside the submission.

    It leaves out what only judging depends on (rules, tolerance, title): these may change without a new run.
    """
    return store.key(_around_run(course), course.assignment.answer)


def _around_run(course: Course) -> str:
    """Return the key of what the run of a file depends on in a course: all but which network is the answer."""
    assignment = course.assignment
    gathering = (assignment.keras, assignment.task, assignment.data, assignment.splits, assignment.caps,
                 assignment.execute, assignment.retrain)  # fmt: skip
    return store.key(repr(gathering), course.dataset.note.sha256, repr((course.seeds, course.further)))


def evidence_keys(submission: Submission, course: Course) -> Keys:
    """Return the keys under which a submission's evidence is valid in a course: of the file's run, and of all."""
    files = [
        (file.sha256, file.is_notebook, file.folder, [(c.name, c.sha256) for c in file.beside])
        for file in (submission, *submission.others)
    ]
    run = store.key(_around_run(course), repr(files), repr(course.exact))
    return Keys(run, store.key(run, circumstances(course), course.model))
