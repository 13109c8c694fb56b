"""Converts the student's stretches of training to a recipe for the clean guest. Pure."""

import math
from collections.abc import Sequence
from dataclasses import replace

from checker.records.assignment import Caps
from checker.records.capture import Fit, ModelCapture
from checker.records.job import ReplayPlan
from checker.records.network import Development, Labels, Phase, Recipe
from checker.records.tracing import FeatureSource, Tracing
from checker.records.training import TrainingRun

COPIED = 1.5
"""If a table holds its rows this many times or more on average, an epoch keeps the table's number of steps."""


def recipe_of(
    answer: ModelCapture, caps: Caps, enough: int, training_rows: int, distinct: int = 0
) -> tuple[Recipe | None, str]:
    """Return the recipe of the answer's training, or None and why it cannot be rebuilt.

    Stretches that did not finish, or had fewer than ``enough`` rows, are left out. Epochs are those asked for, cut
    if all phases together would take more than ``caps.retrain_steps`` steps on ``training_rows`` rows. ``distinct``:
    number of different rows of the data that the student trained on; 0 if unknown.
    """
    fits = [_of_copies(fit, distinct) for fit in trainings(answer, enough)]
    unclear = next((fit for fit in fits if fit.phase is None), None)
    if not fits or unclear is not None:
        return None, unclear.unrebuildable if unclear is not None else "it was never trained"
    phases, capped = _cap([fit.phase for fit in fits if fit.phase is not None], caps.retrain_steps, training_rows)
    development = watched_development(answer, enough)
    notes = dict.fromkeys(note for fit in fits for note in fit.notes)
    return Recipe(phases=phases, development=development, capped_epochs=capped, notes=tuple(notes)), ""


def _of_copies(fit: Fit, distinct: int) -> Fit:
    """Return a stretch of training; if its table held copies of rows, with the table's steps an epoch.

    The retraining takes each row once, but as many steps as the student's.
    """
    phase = fit.phase
    if phase is None or phase.steps or not distinct or fit.training.rows < COPIED * distinct:
        return fit
    steps = math.ceil(fit.training.rows / max(1, phase.batch_size))
    note = f"its table held each row {fit.training.rows / distinct:.1f} times on average; now all are taken alike"
    return replace(fit, phase=replace(phase, steps=steps), notes=(*fit.notes, note))


def trainings(answer: ModelCapture, enough: int) -> list[Fit]:
    """Return the answer's stretches that count: finished, and not known to have fewer than ``enough`` rows."""
    return [fit for fit in answer.fits if fit.finished and not 0 < fit.training.rows < enough]


def watched_development(answer: ModelCapture, enough: int) -> bool:
    """Tell whether a development set was watched, by ``fit`` or by hand."""
    watched = any(fit.development is not Development.NONE for fit in trainings(answer, enough))
    return watched or _watched_by_hand(answer)


def carried_out(recipe: Recipe, runs: Sequence[TrainingRun]) -> Recipe:
    """Return the recipe as the trainings followed it: if all ended before the cap, the cap cut nothing.

    If an earlier phase has early stopping, a later one may still have been cut, so the recipe stays as it is.
    """
    epochs = sum(phase.epochs for phase in recipe.phases)
    is_last = not any(phase.early_stopping for phase in recipe.phases[:-1])
    has_ended = bool(runs) and is_last and all(run.stopped_early or run.epochs < epochs for run in runs)
    return replace(recipe, capped_epochs=0) if has_ended else recipe


def watched_itself(answer: ModelCapture, tracing: Tracing | None, enough: int) -> bool:
    """Tell whether the watched development set is known and held only training rows.

    If a stretch of training had no development set, it may be a final one that added the development rows.
    """
    fits = trainings(answer, enough)
    all_watched = bool(fits) and all(fit.validation is not None and fit.validation.x is not None for fit in fits)
    is_known = tracing is not None and tracing.source is FeatureSource.TRACED and tracing.development_rows == 0
    return all_watched and is_known and not _watched_by_hand(answer)


def is_capped(answer: ModelCapture, models: Sequence[ModelCapture], caps: Caps) -> bool:
    """Tell whether a cap ended the student's own training of the answer; a replay has the same cap."""
    taken = sum(fit.steps_done for model in models for fit in model.fits)
    cut = [fit for fit in answer.fits if fit.epochs_done < fit.epochs_asked]
    return any(fit.steps_done >= caps.fit_steps or taken >= caps.notebook_steps for fit in cut)


def of_numbers(recipe: Recipe) -> Recipe:
    """Return the recipe for a regression's labels, whatever form they seemed to have."""
    phases = (replace(phase, labels=Labels.NUMBERS, class_weight={}) for phase in recipe.phases)
    weighted = any(phase.class_weight for phase in recipe.phases)
    left_out = ("class weights are not part of the retraining",) if weighted else ()
    return replace(recipe, phases=tuple(phases), notes=(*recipe.notes, *left_out))


def replay_plan(answer: ModelCapture, enough: int, outputs: int) -> ReplayPlan | None:
    """Return the plan for a replay by the student's own code; None if the answer was not trained by ``fit`` alone."""
    fits = trainings(answer, enough)
    if not fits or fits[-1].training.y is None or any(fit.how != "fit" for fit in fits):
        return None
    y, phase = fits[-1].training.y, fits[-1].phase
    one_hot = len(y.shape) == 2 and y.shape[1] > 1
    return ReplayPlan(
        cell=answer.cell,
        rank=answer.rank,
        fits=sum(fit.calls for fit in fits),
        enough=enough,
        outputs=outputs,
        labels=Labels.NUMBERS if outputs == 1 else Labels.ONE_HOT if one_hot else Labels.INTEGERS,
        batch_size=32 if phase is None else phase.batch_size,
    )


def _watched_by_hand(answer: ModelCapture) -> bool:
    """Tell whether the answer was used on at least two different sets besides its training data."""
    trained = {fit.training.x.sha256 for fit in answer.fits if fit.training.x is not None}
    tested = {use.fed.x.sha256 for use in answer.uses if use.fed.x is not None}
    return len(tested - trained) >= 2


def capped(recipe: Recipe, steps: int, rows: int) -> Recipe:
    """Return a recipe whose epochs are cut to fit into ``steps`` on this many training rows."""
    phases, cut = _cap(list(recipe.phases), steps, rows)
    return replace(recipe, phases=phases, capped_epochs=cut)


def _cap(phases: list[Phase], steps: int, rows: int) -> tuple[tuple[Phase, ...], int]:
    """Cut epochs, the last phases' first, to fit into ``steps``; every phase keeps one. Return also the epochs cut."""
    kept: list[Phase] = []
    cut = 0
    for number, phase in enumerate(phases):
        an_epoch = phase.steps_an_epoch(rows)
        epochs = max(1, min(phase.epochs, steps // an_epoch))
        shortened = min(phase.steps, max(1, steps))  # a single epoch of the student's length may exceed the cap
        cut += max(0, phase.epochs - epochs) + (shortened < phase.steps)
        steps = max(0, steps - epochs * an_epoch)
        kept.append(replace(phase, epochs=epochs, steps=shortened, recompiled=phase.recompiled or number == 0))
    return tuple(kept), cut
