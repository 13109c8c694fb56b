"""The clean guest's trainer against ``model.fit``, and against the bare arithmetic: the practical's 9-100-50-5 network.

``fit`` is called as students call it. A step is timed in trainings of what is traced and compiled already, in batches
of Keras's default size and of those that students often choose; whole trainings, in batches of the default size,
include tracing and compilation.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import itertools

import measuring
import numpy as np
import tensorflow as tf
from measuring import Cost, cost_of

from checker.guest.plain import architecture, plaindata
from checker.guest.train import training
from checker.keras_spec import allow_list
from checker.records.job import RetrainJob
from checker.records.network import KerasObject, Labels, Phase, Recipe
from checker.records.training import Loop

ROWS, ROUNDS = 13_209, 5
DEFAULT_BATCH = 32
BATCHES = (DEFAULT_BATCH, 128, 256)
STEPS, QUICK_STEPS = 800, 8_000
"""About so many are timed in one go, as many as whole epochs have: of what is quick more, to last as long."""
SIZES = (9, 100, 50, 5)
SEEDS = (7, 8, 9)


def steps_of(batch: int) -> int:
    """Return the steps of an epoch."""
    return -(-ROWS // batch)


def network(keras: Any) -> Any:
    layers = keras.layers
    hidden = [layers.Dense(size, activation="relu") for size in SIZES[1:-1]]
    return keras.Sequential([layers.Input(SIZES[:1]), *hidden, layers.Dense(SIZES[-1], activation="softmax")])


def make_job(keras: Any, epochs: int, seeds: tuple[int, ...], batch: int) -> RetrainJob:
    record = architecture.describe(network(keras), keras, tf)
    adam = plaindata.describe(keras.optimizers.Adam(), allow_list.OPTIMIZERS)
    phase = Phase(
        optimizer=adam,
        loss=KerasObject("SparseCategoricalCrossentropy"),
        epochs=epochs,
        batch_size=batch,
        labels=Labels.INTEGERS,
    )
    return RetrainJob(
        keras="3",
        architecture=record,
        recipe=Recipe(phases=(phase,), development=False),
        classes=tuple("abcde"),
        parameters=10**6,
        seeds=seeds,
    )


def by_trainer(data: training.SeedData, epochs: int, seeds: tuple[int, ...], batch: int) -> None:
    """Train as the clean guest does."""
    job = make_job(tf.keras, epochs, seeds, batch)
    runs = [run for run, *_ in training.train(job, dict.fromkeys(seeds, data), tf, tf.keras)]
    assert [run.steps for run in runs] == [epochs * steps_of(batch)] * len(seeds)


def by_fit(data: training.SeedData, epochs: int, seeds: tuple[int, ...], batch: int) -> None:
    for seed in seeds:
        tf.keras.utils.set_random_seed(seed)
        model = network(tf.keras)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(data.x, data.y, batch_size=batch, epochs=epochs, verbose=0)


def step_costs(data: training.SeedData, batch: int) -> list[dict[str, Cost]]:
    """Return what a step costs in each way, in each round."""
    loops = {"graph loop": Loop.GRAPH, "XLA": Loop.XLA}
    ways = {"fit": fit_step(data, batch)} | {name: loop_step(data, batch, loop) for name, loop in loops.items()}
    return measuring.in_turn(ways | {"matrix products alone": bare_step(batch)}, ROUNDS)


def fit_step(data: training.SeedData, batch: int) -> Callable[[], Cost]:
    """Return what times a step of ``fit``."""
    model, epochs = network(tf.keras), round(STEPS / steps_of(batch))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.x, data.y, batch_size=batch, verbose=0)
    fit = partial(model.fit, data.x, data.y, batch_size=batch, epochs=epochs, verbose=0)
    return lambda: _per(epochs * steps_of(batch), fit)


def loop_step(data: training.SeedData, batch: int, loop: Loop) -> Callable[[], Cost]:
    """Return what times a step of one of the trainer's loops."""
    epochs = round(QUICK_STEPS / steps_of(batch))
    job = make_job(tf.keras, epochs, (7,), batch)
    trainer = training.Trainer(job, training.seeded(7, job, data.x, tf.keras), len(data.x), tf, tf.keras, loop)
    trainer.run(7, data)
    return lambda: _per(epochs * steps_of(batch), lambda: trainer.run(8, data))


def bare_step(batch: int) -> Callable[[], Cost]:
    """Return what times a step's matrix products alone: forward, and backward to weights and to inputs."""
    random = np.random.default_rng(0)
    pairs = []
    for inputs, outputs in itertools.pairwise(SIZES):
        x, w, g = (random.normal(size=s).astype("f4") for s in ((batch, inputs), (inputs, outputs), (batch, outputs)))
        pairs += [(x, w), (x.T, g)] + ([(g, w.T)] if inputs != SIZES[0] else [])

    def multiply() -> None:
        for _ in range(QUICK_STEPS):
            for a, b in pairs:
                a @ b

    return lambda: _per(QUICK_STEPS, multiply)


def _per(steps: int, train: Callable[[], object]) -> Cost:
    whole = cost_of(train)
    return Cost(whole.wall / steps, whole.cpu / steps, whole.peak_mib)


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, SIZES[0])).astype("float32")
    y = (np.abs(x[:, 0] * 2 + x[:, 1]) % 5).astype("int32")
    data = training.SeedData(x, y, x[:0], y[:0], x[:100])

    def whole(epochs: int) -> dict[str, Callable[[], Cost]]:
        return {
            "fit": lambda: cost_of(lambda: by_fit(data, epochs, SEEDS, DEFAULT_BATCH)),
            "trainer": lambda: cost_of(lambda: by_trainer(data, epochs, SEEDS, DEFAULT_BATCH)),
        }

    figures = []
    for batch in BATCHES:
        what, costs = f"a step, batches of {batch}", step_costs(data, batch)
        pairs = (("fit", "graph loop"), ("fit", "XLA"), ("XLA", "matrix products alone"))
        figures += [measuring.against(what, slow, fast, costs) for slow, fast in pairs]
    figures += [
        measuring.compare("3 seeds, 20 epochs, tracing and compilation included", whole(20), 3),
        measuring.compare("3 seeds, 100 epochs, tracing and compilation included", whole(100), 1),
    ]
    measuring.publish("The trainer against fit", figures)


if __name__ == "__main__":
    main()
