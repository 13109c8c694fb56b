"""Evidence of submissions that have no inputs for some held-out rows, and the reference beside it."""

import numpy as np
import pytest

from checker.records.assignment import DatasetNote
from checker.records.dataset import Dataset
from checker.records.evidence import Selection
from checker.records.gathered import Gathered
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.tracing import FeatureSource, TargetScale, Tracing
from checker.scoring import outputs
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS
from checker.wire import frames

ROWS = 4_000
SEEDS = (11, 23, 37)
FURTHER = (41, 59)
PLAIN = TargetScale(1.0, 0.0)


@pytest.fixture(params=["assignment", "regression"])
def settings(request):
    """The run settings of each task. The data are made up."""
    assignment = request.getfixturevalue(request.param)
    random = np.random.default_rng(7)
    sizes = (1_800, 1_200, 5, 495, 500)
    labels = np.repeat(np.arange(5, dtype=np.int32), sizes)
    if assignment.task == "regression":
        labels = np.round(random.uniform(15_000, 500_000, ROWS))
    dataset = Dataset(note=DatasetNote("made up", "c0ffee", True), csv=b"", features=np.zeros((ROWS, 9)), labels=labels)
    return RunSettings(assignment=assignment, dataset=dataset, seeds=SEEDS, further=FURTHER)


def outputs_of(settings, wrong):
    """Return outputs for all rows (n, outputs): those of the rows marked ``wrong`` are another class, or are off by
    more."""
    labels = settings.dataset.labels
    if settings.assignment.data.is_regression:
        return (labels + np.where(wrong, 150_000, 30_000))[:, None].astype(np.float32)
    return np.eye(5, dtype=np.float32)[np.where(wrong, (labels + 1) % 5, labels)]


def measured(settings, given, rows):
    metric = METRICS[settings.assignment.bar.metric]
    values = given[:, 0].astype(float) if settings.assignment.data.is_regression else given
    return metric.measure(values[rows], settings.dataset.labels[rows])


def reference_of(settings, share=0.1, guess=0.35):
    """Return reference results: the reference is wrong about ``share`` of the rows, the baseline about ``guess``."""
    theirs = [outputs_of(settings, np.random.default_rng(1).random(ROWS) < of) for of in (share, guess)]
    values = [of[:, 0] if settings.assignment.data.is_regression else of for of in theirs]
    held_out = {seed: held_out_rows(seed, settings) for seed in settings.all_seeds}
    scores = [{seed: measured(settings, of, rows) for seed, rows in held_out.items()} for of in theirs]
    small = [{seed: outputs.by_row(of[rows]) for seed, rows in held_out.items()} for of in values]
    name = settings.assignment.bar.baseline
    return ReferenceResults(
        scores=scores[0],
        baselines=scores[1],
        architecture=None,
        recipe=None,
        all_baselines={name: scores[1]},
        outputs=small[0],
        baseline_outputs={name: small[1]},
    )


def gathered_of(settings, make, known, wrong=None, seeds=SEEDS):
    """Return evidence of a submission that has inputs for the ``known`` rows only. By default its errors are not the
    reference's."""
    wrong = np.random.default_rng(2).random(ROWS) < 0.1 if wrong is None else wrong
    given = outputs_of(settings, wrong)
    rows = np.flatnonzero(known)
    held_out = {seed: held_out_rows(seed, settings) for seed in seeds}
    predictions = {seed: given[of[known[of]]] for seed, of in held_out.items()}
    runs = tuple(make.run(seed, of) for seed, of in predictions.items())
    tracing = Tracing(source=FeatureSource.TRACED, reason="found", rows=frames.reference(rows),
                      target=PLAIN if settings.assignment.data.is_regression else None)  # fmt: skip
    answer = make.model(1)
    evidence = make.evidence(
        failures=(), models=(answer,), selection=Selection(1, "the last"), tracing=tracing, runs=runs
    )
    return Gathered(evidence, {frames.reference(of).sha256: of for of in (rows, *predictions.values())})
