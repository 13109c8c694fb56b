"""The retrainings of the answer: whether they count, and their outputs for held-out rows. Pure."""

import numpy as np

from checker.records.arrays import Array
from checker.records.comparison import Comparison
from checker.records.evidence import Evidence
from checker.records.gathered import Gathered
from checker.records.settings import RunSettings
from checker.records.training import TrainingRun
from checker.records.verdicts import Stage
from checker.scoring import targets
from checker.scoring.held_out import held_out_split


def is_measured(evidence: Evidence) -> bool:
    """Tell whether a submission's answer was retrained without failure."""
    return bool(evidence.runs) and all(failure.stage is not Stage.RETRAINING for failure in evidence.failures)


def compared_runs(evidence: Evidence, compared: Comparison | None) -> tuple[TrainingRun, ...]:
    """Return the retrainings that a comparison covers; without a comparison, all of them."""
    seeds = {score.seed for score in compared.scores} if compared else {run.seed for run in evidence.runs}
    return tuple(run for run in evidence.runs if run.seed in seeds)


def predictions(gathered: Gathered, run: TrainingRun, settings: RunSettings) -> Array:
    """Return a run's outputs for its held-out rows: class scores (n, classes), or values (n,) in the data's unit.

    Values beyond the data set's range count as the nearest value within it. Otherwise a single row with odd inputs and
    an output of millions would dominate the mean of thousands of squared errors.
    """
    outputs, traced = gathered.array(run.predictions), gathered.evidence.tracing
    if traced is None or traced.target is None:
        return outputs
    labels = settings.dataset.labels
    return np.clip(targets.undo(traced.target, outputs[:, 0]), labels.min(), labels.max())


def true_labels(gathered: Gathered, run: TrainingRun, settings: RunSettings) -> Array:
    """Return the labels (n,) of a run's held-out rows. No guest ever receives them."""
    evidence = gathered.evidence
    traced = evidence.tracing.rows if evidence.tracing else None
    rows = gathered.array(traced) if traced is not None else None
    return np.asarray(settings.dataset.labels[held_out_split(run.seed, True, rows, settings).held_out])
