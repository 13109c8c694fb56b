"""What it costs to note how networks do as trained: the witness's share of a notebook's processor time, and its bytes.

A notebook trains networks on the hand-out's parts, watches the development part and tests each on the test part; a cell
ends after each network. The witness's time is taken within the same run, so that the machine's speed is in both.
"""

import os
import statistics
import time
from dataclasses import dataclass
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import measuring
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from checker.guest.plain.hooks import Hooks
from checker.guest.watch import executions
from checker.guest.watch.as_trained import Witness
from checker.guest.watch.capture import Capture
from checker.guest.watch.model_record import ModelRecord
from checker.guest.watch.registry import ModelRegistry
from checker.records.assignment import Caps
from checker.wire.frames import pack

ROUNDS = 3
TRAINING, DEVELOPMENT, TEST = 13_209, 3_303, 4_128
CAPS = Caps(10**6, 10**7, 10**6, 10**6)
NOTEBOOKS = {
    "one network, 20 epochs, batches of 32": (1, 20, 32),
    "one network, 20 epochs, batches of 128": (1, 20, 128),
    "twenty networks, 12 epochs each, batches of 128": (20, 12, 128),
}


class Timed(Witness):
    """A witness that notes how long it takes, and how many bytes it sends."""

    seconds = 0.0
    bytes = 0

    def end_cell(self, is_last: bool) -> None:
        started = time.process_time()
        super().end_cell(is_last)
        self.seconds += time.process_time() - started

    def before_change(self, record: ModelRecord, goes_on: bool = False) -> None:
        started = time.process_time()
        super().before_change(record, goes_on)
        self.seconds += time.process_time() - started

    def count(self, record: Any, arrays: tuple[Any, ...]) -> None:
        self.bytes += sum(len(pack(array)) for array in arrays)


@dataclass(frozen=True)
class Share:
    """Processor seconds of a notebook, and of the witness in it; the bytes that it sent."""

    notebook: float
    witness: float
    bytes: int


def run(capture: Capture, networks: int, epochs: int, batch: int) -> Share:
    """Run a notebook's cells."""
    capture.registry = ModelRegistry(tf, CAPS, lambda record, arrays: None, lambda: 1)
    witness = Timed(tf, capture.registry, 5, lambda record, arrays: witness.count(record, arrays), capture.inside)
    started = time.process_time()
    layers = tf.keras.layers
    for number in range(networks):
        hidden = [layers.Dense(size, "relu") for size in (100, 50)]
        model = tf.keras.Sequential([layers.Input((9,)), *hidden, layers.Dense(5)])
        model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(*PARTS[0], epochs=epochs, batch_size=batch, validation_data=PARTS[1], verbose=0)
        model.evaluate(*PARTS[2], verbose=0)
        capture.scan({f"net{number}": model})
        witness.end_cell(number == networks - 1)
    return Share(time.process_time() - started, witness.seconds, witness.bytes)


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    random = np.random.default_rng(0)
    PARTS = [
        (random.normal(size=(rows, 9)).astype(np.float32), random.integers(0, 5, rows))
        for rows in (TRAINING, DEVELOPMENT, TEST)
    ]
    capture = Capture(tf, ModelRegistry(tf, CAPS, lambda record, arrays: None, lambda: 1))
    hooks = Hooks()
    capture.install(hooks)
    executions.stop_tuning(hooks, tf)
    table = Table("notebook", "its CPU", "the witness", "share", "lowest - highest", "bytes of answers")
    figures = {}
    for name, shape in NOTEBOOKS.items():
        rounds = [run(capture, *shape) for _ in range(ROUNDS)]
        shares = [one.witness / one.notebook for one in rounds]
        whole, part = (statistics.median(of) for of in zip(*((r.notebook, r.witness) for r in rounds), strict=True))
        spread = f"{min(shares):.2%} - {max(shares):.2%}"
        table.add_row(
            name, f"{whole:.1f} s", f"{part:.3f} s", f"{statistics.median(shares):.2%}", spread, f"{rounds[0].bytes:,}"
        )
        figures[name] = {"shares": shares, "bytes": rounds[0].bytes}
    Console(width=160).print(table)
    measuring.write_json(figures)
