"""How often honest trainings are said to disagree with what is trained again: 20 of each of ten habits.

Each training is done as a student would: on a split of the habit's own, scaled by its training rows, with first weights
of its own. It is held against five trainings of the same recipe on the checker's splits. The networks are small and
trained briefly, so that they end near the bar, where a disagreement is likeliest. Their loss curves are compared, too.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import math
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import measuring
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from checker.assignment import folders
from checker.guest.plain import architecture, plaindata
from checker.guest.train import training
from checker.judge import agreement
from checker.keras_spec import allow_list
from checker.records.arrays import Array
from checker.records.capture import Fed, Fit
from checker.records.comparison import LossCurves
from checker.records.dataset import Dataset
from checker.records.evidence import OwnResult, OwnScore, RowKind
from checker.records.job import RetrainJob
from checker.records.network import Development, Labels, Phase, Recipe
from checker.records.network import KerasObject as Described
from checker.records.training import TrainingRun
from checker.scoring import outputs, splits

TIMES = 20
SEEDS = (11, 23, 37, 41, 59)
BAR = 0.876
FIRST = 5_000
"""Of the students' own first weights."""


@dataclass(frozen=True)
class Habit:
    """How rows are shared out: ``part`` returns the rows that are trained on and watched. ``tries``: the best of so
    many, by the watched rows, is kept. ``layers`` and ``early``: of the network and its recipe."""

    name: str
    part: Callable[[np.random.Generator, int], tuple[Array, Array]]
    layers: str = "plain"
    early: bool = False
    tries: int = 1
    epochs: int = 10


def randomly(train: float, watch: float) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    """Return a random split with such shares."""

    def part(random: np.random.Generator, count: int) -> tuple[Array, Array]:
        order, end = random.permutation(count), round(train * count)
        return order[:end], order[end : end + round(watch * count)]

    return part


def in_file_order(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """The file's first rows are trained on, as ``df[:13000]`` takes them."""
    rows = np.arange(count)
    return rows[: round(0.64 * count)], rows[round(0.64 * count) : round(0.8 * count)]


def end_is_watched(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """The last fifth of the unshuffled training part is watched, as ``validation_split`` takes it."""
    rows = np.sort(random.permutation(count)[: round(0.8 * count)])
    at = round(0.8 * len(rows))
    return rows[:at], rows[at:]


HABITS = (
    Habit("random split", randomly(0.64, 0.16)),
    Habit("file order", in_file_order),
    Habit("unshuffled validation_split", end_is_watched),
    Habit("300 development rows", randomly(0.785, 0.015)),
    Habit("best of three", randomly(0.64, 0.16), tries=3),
    Habit("one of ten folds", randomly(0.9, 0.1)),
    Habit("final fit on all rows", randomly(1.0, 0.0)),
    Habit("dropout", randomly(0.64, 0.16), layers="dropout"),
    Habit("batch normalisation", randomly(0.64, 0.16), layers="normalised", epochs=6),
    Habit("early stopping", randomly(0.64, 0.16), early=True, epochs=20),
)


def network(layers: str) -> tf.keras.Model:
    """Return a network of a kind."""
    made = tf.keras.layers
    between = {"plain": [], "dropout": [made.Dropout(0.2)], "normalised": [made.BatchNormalization()]}[layers]
    stack = [made.Input((9,)), made.Dense(50, "relu"), *between, made.Dense(25, "relu"), made.Dense(5, "softmax")]
    return tf.keras.Sequential(stack)


def job_of(habit: Habit, development: bool, seeds: tuple[int, ...]) -> RetrainJob:
    """Return the job of training a habit's network."""
    config = {"monitor": "val_loss", "patience": 3, "restore_best_weights": True}
    phase = Phase(
        optimizer=plaindata.describe(tf.keras.optimizers.Adam(), allow_list.OPTIMIZERS),
        loss=plaindata.loss_object("sparse_categorical_crossentropy"),
        epochs=habit.epochs,
        batch_size=64,
        labels=Labels.INTEGERS,
        early_stopping=Described("EarlyStopping", config) if habit.early else None,
    )
    described = architecture.describe(network(habit.layers), tf.keras, tf)
    return RetrainJob(
        keras="3",
        architecture=described,
        recipe=Recipe(phases=(phase,), development=development),
        classes=("a", "b", "c", "d", "e"),
        parameters=10**6,
        seeds=seeds,
    )


def scaled(data: Dataset, rows: Array) -> Array:
    """Return the hand-out's features, scaled by some rows."""
    return splits.handout_features(data.features, rows)


def trained(
    job: RetrainJob, seed: int, data: Dataset, learned: Array, watched: Array, rest: Array
) -> tuple[TrainingRun, Array, Array]:
    """Train for one seed; return the training, and what the network says of its rows and of the rest."""
    x, y = scaled(data, learned), data.labels
    parts = training.SeedData(x[learned], y[learned], x[watched], y[watched], x[rest])
    ((run, outputs_, said),) = training.train(replace(job, seeds=(seed,)), {seed: parts}, tf, tf.keras)
    return run, said, outputs.said(outputs_)


def accuracy(said: Array, labels: Array) -> float:
    return float(np.mean(said == labels))


def again(habit: Habit, data: Dataset, plan: splits.SplitPlan) -> tuple[list[TrainingRun], list[float], list[float]]:
    """Return the checker's trainings, and their scores on their training rows and on their held-out rows."""
    development = habit.name != "final fit on all rows"
    runs, on_trained, on_held_out = [], [], []
    for seed in SEEDS:
        whole = splits.split(data.strata, plan, seed)
        part = whole if development else splits.without_development(whole)
        job = job_of(habit, development, (seed,))
        run, said, other = trained(job, seed, data, part.training, part.development, part.held_out)
        runs.append(run)
        on_trained.append(accuracy(said, data.labels[part.training]))
        on_held_out.append(accuracy(other, data.labels[part.held_out]))
    return runs, on_trained, on_held_out


def students(habit: Habit, data: Dataset, number: int) -> tuple[TrainingRun, OwnResult]:
    """Return a student's own training, and its result."""
    random = np.random.default_rng([number, 77])
    count = len(data.labels)
    learned, watched = habit.part(random, count)
    rest = np.setdiff1d(np.arange(count), np.concatenate([learned, watched]))
    seen = np.concatenate([watched, rest])
    best: tuple[float, TrainingRun, Array, Array] | None = None
    for one in range(habit.tries):
        job = job_of(habit, bool(len(watched)), (FIRST,))
        asked = seen if len(seen) else learned[:10]
        run, said, other = trained(job, FIRST + 100 * number + one, data, learned, watched, asked)
        chosen = accuracy(other[: len(watched)], data.labels[watched]) if len(watched) else 0.0
        if best is None or chosen > best[0]:
            best = chosen, run, said, other
    assert best is not None
    scores = [_score(RowKind.TRAINED, best[2], data.labels[learned])]
    unseen = None
    if len(rest):
        is_random = habit.part not in (in_file_order, end_is_watched)
        unseen = replace(_score(RowKind.TESTED, best[3][len(watched) :], data.labels[rest]), is_random=is_random)
    return best[1], OwnResult(model=1, cell=1, metric="accuracy", scores=tuple(scores), unseen=unseen)


def as_fit(run: TrainingRun, rows: int) -> Fit:
    """Return a student's own training as the notebook's hooks would tell it."""
    return Fit(
        cell=1,
        how="fit",
        phase=None,
        unrebuildable="",
        epochs_asked=run.epochs,
        epochs_done=run.epochs,
        steps_done=run.steps,
        finished=True,
        training=Fed(rows=rows),
        development=Development.NONE,
        validation=None,
        history=run.history,
    )


def _score(kind: RowKind, said: Array, labels: Array) -> OwnScore:
    p = accuracy(said, labels)
    return OwnScore(kinds=(kind,), rows=len(labels), score=p, deviation=float(np.sqrt(p * (1 - p) / len(labels))))


def main() -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    assignment = folders.load(measuring.ROOT / "reference" / "ocean_proximity")
    data = measuring.load_data(assignment.data)
    table = Table(
        "habit", "own, trained on", "again", "own, unseen", "again ", "disagree", "at any bar", "curves", "farthest"
    )
    rows = []
    for habit in HABITS:
        runs, on_trained, on_held_out = again(habit, data, assignment.splits)
        pairs = [students(habit, data, number) for number in range(TIMES)]
        owns = [own for _, own in pairs]
        curves = [agreement.of_curves([as_fit(run, own.scores[0].rows)], runs) for run, own in pairs]
        compared = [of for of in curves if of is not None]
        found = [agreement.of_results(own, on_trained, on_held_out, BAR, "accuracy")[0] for own in owns]
        disagree = sum(any(one.differs for one in of) for of in found)
        wherever = sum(any(_is_far(one) for one in of) for of in found)
        unseen = [own.unseen.score for own in owns if own.unseen is not None]
        row = (
            habit.name,
            *(_mean([own.scores[0].score for own in owns]), _mean(on_trained), _mean(unseen), _mean(on_held_out)),
            *(f"{disagree} of {TIMES}", f"{wherever} of {TIMES}"),
            f"{sum(of.differs for of in compared)} of {len(compared)}",
            f"{max((times_as_far(of) for of in compared), default=1.0):.2f}",
        )
        rows.append(row)
        table.add_row(*row)
        print(row, flush=True)
    console.print(table)
    measuring.write_json([list(row) for row in rows])


def _is_far(one: agreement.Agreement) -> bool:
    """Tell whether two results would disagree if the bar lay between them."""
    return abs(one.own - one.again) > max(agreement.FAR, one.margin)


def times_as_far(curves: LossCurves) -> float:
    """Return how many times as far the logarithm of one loss fell as that of the other."""
    own, again_ = (
        math.log(first / lowest)
        for first, lowest in ((curves.own_first, curves.own_lowest), (curves.again_first, curves.again_lowest))
    )
    return max(own, again_) / min(own, again_)


def _mean(scores: list[float]) -> str:
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    return f"{100 * statistics.fmean(scores):.1f} ± {100 * spread:.1f}" if scores else "–"


if __name__ == "__main__":
    main()
