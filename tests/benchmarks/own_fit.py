"""A student's own ``fit`` in the three ways of taking an epoch: step by step, in one execution, in one loop.

The practical's network with validation, 20 epochs, tracing included, in both generations of Keras. The machine may be
shared, so seconds of the processor are compared.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import measuring
import numpy as np
import tensorflow as tf
import tf_keras
from measuring import Cost, cost_of

from checker.guest.plain.hooks import Hooks
from checker.guest.watch import executions

ROWS, WATCHED, COLUMNS, EPOCHS, ROUNDS = 13_209, 3_303, 9, 20, 3
BATCHES = (32, 128, 256)
GENERATIONS = {"Keras 3": tf.keras, "legacy Keras": tf_keras}

Result = tuple[dict[str, list[float]], list[Any]]


def network(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    hidden = [layers.Dense(size, activation="relu") for size in (100, 50)]
    model = keras.Sequential([layers.Input((COLUMNS,)), *hidden, layers.Dense(5, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def pace(keras: Any, way: str, model: Any, given: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    if way == "fit":
        return contextlib.nullcontext()
    if way == "one execution":
        return executions.one_execution(model, executions.steps_an_epoch(given))
    return executions.Pace(tf, keras).whole_epochs(model, given)


def ways(keras: Any, batch: int) -> tuple[dict[str, Callable[[], Cost]], list[Result]]:
    """Return what times each way, and where each leaves its history and weights."""
    random, results = np.random.default_rng(0), list[Result]()
    x = random.normal(size=(ROWS + WATCHED, COLUMNS)).astype("float32")
    y = (np.abs(x[:, 0] * 2 + x[:, 1]) % 5).astype("int32")
    given: dict[str, Any] = {"x": x[:ROWS], "y": y[:ROWS], "batch_size": batch, "epochs": EPOCHS, "shuffle": True}
    given |= {"validation_data": (x[ROWS:], y[ROWS:]), "verbose": 0}

    def train(way: str) -> None:
        model = network(keras)
        with pace(keras, way, model, given):
            history = model.fit(**given).history
        results.append((history, model.get_weights()))

    def timed(way: str) -> Callable[[], Cost]:
        return lambda: _by_processor(cost_of(lambda: train(way)))

    return {way: timed(way) for way in ("fit", "one execution", "one loop")}, results


def _by_processor(cost: Cost) -> Cost:
    return replace(cost, wall=cost.cpu)


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    figures = []
    with Hooks() as hooks:
        executions.stop_tuning(hooks, tf)
        for name, keras in GENERATIONS.items():
            for batch in BATCHES:
                timed, results = ways(keras, batch)
                costs = measuring.in_turn(timed, ROUNDS)
                assert all(_is_same(results[0], other) for other in results)
                what = f"{name}, batches of {batch}"
                figures += [measuring.against(what, "fit", way, costs) for way in ("one execution", "one loop")]
    measuring.publish("A student's own fit, in seconds of the processor", figures)


def _is_same(one: Result, other: Result) -> bool:
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


if __name__ == "__main__":
    main()
