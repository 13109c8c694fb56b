"""The script that a demonstrator runs, against the clean guest: the same outputs, in every bit."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from record_types import NO_STATISTICS

from checker.assignment import dataset
from checker.gather import retraining
from checker.gather.rows import preparation
from checker.guest.plain import architecture, plaindata
from checker.guest.train import training
from checker.keras_spec import allow_list
from checker.records.assignment import Assignment
from checker.records.comparison import Comparison, SeedScore
from checker.records.evidence import Selection
from checker.records.gathered import Gathered
from checker.records.job import RetrainJob
from checker.records.network import KerasObject, Labels, Phase, Recipe
from checker.records.settings import RunSettings
from checker.records.tracing import Column, FeatureSource, FittedOn, Scaler, ScalerKind, TargetScale, Tracing
from checker.records.training import Loop
from checker.report import scripts
from checker.scoring import splits, targets
from checker.scoring.held_out import held_out_split
from checker.scoring.metrics import METRICS
from checker.wire import frames

pytestmark = pytest.mark.tensorflow

SEEDS = (11, 23)
SCALE = TargetScale(0.7, -1.5, 1.0)


def a_phase(keras: Any, optimizer: Any, loss: Any = "sparse_categorical_crossentropy", **more: Any) -> Phase:
    settings = {"epochs": 2, "batch_size": 256, "labels": Labels.INTEGERS, **more}
    described = plaindata.describe(optimizer, allow_list.OPTIMIZERS)
    return Phase(optimizer=described, loss=plaindata.loss_object(loss), **settings)


def stopping(keras: Any) -> tuple[Any, Recipe]:
    layers = keras.layers
    model = keras.Sequential([layers.Input((9,)), layers.Dense(30, "tanh", kernel_regularizer="l2"), layers.Dense(5)])
    watch = {"monitor": "val_acc", "patience": 1, "mode": "auto", "min_delta": 0.02, "restore_best_weights": True}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    early = KerasObject("EarlyStopping", watch)
    return model, Recipe(
        phases=(a_phase(keras, keras.optimizers.SGD(0.5), loss, epochs=8, early_stopping=early),), development=True
    )


def dropping(keras: Any) -> tuple[Any, Recipe]:
    layers = keras.layers
    stack = [layers.Input((9,)), layers.Dense(40, kernel_initializer="he_normal"), layers.BatchNormalization()]
    stack += [layers.LeakyReLU(0.2), layers.Dropout(0.3), layers.Dense(5, "softmax")]
    weights = {"0": 1.0, "2": 20.0, "4": 2.0}
    first = a_phase(
        *(keras, keras.optimizers.Nadam(0.003), "categorical_crossentropy"),
        labels=Labels.ONE_HOT,
        class_weight=weights,
        rates=(0.01, 0.002),
    )
    return keras.Sequential(stack), Recipe(
        phases=(first, a_phase(keras, keras.optimizers.RMSprop(), steps=90)), development=False
    )


def wired(keras: Any) -> tuple[Any, Recipe]:
    layers = keras.layers
    left, right = layers.Input((5,)), layers.Input((4,))
    normalise, shared = layers.Normalization(), layers.Dense(8, "relu")
    normalise.adapt(np.random.default_rng(0).normal(size=(50, 5)))
    frozen = layers.Dense(8, trainable=False)
    sides = [shared(layers.Dense(6)(normalise(left))), shared(layers.Dense(6)(right)), frozen(right)]
    model = keras.Model([left, right], layers.Dense(5, "softmax")(layers.Concatenate()(sides)))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 20, 0.9)
    plateau = KerasObject("ReduceLROnPlateau", {"monitor": "val_loss", "patience": 0, "factor": 0.1, "min_delta": 9.0})
    first = a_phase(keras, keras.optimizers.Adam(0.004), plateau=plateau)
    phases = (first, replace(first, recompiled=False), a_phase(keras, keras.optimizers.SGD(schedule), batch_size=100))
    return model, Recipe(phases=phases, development=True)


def valuing(keras: Any) -> tuple[Any, Recipe]:
    layers = keras.layers
    model = keras.Sequential([layers.Input((8,)), layers.Dense(30, "relu"), layers.Dense(1)])
    early = KerasObject("EarlyStopping", {"monitor": "val_mae", "patience": 1, "mode": "max"})
    best = KerasObject("ModelCheckpoint", {"monitor": "val_loss", "mode": "min"})
    watched = {"early_stopping": early, "checkpoint": best}
    phase = a_phase(keras, keras.optimizers.Adam(0.01), "huber", labels=Labels.NUMBERS, epochs=4, **watched)
    return model, Recipe(phases=(phase,), development=True)


@pytest.mark.parametrize("make_network", [stopping, dropping, wired, valuing])
def test_a_script_gives_what_the_clean_guest_gives(
    tf: Any,
    make: Any,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    make_network: Any,
    tmp_path: Path,
) -> None:
    """Outputs for the held-out rows, the figure and the number of epochs are those of the graph loop."""
    is_regression = make_network is valuing
    assignment: Assignment = request.getfixturevalue("regression" if is_regression else "assignment")
    data: dataset.Dataset = request.getfixturevalue("prices" if is_regression else "practice")
    model, recipe = make_network(tf.keras)
    record = architecture.describe(model, tf.keras, tf)
    settings = RunSettings(assignment=assignment, dataset=data, seeds=SEEDS)
    rows = np.arange(len(data.labels), dtype=np.int32)
    features = splits.handout_features(data.features, rows)
    scaler = Scaler(ScalerKind.STANDARD, FittedOn.WATCHED_TOO if recipe.development else FittedOn.TRAINED)
    columns = tuple(Column(source=name, **NO_STATISTICS, scaler=scaler) for name in assignment.data.features)
    named = {
        "rows": frames.reference(rows),
        "features": frames.reference(features),
        "trainable": frames.reference(rows),
    }
    expected, measured, runs = {}, {}, []
    for seed in SEEDS:
        part = held_out_split(seed, recipe.development, None, settings)
        x = preparation.scaled(features, *preparation.by_seed(features, rows, columns, part.training, part.development))
        y = targets.apply(SCALE, data.labels).astype(np.float32).reshape(-1, 1) if is_regression else data.labels
        learned, watched = (x[part.training], y[part.training]), (x[part.development], y[part.development])
        job = RetrainJob(
            keras="3",
            architecture=record,
            recipe=recipe,
            classes=assignment.data.classes,
            parameters=10**6,
            seeds=(seed,),
        )
        given = {seed: training.SeedData(*learned, *watched, x[part.held_out])}
        ((run, outputs, _),) = training.train(job, given, tf, tf.keras)
        if is_regression:
            outputs = np.clip(targets.undo(SCALE, outputs[:, 0]), data.labels.min(), data.labels.max())
        expected[seed] = outputs
        measured[seed] = METRICS[assignment.bar.metric].measure(outputs, data.labels[part.held_out])
        runs.append(run)
    assert {run.loop for run in runs} == {Loop.GRAPH}
    evidence = make.evidence(
        models=(make.model(1, architecture=record),),
        selection=Selection(1, "the only one"),
        tracing=Tracing(
            source=FeatureSource.TRACED, reason="", columns=columns, target=SCALE if is_regression else None, **named
        ),
        recipe=recipe,
        runs=tuple(runs),
    )
    scores = tuple(SeedScore(seed, figure, 0, 0) for seed, figure in measured.items())
    compared = Comparison(
        metric=assignment.bar.metric,
        scores=scores,
        mean=0,
        spread=0.01,
        reference_mean=0,
        reference_spread=0,
        baseline_mean=0,
        bar=0,
        band=0,
        training_mean=None,
        confusion=(),
        recalls=(),
        baseline="guess",
        higher_is_better=True,
    )

    script = scripts.render(evidence, compared, assignment, data.note)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # TensorFlow is imported already
    gathered = Gathered(evidence, {frames.reference(array).sha256: array for array in (rows, features)})
    np.savez(tmp_path / "script.npz", **retraining.archive(gathered, settings))
    namespace: dict[str, Any] = {"__name__": "script", "__file__": str(tmp_path / "script.py")}
    exec(compile(script or "", "script.py", "exec"), namespace)
    score, seen = namespace["score"], []
    namespace["score"] = lambda outputs, labels: seen.append(outputs) or score(outputs, labels)
    table = pd.read_csv(dataset.PRACTICE)
    for run in runs:
        assert namespace["run"](table, run.seed) == (measured[run.seed], run.epochs)
        assert np.array_equal(seen.pop(), expected[run.seed])
