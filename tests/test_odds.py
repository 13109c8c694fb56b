"""How often honest networks pass or are referred, by an assignment's own seeds and rows."""

from dataclasses import replace

import numpy as np
import pytest

from checker.judge import odds
from checker.records.assignment import DatasetNote
from checker.records.dataset import Dataset
from checker.records.settings import ReferenceResults, RunSettings
from checker.scoring.held_out import held_out_rows
from checker.scoring.metrics import METRICS
from checker.scoring.outputs import as_predictions

NOTE = DatasetNote("made up", "ab" * 32, False)
SEEDS, FURTHER = tuple(range(1, 11)), tuple(range(11, 21))


def classes_of(rows, error, assignment, tolerance=0.1, shift=0.0):
    """Settings with two classes, and a reference that errs at random, in some seeds more than in others."""
    random = np.random.default_rng(rows)
    labels = (np.arange(rows) % 2).astype(np.int32)
    data = Dataset(note=NOTE, csv=b"", features=np.zeros((rows, 1)), labels=labels, words={})
    assignment = replace(
        assignment,
        data=replace(assignment.data, classes=("a", "b")),
        bar=replace(assignment.bar, tolerance=tolerance, share=None, level=0.1),
    )
    settings = RunSettings(assignment=assignment, dataset=data, seeds=SEEDS, further=FURTHER)
    outputs = {}
    for seed in settings.all_seeds:
        true = labels[held_out_rows(seed, settings)]
        wrong = random.random(len(true)) < error + shift * random.choice([-1, 1])
        outputs[seed] = np.where(wrong, 1 - true, true).astype(np.uint8)
    return settings, results(outputs, settings, 2)


def results(outputs, settings, classes):
    measure = METRICS[settings.assignment.bar.metric].measure
    true = {seed: settings.dataset.labels[held_out_rows(seed, settings)] for seed in outputs}
    scores = {seed: measure(as_predictions(of, classes), true[seed]) for seed, of in outputs.items()}
    return ReferenceResults(scores=scores, baselines=dict.fromkeys(scores, 0.4), outputs=outputs)


@pytest.mark.parametrize("rows", [150, 600, 20_000])
def test_the_spread_is_that_of_errors_by_chance(assignment, rows):
    """Of networks that err at random, two scores differ by about what the number of held-out rows says."""
    settings, reference = classes_of(rows, 0.1, assignment)
    found = odds.prospects(reference, settings)
    assert found.held_out == rows / 5
    assert found.spread == pytest.approx(np.sqrt(2 * 0.1 * 0.9 / found.held_out), rel=0.3)


def test_what_a_whole_training_does_counts_too(assignment):
    """Where some trainings are worse than others, the spread is more than that of single rows, also with many rows."""
    settings, reference = classes_of(20_000, 0.1, assignment, shift=0.03)
    assert odds.prospects(reference, settings).spread == pytest.approx(0.03 * np.sqrt(2), rel=0.25)


def test_few_rows_mean_many_referrals(assignment):
    """With 30 held-out rows an honest network as good as the reference is often referred, with 4,000 never; it hardly
    ever fails; half way to the bar more are referred."""
    few, many = (odds.prospects(*reversed(classes_of(rows, 0.1, assignment))) for rows in (150, 20_000))
    assert 0.05 < few.as_good.referred < 0.6
    assert few.as_good.failed < 0.01
    assert few.half_way.referred > few.as_good.referred
    assert many.as_good == odds.Odds(1.0, 0.0, 0.0)
    for of in (few.as_good, few.half_way, many.half_way):
        assert of.passed + of.referred + of.failed == pytest.approx(1)


def test_a_reference_that_never_errs_has_no_spread(assignment):
    """Where nothing varies every honest network passes."""
    settings, reference = classes_of(150, 0.0, assignment)
    assert odds.prospects(reference, settings).as_good == odds.Odds(1.0, 0.0, 0.0)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_the_spread_is_in_the_metric_of_the_bar(regression, metric):
    """Of a regression, what is computed from errors by row is how much the metric itself differs between equally good
    networks on the same rows."""
    random, rows = np.random.default_rng(3), 5_000
    labels = random.normal(size=rows) * 10
    data = Dataset(note=NOTE, csv=b"", features=np.zeros((rows, 1)), labels=labels, words={})
    changed = replace(regression, bar=replace(regression.bar, metric=metric, share=None, tolerance=0.1))
    settings = RunSettings(assignment=changed, dataset=data, seeds=SEEDS, further=FURTHER)
    outputs = {
        seed: (true + random.normal(size=len(true))).astype(np.float32)
        for seed in settings.all_seeds
        for true in [labels[held_out_rows(seed, settings)]]
    }
    found = odds.prospects(results(outputs, settings, 0), settings)
    true = labels[held_out_rows(1, settings)]
    measured = [METRICS[metric].measure(true + random.normal(size=len(true)), true) for _ in range(2_000)]
    assert found.spread == pytest.approx(np.sqrt(2) * np.std(measured), rel=0.2)
