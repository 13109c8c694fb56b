"""Variants trained in real boxes: figures to the last digit, curves as they come, and an end on request."""

import json
from dataclasses import replace

import numpy as np
import pytest
from trained import small_data

from checker.errors import StoppedError
from checker.records.settings import Live, RunSettings, unwatched
from checker.records.variants import Effect, LayerChange, Scaling, Variant
from checker.run import places
from checker.submissions import choice
from checker.whatif import presets, results
from checker.whatif.originals import original_of

pytestmark = [pytest.mark.wall]

NOTEBOOK = """
import keras, numpy as np, pandas as pd
from sklearn.preprocessing import StandardScaler

data = pd.read_csv("housing.csv")
classes = ["<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"]
labels = data.pop("ocean_proximity").map({name: number for number, name in enumerate(classes)}).to_numpy()
gaps = data["total_bedrooms"].isna().to_numpy()
filled = data.fillna(data.mean()).to_numpy()
raw, last = filled[~gaps], 700

def scaling(x):
    return StandardScaler().fit(x[:last]).transform(x)

def trained(x, *hidden, activation="relu", rate=0.005, epochs=5):
    y = labels if len(x) == len(labels) else labels[~gaps]
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((x.shape[1],))])
    for of in hidden:
        model.add(keras.layers.Dense(of, activation=activation) if of >= 1 else keras.layers.Dropout(of))
    model.add(keras.layers.Dense(5, activation="softmax"))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:last], y[:last], validation_data=(x[last:], y[last:]), epochs=epochs, batch_size=128, verbose=0)
    return model

scaled = scaling(raw)
shallower = trained(scaled, 100)
wider = trained(scaled, 200, 100)
dropping = trained(scaled, 100, 0.2, 50, 0.2)
halving = trained(scaled, 100, 0.5, 50, 0.5)
faster = trained(scaled, 100, 50, rate=0.05)
longest = trained(scaled, 100, 50, epochs=100)
unscaled = trained(raw, 100, 50)
narrower = trained(np.delete(scaled, 0, axis=1), 100, 50)
straight = trained(scaled, 100, 50, activation="linear")
filled_scaled = trained(scaling(filled), 100, 50)
filled_unscaled = trained(filled, 100, 50)
original = trained(scaled, 100, 50)
"""
SEEDS = (11, 23)
ONE_ROW = 0.0051
"""A row's share of the score: a fifth of the small data's 1,000 rows is held out."""


@pytest.fixture(scope="module")
def settings(assignment):
    return RunSettings(assignment=assignment, dataset=small_data(assignment), seeds=SEEDS)


@pytest.fixture(scope="module")
def gaps(settings):
    """Numbers of the rows with a gap."""
    return np.flatnonzero(np.isnan(settings.dataset.features).any(axis=1))


@pytest.fixture(scope="module")
def pool():
    pool = places.Pool()
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def submission(tmp_path_factory):
    """A file with a network, and with the same network changed in each way that a preset changes it."""
    folder = tmp_path_factory.mktemp("in")
    cell = {"cell_type": "code", "source": NOTEBOOK, "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "id": "one"}]}
    (folder / "ada.ipynb").write_text(json.dumps(notebook))
    (found,) = choice.find(folder)
    return found


@pytest.fixture(scope="module")
def gathered(pool, submission, settings):
    """The evidence, with the network `original` as the answer."""
    return pool.gather(submission, replace(settings, model="original"), unwatched)


def tried(pool, gathered, variant, settings, tell=lambda epoch: None):
    changed = pool.train_variant(gathered, variant, settings, Live(tell, lambda: True))
    return results.tried(gathered, changed, variant, settings), changed


def test_the_unchanged_network_has_the_reports_figures(pool, gathered, settings):
    """An unchanged variant has the histories, outputs and scores of the report to the last digit, and no effect; each
    epoch arrives as it ends."""
    epochs = []
    result, changed = tried(pool, gathered, Variant(), settings, epochs.append)
    assert [run.history for run in changed.evidence.runs] == [run.history for run in gathered.evidence.runs]
    assert [run.predictions for run in changed.evidence.runs] == [run.predictions for run in gathered.evidence.runs]
    assert all(of.score == of.original is not None for of in result.seeds) and result.gain == 0
    assert result.effect is Effect.NOISE
    assert [(of.seed, of.at) for of in epochs] == [(seed, at) for seed in SEEDS for at in range(1, 6)]
    assert epochs[1].values["val_loss"] == gathered.evidence.runs[0].history["val_loss"][1]


def test_one_seed_alone_has_the_same_figures(pool, gathered, settings):
    """The second seed alone has the figures that it has together with the first."""
    result, _ = tried(pool, gathered, Variant(seeds=(23,)), settings)
    assert [(of.seed, of.score) for of in result.seeds] == [(23, result.seeds[0].original)]
    assert result.effect is Effect.UNKNOWN


@pytest.fixture(scope="module")
def handed_in(pool, submission, gathered, settings):
    """Makes a network of the file the answer, as if it had been handed in; returns its evidence."""
    found = {"original": gathered}

    def hand_in(variable):
        if variable not in found:
            named = replace(settings, model=variable)
            found[variable] = pool.answer_again(gathered, submission, named, unwatched)
            assert found[variable].evidence.answer.variable == variable
        return found[variable]

    return hand_in


@pytest.fixture
def both(pool, handed_in, settings):
    """Trains a preset of a network; returns this evidence and that of a submission with the change, with the scores of
    each."""

    def train(preset, variable, before):
        theirs = handed_in(variable)
        variant = presets.preset(original_of(handed_in(before), settings), preset).variant
        _, ours = tried(pool, handed_in(before), variant, settings)
        return [(of, results.seed_scores(of, settings)) for of in (ours, theirs)]

    return train


CHANGED = {
    "drop-layer": ("shallower", "original"),
    "add-layer": ("original", "shallower"),
    "double-units": ("wider", "original"),
    "no-dropout": ("original", "dropping"),
    "half-dropout": ("halving", "original"),
    "rate-up": ("faster", "original"),
    "rate-down": ("original", "faster"),
    "5-epochs": ("original", "longest"),
    "100-epochs": ("longest", "original"),
    "unscaled": ("unscaled", "original"),
    "scaled": ("original", "unscaled"),
    "without-column": ("narrower", "original"),
    "linear": ("straight", "original"),
    "bent": ("original", "straight"),
}
"""For each preset a network of the file that has its change, and the one that is changed."""


def test_each_preset_is_compared():
    """No preset is left out below."""
    assert set(CHANGED) == set(presets.MAKERS)


@pytest.mark.parametrize(
    ("preset", "variable", "before"),
    [*((of, *pair) for of, pair in CHANGED.items() if of != "scaled"), ("half-dropout", "halving", "dropping")],
)
def test_a_preset_has_the_figures_of_a_submission_with_the_change(both, preset, variable, before):
    """A preset's network has the losses, outputs and scores of a submission that has this change, to the last digit;
    50% dropout also where there was some before."""
    (ours, scores), (theirs, their_scores) = both(preset, variable, before)
    assert scores == their_scores and set(scores) == set(SEEDS)
    assert [run.history for run in ours.evidence.runs] == [run.history for run in theirs.evidence.runs]
    assert [run.predictions for run in ours.evidence.runs] == [run.predictions for run in theirs.evidence.runs]


def test_inputs_that_are_scaled_here_differ_in_their_last_bits(both):
    """With scaling on, scores are a submission's and outputs nearly: a student scales numbers of 64 bits by all their
    training rows and rounds them, we scale numbers of 32 bits, and training carries on what that rounds otherwise."""
    (ours, scores), (theirs, their_scores) = both("scaled", *CHANGED["scaled"])
    assert scores == pytest.approx(their_scores, abs=ONE_ROW)
    for own, their in zip(ours.evidence.runs, theirs.evidence.runs, strict=True):
        assert own.history["loss"] == pytest.approx(their.history["loss"], rel=1e-5)
        assert np.abs(ours.array(own.predictions) - theirs.array(their.predictions)).max() < 1e-4


def test_gaps_that_were_filled_before_scaling_come_back_to_six_digits(both, gaps):
    """With scaling off, a gap that the student filled is right to six digits, because it is computed back from 32 bits;
    all other inputs are the data's own, and scores are a submission's within a row."""
    (ours, scores), (theirs, their_scores) = both("unscaled", "filled_unscaled", "filled_scaled")
    own, their = (of.array(of.evidence.tracing.features) for of in (ours, theirs))
    assert np.array_equal(np.unique(np.argwhere(own != their)[:, 0]), gaps)
    assert own[gaps] == pytest.approx(their[gaps], rel=1e-6)
    assert scores == pytest.approx(their_scores, abs=ONE_ROW)


def test_a_training_that_nobody_waits_for_ends_at_once(pool, gathered, settings):
    """A long training that is unwanted after its first epoch ends long before its last, and its box takes the next one
    without a new start."""
    told = []
    live = Live(told.append, lambda: not told)
    with pytest.raises(StoppedError):
        pool.train_variant(gathered, Variant(epochs=5_000), settings, live)
    assert 0 < len(told) < 5_000
    (box,) = {boxes.ours for boxes in pool._idle}
    process = box._warm.process
    tried(pool, gathered, Variant(epochs=1), settings)
    assert box._warm.process is process and process.poll() is None


def test_a_diverged_training_says_when(pool, gathered, settings):
    """A loss that became NaN is told with its epoch and seed, and there is no score."""
    linear = tuple(LayerChange(at=at, activation="linear") for at in (1, 2))
    variant = Variant(layers=linear, learning_rate=1_000.0, optimizer="SGD", scaling=Scaling.OFF)
    result, _ = tried(pool, gathered, variant, settings)
    assert "became NaN in 2 of 2 trainings: in epoch 1 (seed 11)" in result.sentence
    assert result.effect is Effect.WORSE and [of.score for of in result.seeds] == [None, None]
