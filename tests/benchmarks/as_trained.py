"""What it costs to note how networks do as trained: notebooks run with the witness and without it, in turn.

A notebook trains networks on the hand-out's parts, watches the development part and tests each on the test part; a cell
ends after each network. What the witness sends is counted in bytes.
"""

import os
from functools import partial
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

from dataclasses import asdict

import measuring
import numpy as np
import tensorflow as tf
from measuring import Cost, cost_of
from rich.console import Console

from checker.frames import pack
from checker.guest import executions
from checker.guest.as_trained import Witness
from checker.guest.capture import Capture
from checker.guest.ledger import Ledger
from checker.records import Caps

ROUNDS = 3
TRAINING, DEVELOPMENT, TEST = 13_209, 3_303, 4_128
CAPS = Caps(10**6, 10**7, 10**6, 10**6)
NOTEBOOKS = {
    "one network, 20 epochs, batches of 32": (1, 20, 32),
    "one network, 20 epochs, batches of 128": (1, 20, 128),
    "twenty networks, 12 epochs each, batches of 128": (20, 12, 128),
}


class Sent:
    """Counts what is sent of networks' answers."""

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, record: Any, arrays: tuple[Any, ...]) -> None:
        self.bytes += sum(len(pack(array)) for array in arrays)


def notebook(capture: Capture, networks: int, epochs: int, batch: int, sent: Sent | None) -> None:
    """Run a notebook's cells, with a witness where somebody takes what it sends."""
    capture.ledger = Ledger(tf, CAPS, lambda record, arrays: None, lambda: 1)
    witness = None if sent is None else Witness(tf, capture.ledger, 5, sent.add, capture.inside)
    for number in range(networks):
        model = tf.keras.Sequential(
            [
                tf.keras.layers.Input((9,)),
                *(tf.keras.layers.Dense(n, "relu") for n in (100, 50)),
                tf.keras.layers.Dense(5),
            ]
        )
        model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(*PARTS[0], epochs=epochs, batch_size=batch, validation_data=PARTS[1], verbose=0)
        model.evaluate(*PARTS[2], verbose=0)
        capture.scan({f"net{number}": model})
        if witness is not None:
            witness.end_cell(number == networks - 1)


def timed(capture: Capture, shape: tuple[int, int, int], sent: Sent | None) -> Cost:
    return cost_of(partial(notebook, capture, *shape, sent))


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    random = np.random.default_rng(0)
    PARTS = [
        (random.normal(size=(rows, 9)).astype(np.float32), random.integers(0, 5, rows))
        for rows in (TRAINING, DEVELOPMENT, TEST)
    ]
    capture = Capture(tf, Ledger(tf, CAPS, lambda record, arrays: None, lambda: 1))
    capture.install()
    executions.stop_tuning(tf)
    figures, sizes = [], {}
    for name, shape in NOTEBOOKS.items():
        timed(capture, (1, 1, 128), Sent())
        sent = Sent()
        ways = {
            "with the witness": partial(timed, capture, shape, sent),
            "without it": partial(timed, capture, shape, None),
        }
        figures.append(measuring.compare(name, ways, ROUNDS))
        sizes[name] = sent.bytes // ROUNDS
    measuring.publish("how networks do as trained", figures)
    Console(width=160).print({name: f"{size:,} bytes of answers" for name, size in sizes.items()})
    measuring.write_json({"figures": [asdict(figure) for figure in figures], "bytes": sizes})
