"""The clean guest's trainer against ``model.fit``, and against the bare arithmetic: the practical's 9-100-50-5 network.

``fit`` is called as students call it. A step is timed in a second training of what is traced and compiled already;
whole trainings include tracing and compilation.
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

from checker import vocabulary
from checker.guest import architecture, plaindata, training
from checker.records import KerasObject, Labels, Loop, Phase, Recipe, RetrainJob

ROWS, BATCH, ROUNDS = 13_209, 32, 5
STEPS = -(-ROWS // BATCH)
SIZES = (9, 100, 50, 5)
SEEDS = (7, 8, 9)


def network(keras: Any) -> Any:
    layers = keras.layers
    hidden = [layers.Dense(size, activation="relu") for size in SIZES[1:-1]]
    return keras.Sequential([layers.Input(SIZES[:1]), *hidden, layers.Dense(SIZES[-1], activation="softmax")])


def make_job(keras: Any, epochs: int, seeds: tuple[int, ...]) -> RetrainJob:
    record = architecture.describe(network(keras), keras, tf)
    adam = plaindata.describe(keras.optimizers.Adam(), vocabulary.OPTIMIZERS)
    phase = Phase(adam, KerasObject("SparseCategoricalCrossentropy"), epochs, BATCH, Labels.INTEGERS)
    return RetrainJob("3", record, Recipe((phase,), False), tuple("abcde"), 10**6, seeds)


def by_trainer(data: training.SeedData, epochs: int, seeds: tuple[int, ...]) -> None:
    """Train as the clean guest does."""
    job = make_job(tf.keras, epochs, seeds)
    runs = [run for run, _ in training.train(job, dict.fromkeys(seeds, data), tf, tf.keras)]
    assert [run.steps for run in runs] == [epochs * STEPS] * len(seeds)


def by_fit(data: training.SeedData, epochs: int, seeds: tuple[int, ...]) -> None:
    for seed in seeds:
        tf.keras.utils.set_random_seed(seed)
        model = network(tf.keras)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(data.x, data.y, batch_size=BATCH, epochs=epochs, verbose=0)


def fit_step(data: training.SeedData) -> Cost:
    """Return the cost of a step of ``fit``."""
    model = network(tf.keras)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.x[:BATCH], data.y[:BATCH], batch_size=BATCH, verbose=0)
    epochs = 4
    return _per(epochs * STEPS, lambda: model.fit(data.x, data.y, batch_size=BATCH, epochs=epochs, verbose=0))


def loop_step(data: training.SeedData, loop: Loop) -> Cost:
    """Return the cost of a step of one of the trainer's loops."""
    epochs = 40
    trainer = training.Trainer(make_job(tf.keras, epochs, (7,)), data.x, tf, tf.keras, loop)
    trainer.run(7, data)
    return _per(epochs * STEPS, lambda: trainer.run(8, data))


def _per(steps: int, train: Callable[[], object]) -> Cost:
    whole = cost_of(train)
    return Cost(whole.wall / steps, whole.cpu / steps, whole.peak_mib)


def bare_step() -> Cost:
    """Return the cost of a step's matrix products alone: forward, and backward to weights and to inputs."""
    random = np.random.default_rng(0)
    pairs = []
    for inputs, outputs in itertools.pairwise(SIZES):
        x, w, g = (random.normal(size=s).astype("f4") for s in ((BATCH, inputs), (inputs, outputs), (BATCH, outputs)))
        pairs += [(x, w), (x.T, g)] + ([(g, w.T)] if inputs != SIZES[0] else [])
    rounds = 20_000

    def multiply() -> None:
        for _ in range(rounds):
            for a, b in pairs:
                a @ b

    return _per(rounds, multiply)


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, SIZES[0])).astype("float32")
    y = (np.abs(x[:, 0] * 2 + x[:, 1]) % 5).astype("int32")
    data = training.SeedData(x, y, x[:0], y[:0], x[:100])

    def whole(epochs: int) -> dict[str, Callable[[], Cost]]:
        return {
            "fit": lambda: cost_of(lambda: by_fit(data, epochs, SEEDS)),
            "trainer": lambda: cost_of(lambda: by_trainer(data, epochs, SEEDS)),
        }

    fit, floor = {"fit": lambda: fit_step(data)}, {"matrix products alone": bare_step}
    graph = {"graph loop": partial(loop_step, data, Loop.GRAPH)}
    xla = {"XLA": partial(loop_step, data, Loop.XLA)}
    figures = [
        measuring.compare("a step", fit | graph, ROUNDS),
        measuring.compare("a step", fit | xla, ROUNDS),
        measuring.compare("a step", xla | floor, ROUNDS),
        measuring.compare("3 seeds, 20 epochs, tracing and compilation included", whole(20), 3),
        measuring.compare("3 seeds, 100 epochs, tracing and compilation included", whole(100), 1),
    ]
    measuring.publish("The trainer against fit", figures, measuring.output_path())


if __name__ == "__main__":
    main()
