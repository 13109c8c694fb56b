"""Checks whether the reference's committed scores still fit their assignment."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from checker.assignment.folders import SOLUTION
from checker.records.assignment import Assignment
from checker.records.comparison import ReferenceScores


def key_of(assignment: Assignment, seeds: Sequence[int], dataset_sha256: str, solution_sha256: str) -> str:
    """Return a hash of everything that the reference's scores depend on: its solution, the data, the seeds, and the
    settings of trainings, splits and scores. It leaves out limits, and settings that only judging uses."""
    data, splits, caps, bar = assignment.data, assignment.splits, assignment.caps, assignment.bar
    parts = (
        (solution_sha256, dataset_sha256, tuple(seeds)),
        (assignment.keras, assignment.task, assignment.answer, data.target, data.features, data.classes),
        (splits.test, splits.development, bar.metric, bar.baseline),
        (caps.fit_steps, caps.notebook_steps, caps.retrain_steps, caps.parameters),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def solution_sha256(assignment: Assignment) -> str:
    """Return the hash of the solution; "" if it is not there, as on a student's disk."""
    path = Path(assignment.folder, SOLUTION)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def fit(scores: ReferenceScores, assignment: Assignment) -> bool:
    """Tell whether scores are those of this solution under these settings. Scores without a key do not count, because
    an older version wrote them."""
    solution = solution_sha256(assignment) or scores.solution_sha256
    return scores.key == key_of(assignment, scores.seeds, scores.dataset_sha256, solution)
