"""The findings of the retrainings, and the cause that explains other findings. Pure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checker.judge import causes, diagnosis
from checker.judge.runs import compared_runs
from checker.records.assignment import Assignment
from checker.records.comparison import Comparison
from checker.records.evidence import Evidence
from checker.records.report import Cause, Observation
from checker.records.settings import RunSettings
from checker.records.verdicts import Stage
from checker.source.first_errors import FirstErrors
from checker.source.provenance import Provenance


def diagnose(evidence: Evidence, compared: Comparison | None, settings: RunSettings) -> tuple[Observation, ...]:
    """Return the findings of the retrainings; () if they cannot be compared."""
    if compared is None or evidence.recipe is None:
        return ()
    classes, rows = settings.assignment.data.classes, class_rows(settings)
    return diagnosis.diagnose(compared_runs(evidence, compared), compared, evidence.recipe, classes, rows)


def class_rows(settings: RunSettings) -> tuple[int, ...]:
    """Return the number of the data's rows of each class; () for a regression."""
    classes = settings.assignment.data.classes
    return tuple(np.bincount(settings.dataset.labels, minlength=len(classes)).tolist()) if classes else ()


def cause_of(
    evidence: Evidence,
    compared: Comparison | None,
    observations: Sequence[Observation],
    cut: str,
    assignment: Assignment,
) -> Cause | None:
    """Return the cause from which other findings follow; ``cut``: a sentence on a file or training cut short."""
    is_missing = any(failure.stage is Stage.SELECTING for failure in evidence.failures)
    findings = causes.Findings(
        evidence.tracing,
        evidence.answer.architecture if evidence.answer else None,
        compared,
        observations,
        assignment.data.features,
        assignment.data.target,
        assignment.data.is_regression,
        file_cut="" if is_missing else evidence.cut_short,
        training_cut="" if evidence.cut_short else cut,
    )
    if findings.has_learned_badly:
        findings = replace(findings, spoiled=_spoiled(evidence))
    return causes.find(findings)


def _spoiled(evidence: Evidence) -> tuple[str, str] | None:
    """Return the error that made the answer's training data wrong, and advice."""
    if evidence.answer is None:
        return None
    cells = Provenance(evidence.cells, evidence.adaptations, evidence.submission.companions)
    error = FirstErrors(cells).spoiled_by(evidence.answer.fits[-1].cell)
    return None if error is None else (error.rationale, error.help)
