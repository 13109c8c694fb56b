"""The clean guest's trainer against ``model.fit``, side by side in one process: the practical's 9-100-50-5 network.

Every figure is a ratio of two ways measured in turn, the median of several rounds with its spread. Prints a table
and, given a path, writes the same as JSON.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1")

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from checker.guest import architecture, plaindata, training
from checker.records import KerasObject, Labels, Phase, Recipe, RetrainJob

ROWS, ROUNDS, BATCH = 13_209, 5, 32


def network(keras: Any) -> Any:
    layers = keras.layers
    hidden = [layers.Dense(100, activation="relu"), layers.Dense(50, activation="relu")]
    return keras.Sequential([layers.Input((9,)), *hidden, layers.Dense(5, activation="softmax")])


def make_job(keras: Any, epochs: int, seeds: tuple[int, ...]) -> RetrainJob:
    record = architecture.describe(network(keras), keras, tf)
    adam = plaindata.describe(keras.optimizers.Adam(), plaindata.OPTIMIZERS)
    phase = Phase(adam, KerasObject("SparseCategoricalCrossentropy"), epochs, BATCH, Labels.INTEGERS)
    return RetrainJob("3", record, Recipe((phase,), False), tuple("abcde"), 10**6, seeds)


def by_trainer(job: RetrainJob, data: training.SeedData) -> None:
    assert len(list(training.train(job, dict.fromkeys(job.seeds, data), tf, tf.keras))) == len(job.seeds)


def by_fit(job: RetrainJob, data: training.SeedData) -> None:
    for seed in job.seeds:
        tf.keras.utils.set_random_seed(seed)
        model = network(tf.keras)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(data.x, data.y, batch_size=BATCH, epochs=job.recipe.phases[0].epochs, verbose=0)


def seconds(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(epochs: int, seeds: tuple[int, ...], data: training.SeedData, rounds: int) -> dict[str, Any]:
    """Time both ways in turn; tracing and compilation are included."""
    job = make_job(tf.keras, epochs, seeds)
    pairs = [(seconds(lambda: by_fit(job, data)), seconds(lambda: by_trainer(job, data))) for _ in range(rounds)]
    ratios = sorted(fit / trainer for fit, trainer in pairs)
    return {
        "what": f"{len(seeds)} seeds x {epochs} epochs, tracing included",
        "fit_seconds": statistics.median(fit for fit, _ in pairs),
        "trainer_seconds": statistics.median(trainer for _, trainer in pairs),
        "ratio": statistics.median(ratios),
        "lowest": ratios[0],
        "highest": ratios[-1],
    }


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 9)).astype("float32")
    y = (np.abs(x[:, 0] * 2 + x[:, 1]) % 5).astype("int32")
    data = training.SeedData(x, y, x[:0], y[:0], x[:100])
    rows = [measure(1, (7,), data, ROUNDS), measure(20, (7, 8, 9), data, 1)]
    table = Table("what", "fit", "trainer", "fit / trainer", "lowest - highest")
    for row in rows:
        spread = f"{row['lowest']:.1f} - {row['highest']:.1f}"
        times = (f"{row['fit_seconds']:.1f} s", f"{row['trainer_seconds']:.1f} s")
        table.add_row(row["what"], *times, f"{row['ratio']:.1f}", spread)
    Console().print(table)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
