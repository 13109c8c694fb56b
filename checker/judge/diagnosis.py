"""Findings of the retrainings about a network, in plain words with their figures. Pure.

Theory of operation: a verdict rates a network; a diagnosis explains its result. Histories are averaged over the seeds,
epoch by epoch, up to the last epoch that all seeds have. A finding is a sentence about that mean, or about the number
of retrainings that show it. Every threshold lies far beyond the variation between seeds, because a wrong finding is
worse than none.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from checker.records.arrays import Array
from checker.records.comparison import Comparison
from checker.records.network import Recipe
from checker.records.report import Observation, Symptom
from checker.records.training import TrainingRun
from checker.scoring import metrics

RISEN = 1.2
"""A loss has risen if it ends this many times as high as after the first epoch."""
PARTED = 1.1
"""A development loss has parted if it is this many times its minimum, or this many times the training loss."""
FALLING = 0.1
"""A loss is still falling if it falls by this share from the last fifth but one of the epochs to the last fifth."""
RARE = 0.01
"""A class with less than this share of the rows is rare."""


def diagnose(
    runs: Sequence[TrainingRun],
    comparison: Comparison,
    recipe: Recipe,
    classes: Sequence[str],
    rows: Sequence[int],
) -> tuple[Observation, ...]:
    """Return the findings of the retrainings; ``rows``: the number of the data's rows of each class."""
    return tuple(
        chain(
            _of_losses(runs, comparison, recipe),
            _of_classes(comparison, classes, rows),
            _of_early_stopping(runs, recipe),
        )
    )


# -- losses ----------------------------------------------------------------------------------------------


def _of_losses(runs: Sequence[TrainingRun], comparison: Comparison, recipe: Recipe) -> Iterator[Observation]:
    """Yield findings about the losses; their values are comparable only if all phases use the same loss."""
    if any(phase.loss != recipe.phases[0].loss for phase in recipe.phases):
        return
    yield from _diverged(runs)
    trained, watched = (_by_seed(runs, name) for name in ("loss", "val_loss"))
    training, development = trained.mean(axis=0), watched.mean(axis=0)
    yield from _underfits(comparison, training, development)
    overfits = [] if _restores(recipe) else list(_overfits(training, development))
    yield from overfits
    if not overfits and not any(run.stopped_early for run in runs):
        of, rows = (watched, "development") if len(development) else (trained, "training")
        yield from _improves(of, rows)


def _by_seed(runs: Sequence[TrainingRun], name: str) -> Array:
    """Return a loss, a row for each seed and a column for each epoch; without columns if a seed has none or a value is
    not finite."""
    series = [run.history.get(name, ()) for run in runs]
    reached = min(map(len, series))
    values = np.array([of[:reached] for of in series], dtype=float)
    return values if np.isfinite(values).all() else values[:, :0]


def _restores(recipe: Recipe) -> bool:
    """Tell whether the final weights are those of the best epoch rather than the last."""
    return any(phase.restores for phase in recipe.phases[-1:])


def _diverged(runs: Sequence[TrainingRun]) -> Iterator[Observation]:
    losses = [np.array(run.history.get("loss", ()), dtype=float) for run in runs]
    broken = [loss for loss in losses if not np.isfinite(loss).all()]
    risen = [loss for loss in losses if len(loss) and loss[-1] > RISEN * loss[0] > 0]
    advice = "A smaller learning rate or scaled inputs may help"
    if broken:
        first = min(int(np.isfinite(loss).argmin()) for loss in broken) + 1
        words = f"In {len(broken)} of {len(runs)} trainings the loss became NaN, first in epoch {first}. {advice}."
        yield Observation(Symptom.DIVERGED, words)
    elif risen:
        first, last = (np.mean([loss[at] for loss in risen]) for at in (0, -1))
        words = f"In {len(risen)} of {len(runs)} trainings the loss rose, from {first:.3g} to {last:.3g}. {advice}."
        yield Observation(Symptom.DIVERGED, words)


def _underfits(comparison: Comparison, training: Array, development: Array) -> Iterator[Observation]:
    """Yield underfitting: the bar is missed on training rows too, or both losses are nearly the same."""
    if comparison.reaches_bar:
        return
    metric, reached = metrics.find(comparison.metric, comparison.unit), comparison.training_mean
    write, bar = metric.unit.value, f"the bar of {metric.unit.value(comparison.bar)}"
    advice = "The network is too small, or was trained too briefly or too slowly"
    if reached is not None:
        if metric.is_better(comparison.bar, reached):
            words = f"Even on its training rows it reaches {write(reached)}, {metric.worse} {bar}. {advice}."
            yield Observation(Symptom.UNDERFITS, words)
    elif len(development) and len(training) and development[-1] < PARTED * training[-1]:
        losses = f"{training[-1]:.3g} on training rows, {development[-1]:.3g} on development rows"
        words = f"It misses {bar}, and its two losses are nearly the same: {losses}. {advice}."
        yield Observation(Symptom.UNDERFITS, words)


def _overfits(training: Array, development: Array) -> Iterator[Observation]:
    if not len(development) or len(training) < len(development):
        return
    best = int(development.argmin())
    if development[-1] > PARTED * development[best] > 0 and training[-1] < training[best]:
        words = (
            f"From epoch {best + 2} on it learns its training rows by heart: the loss on development rows, "
            f"{development[best]:.3g} after epoch {best + 1}, rises to {development[-1]:.3g} by epoch "
            f"{len(development)}. Meanwhile the loss on training rows falls from {training[best]:.3g} to "
            f"{training[-1]:.3g}."
        )
        yield Observation(Symptom.OVERFITS, words)


def _improves(by_seed: Array, rows: str) -> Iterator[Observation]:
    """Yield that a loss still fell at the end, in the mean over the seeds and for most of them: one seed whose loss
    jumped just before moves the mean alone."""
    watched = by_seed.mean(axis=0)
    fifth = max(len(watched) // 5, 1)
    if len(watched) < 2:
        return
    of_most = float(np.median([_fall(loss, fifth) for loss in by_seed]))
    if min(_fall(watched, fifth), of_most) < FALLING:
        return
    before, last = watched[-2 * fifth : -fifth], watched[-fifth:]
    span = "in the last epoch" if fifth == 1 else f"over the last {fifth} epochs"
    words = (
        f"It was still improving when training ended: the loss on {rows} rows fell from {before.mean():.3g} to "
        f"{last.mean():.3g} {span} of {len(watched)}. More epochs may help."
    )
    yield Observation(Symptom.IMPROVING, words)


def _fall(loss: Array, fifth: int) -> float:
    """Return the share by which a loss fell from the last fifth but one of its epochs to the last; 0 if it is not above
    zero."""
    before, last = loss[-2 * fifth : -fifth].mean(), loss[-fifth:].mean()
    return float(1 - last / before) if before > 0 else 0.0


# -- classes and early stopping --------------------------------------------------------------------------


def _of_classes(comparison: Comparison, classes: Sequence[str], rows: Sequence[int]) -> Iterator[Observation]:
    confusion = np.array(comparison.confusion, dtype=int).reshape(len(classes), len(classes))
    for label, name in enumerate(classes):
        tested = int(confusion[label].sum())
        if tested and not confusion[:, label].any():
            although = ": only" if rows[label] < RARE * sum(rows) else ", although"
            of_it = f"{rows[label]:,} of the data's {sum(rows):,} {'row is' if rows[label] == 1 else 'rows are'}"
            words = f"{name} is never predicted{although} {of_it} of this class."
            yield Observation(Symptom.NEVER_PREDICTED, words)


def _of_early_stopping(runs: Sequence[TrainingRun], recipe: Recipe) -> Iterator[Observation]:
    ended = [run.epochs for run in runs if run.stopped_early]
    if ended:
        asked = recipe.capped_epochs + sum(phase.epochs for phase in recipe.phases)
        after = f"{min(ended)} to {max(ended)}" if min(ended) < max(ended) else f"{ended[0]}"
        words = f"Early stopping ended {len(ended)} of {len(runs)} trainings, after {after} of {asked:,} epochs."
        yield Observation(Symptom.STOPPED_EARLY, words)
