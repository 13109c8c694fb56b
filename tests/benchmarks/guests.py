"""A warm guest against a cold ``jupyter nbconvert --execute``, on the same small TensorFlow notebook.

Both run a real ipykernel through nbclient. The warm guest's box is open and warmed before, as it is for all but the
first submission of a batch.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import measuring
import nbformat
from measuring import Cost

from checker.assignment import dataset, folders
from checker.records.capture import CellResult
from checker.records.codec import from_json
from checker.records.job import Ending, ExecuteJob
from checker.sandbox import bubblewrap
from checker.sandbox.boxes import Box
from checker.wire import frames
from checker.wire.frames import Frame, Kind

ROUNDS = 5
NOTEBOOK = """
import numpy as np
import tensorflow as tf
# %%
x = np.random.default_rng(0).normal(size=(640, 9)).astype("float32")
y = np.arange(640) % 5
# %%
layers = tf.keras.layers
hidden, last = layers.Dense(20, activation="relu"), layers.Dense(5, activation="softmax")
model = tf.keras.Sequential([layers.Input((9,)), hidden, last])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, verbose=0).history
"""


def notebook() -> bytes:
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in NOTEBOOK.split("# %%")]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


def by_nbconvert(folder: Path) -> Cost:
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "small.ipynb",
        "--output",
        "done.ipynb",
    ]
    return measuring.cost_of_command(command, cwd=folder, env=measuring.quiet_environment())


def by_guest(box: Box, csv: bytes) -> Callable[[], Cost]:
    assignment = folders.find(None, measuring.ROOT / "reference")
    job = ExecuteJob(
        is_notebook=True,
        keras="3",
        reason="the benchmark says so",
        caps=assignment.caps,
        classes=assignment.data.classes,
    )
    content = [frames.job(job), Frame(Kind.BYTES, notebook()), Frame(Kind.BYTES, csv), frames.END]

    def run() -> Cost:
        said: list[Frame] = []
        executions = []
        cost = measuring.cost_of(lambda: executions.append(box.run(content, assignment.execute, said.append)))
        (execution,) = executions
        cells = [f.payload.partition(b" ")[2] for f in said if f.payload.startswith(b"CellResult ")]
        assert execution.ending is Ending.FINISHED
        assert len(cells) == 3
        assert all(from_json(CellResult, cell).error is None for cell in cells)
        return Cost(cost.wall, execution.cpu_seconds, execution.peak_memory_mib)

    return run


def main() -> None:
    assignment = folders.find(None, measuring.ROOT / "reference")
    csv = dataset.load(assignment.data, practice=True).csv
    boxes = bubblewrap.Bubblewrap().open()
    try:
        with tempfile.TemporaryDirectory() as place:
            Path(place, "small.ipynb").write_bytes(notebook())
            warm = by_guest(boxes.students, csv)
            warm()
            ways = {"nbconvert, cold": lambda: by_nbconvert(Path(place)), "warm guest": warm}
            figures = [measuring.compare("a small TensorFlow notebook", ways, ROUNDS)]
    finally:
        boxes.close()
    measuring.publish("A warm guest against a cold kernel", figures)


if __name__ == "__main__":
    main()
