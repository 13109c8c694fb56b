"""How cost grows: with submissions, jobs, rows and parameters; and what a second run of the same batch costs.

Submissions are copies of one small example under different names, checked on practice data in a sandbox. Rows and
parameters are grown where they count, in tracing and in the clean guest's trainer.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import itertools

import measuring
import numpy as np
import tensorflow as tf
from measuring import Cost, Figure, cost_of

from checker.assignment import dataset, folders
from checker.gather.rows import tracing
from checker.gather.rows.known_rows import KnownRows
from checker.gather.rows.matching import Matcher
from checker.gather.rows.preparation import ColumnSources
from checker.gather.rows.sources import Sources
from checker.gather.rows.tracing import TracedInputs
from checker.guest.plain import architecture, plaindata
from checker.guest.train import training
from checker.keras_spec import allow_list
from checker.records.capture import Fed, Fit, ModelCapture
from checker.records.job import RetrainJob
from checker.records.network import Development, KerasObject, Labels, Phase, Recipe
from checker.wire import frames

EXAMPLE = "no-hidden-layer"
COUNTS = (3, 6, 12, 24)
SOME = 12
"""So many are checked in every way."""
FEW, MANY, ROUNDS = 6, 18, 3
"""One more submission costs what lies between so few and so many."""
ROWS = (1, 4, 16)
WIDTHS = ((100, 50), (330, 170), (1_100, 540))
"""Networks of about 1, 10 and 100 times as many parameters."""
EPOCHS = 3


def batch(place: Path, count: int, jobs: int, fresh: bool) -> Cost:
    """Check ``count`` copies of the example."""
    folder = place / f"{count} submissions"
    if not folder.exists():
        for number in range(count):
            shutil.copytree(measuring.ROOT / "submissions" / EXAMPLE, folder / f"student-{number}")
    out = place / f"results-{count}-{jobs}"
    command = [sys.executable, "-m", "checker", "batch", str(folder), "--out", str(out), "--jobs", str(jobs)]
    options = ["--practice-data", *(["--fresh"] if fresh else [])]
    return measuring.cost_of_command([*command, *options], (0, 1), cwd=measuring.ROOT)


def figure(what: str, ways: tuple[str, str], slow: Cost, fast: Cost) -> Figure:
    ratio = slow.wall / fast.wall
    return Figure(what, *ways, slow, fast, ratio, ratio, ratio)


def batches(place: Path) -> list[Figure]:
    """Measure growth with submissions, with jobs, and a second run."""
    batch(place, COUNTS[0], 2, fresh=True)  # the reference's evidence is made
    by_count = {count: batch(place, count, 2, fresh=True) for count in COUNTS}
    first = by_count[SOME]
    ways = {"1 job": partial(one_more, place, 1), "2 jobs": partial(one_more, place, 2)}
    return [
        *(
            figure(f"{many} against {few} submissions", (str(many), str(few)), by_count[many], by_count[few])
            for few, many in itertools.pairwise(COUNTS)
        ),
        measuring.compare("one more submission", ways, ROUNDS),
        figure(f"{SOME} submissions, start included", tuple(ways), batch(place, SOME, 1, fresh=True), first),
        figure(f"{SOME} submissions", ("first run", "second run"), first, batch(place, SOME, 2, fresh=False)),
    ]


def one_more(place: Path, jobs: int) -> Cost:
    """Return what one more submission costs when all boxes are warm."""
    few, many = (batch(place, count, jobs, fresh=True) for count in (FEW, MANY))
    more = MANY - FEW
    return Cost((many.wall - few.wall) / more, (many.cpu - few.cpu) / more, many.peak_mib)


def rows() -> list[Figure]:
    """Measure tracing and training on 1, 4 and 16 times as many rows."""
    assignment = folders.find(None, measuring.ROOT / "reference")
    practice = dataset.load(assignment.data, practice=True)
    names = (*assignment.data.features, assignment.data.target)
    tracings, trainings = [], []
    for times in ROWS:
        random = np.random.default_rng(0)
        features = np.concatenate(
            [practice.features * random.normal(1, 1e-3, practice.features.shape) for _ in range(times)]
        )
        labels = np.tile(practice.labels, times)
        scaled = ((features - np.nanmean(features, axis=0)) / np.nanstd(features, axis=0)).astype("float32")
        known = scaled[~np.isnan(scaled).any(axis=1)]
        tracings.append(cost_of(partial(_trace, known, features, labels, names)))
        trainings.append(_train(known, labels[: len(known)], WIDTHS[0]))
    return [
        figure(f"{what}, {times} times the rows", (f"x {times}", "x 1"), cost, costs[0])
        for what, costs in (("tracing", tracings), ("training", trainings))
        for times, cost in zip(ROWS[1:], costs[1:], strict=True)
    ]


def _trace(table: np.ndarray, features: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> TracedInputs:
    fed = frames.reference(table)
    sources = Sources(names[:-1], features, {})
    data = ColumnSources(sources, sources, names[-1])
    model = _model(Fed(rows=len(table), x=fed, y=None))
    return tracing.trace(model, {fed.sha256: table}, Matcher(KnownRows(features, labels)), data, names)


def _model(fed: Fed) -> ModelCapture:
    fit = Fit(
        cell=1,
        how="fit",
        phase=None,
        unrebuildable="",
        epochs_asked=1,
        epochs_done=1,
        steps_done=1,
        finished=True,
        training=fed,
        development=Development.NONE,
        validation=None,
    )
    return ModelCapture(
        id=1,
        name="m",
        variable="m",
        class_name="Sequential",
        cell=1,
        input_width=9,
        output_width=5,
        parameters=755,
        architecture=None,
        unrebuildable="",
        fits=(fit,),
    )


def _train(x: np.ndarray, y: np.ndarray, widths: tuple[int, ...]) -> Cost:
    keras = tf.keras
    hidden = [keras.layers.Dense(width, activation="relu") for width in widths]
    ends = [keras.layers.Dense(5, activation="softmax")]
    record = architecture.describe(keras.Sequential([keras.layers.Input((9,)), *hidden, *ends]), keras, tf)
    adam = plaindata.describe(keras.optimizers.Adam(), allow_list.OPTIMIZERS)
    phase = Phase(
        optimizer=adam,
        loss=KerasObject("SparseCategoricalCrossentropy"),
        epochs=EPOCHS,
        batch_size=32,
        labels=Labels.INTEGERS,
    )
    job = RetrainJob(
        keras="3",
        architecture=record,
        recipe=Recipe(phases=(phase,), development=False),
        classes=tuple("abcde"),
        parameters=10**7,
        seeds=(7, 8),
    )
    data = training.SeedData(x, y, x[:0], y[:0], x[:100])
    return cost_of(lambda: list(training.train(job, dict.fromkeys(job.seeds, data), tf, keras)))


def parameters() -> list[Figure]:
    """Measure training of networks of 1, 10 and 100 times as many parameters."""
    random = np.random.default_rng(0)
    x = random.normal(size=(13_209, 9)).astype("float32")
    y = (np.abs(x[:, 0] * 2 + x[:, 1]) % 5).astype("int64")
    costs = [_train(x, y, widths) for widths in WIDTHS]
    return [
        figure(f"training, {times} times the parameters", (f"x {times}", "x 1"), cost, costs[0])
        for times, cost in zip((10, 100), costs[1:], strict=True)
    ]


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    parts: tuple[Callable[[], list[Figure]], ...] = (rows, parameters)
    figures = [one for part in parts for one in part()]
    with tempfile.TemporaryDirectory() as place:
        figures = batches(Path(place)) + figures
    measuring.publish("How cost grows", figures)


if __name__ == "__main__":
    main()
