"""Variants trained in real boxes: figures to the last digit, curves as they come, and an end on request."""

import json
import threading
import time
from dataclasses import replace

import pytest

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

keras.utils.set_random_seed(1)
data = pd.read_csv("housing.csv").dropna()
classes = ["<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"]
labels = data.pop("ocean_proximity").map({name: number for number, name in enumerate(classes)}).to_numpy()
raw = data.to_numpy()
last = 14_000
scaled = StandardScaler().fit(raw[:last]).transform(raw)

def trained(x, *hidden, rate=0.001):
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    model = keras.Sequential([keras.Input((x.shape[1],)), *layers, keras.layers.Dense(5, activation="softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:last], labels[:last], validation_data=(x[last:], labels[last:]), epochs=2, batch_size=256, verbose=0)
    return model

dropped = trained(scaled, 20)
faster = trained(scaled, 20, 10, rate=0.01)
unscaled = trained(raw, 20, 10)
narrower = trained(np.delete(scaled, 0, axis=1), 20, 10)
original = trained(scaled, 20, 10)
"""
SEEDS = (11, 23)


@pytest.fixture(scope="module")
def settings(assignment, practice):
    return RunSettings(assignment=assignment, dataset=practice, seeds=SEEDS)


@pytest.fixture(scope="module")
def pool():
    pool = places.Pool()
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def submission(tmp_path_factory):
    """A file with a network, and with the same network changed in four ways."""
    folder = tmp_path_factory.mktemp("in")
    cell = {"cell_type": "code", "source": NOTEBOOK, "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "id": "one"}]}
    (folder / "ada.ipynb").write_text(json.dumps(notebook))
    (found,) = choice.find(folder)
    return found


@pytest.fixture(scope="module")
def gathered(pool, submission, settings):
    """The evidence, with the last network as the answer."""
    return pool.gather(submission, settings, unwatched)


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
    assert [(of.seed, of.at) for of in epochs] == [(11, 1), (11, 2), (23, 1), (23, 2)]
    assert epochs[1].values["val_loss"] == gathered.evidence.runs[0].history["val_loss"][1]


def test_one_seed_alone_has_the_same_figures(pool, gathered, settings):
    """The second seed alone has the figures that it has together with the first."""
    result, _ = tried(pool, gathered, Variant(seeds=(23,)), settings)
    assert [(of.seed, of.score) for of in result.seeds] == [(23, result.seeds[0].original)]
    assert result.effect is Effect.UNKNOWN


@pytest.mark.parametrize(
    ("variable", "variant"),
    [
        ("dropped", "drop-layer"),
        ("faster", "rate-up"),
        ("unscaled", "unscaled"),
        ("narrower", Variant(without=("longitude",))),
    ],
)
def test_a_variant_has_the_figures_of_a_submission_with_the_change(
    pool, submission, gathered, settings, variable, variant
):
    """A network without a layer, with ten times the learning rate, unscaled, or without a column has the scores of a
    submission that has this change, to the last digit."""
    if isinstance(variant, str):
        variant = presets.preset(original_of(gathered, settings), variant).variant
    handed_in = pool.answer_again(gathered, submission, replace(settings, model=variable), unwatched)
    assert handed_in.evidence.answer.variable == variable
    _, changed = tried(pool, gathered, variant, settings)
    assert results.seed_scores(changed, settings) == results.seed_scores(handed_in, settings)
    assert [run.history for run in changed.evidence.runs] == [run.history for run in handed_in.evidence.runs]


def test_a_training_that_nobody_waits_for_ends_at_once(pool, gathered, settings):
    """A long training ends within a second of being unwanted, and its box takes the next one without a new start."""
    began, unwanted = threading.Event(), threading.Event()
    live = Live(lambda epoch: began.set(), lambda: not unwanted.is_set())
    asked = []

    def stop():
        began.wait(60)
        asked.append(time.monotonic())
        unwanted.set()

    threading.Thread(target=stop).start()
    with pytest.raises(StoppedError):
        pool.train_variant(gathered, Variant(epochs=900), settings, live)
    assert time.monotonic() - asked[0] < 5
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
