"""Changes of a training's recipe: optimizer, learning rate, batch size, epochs, early stopping. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from checker.keras_spec import recipes
from checker.records.assignment import Caps
from checker.records.network import KerasObject, Phase, Recipe
from checker.records.variants import Variant
from checker.whatif.forms import OPTIMIZERS
from checker.whatif.refusal import RefusedError

UNWATCHED = (
    "This training watches no development rows, so early stopping would have nothing to look at. They would have to be "
    "taken from the training rows, which is another change."
)


def changed(recipe: Recipe, variant: Variant, caps: Caps, rows: int) -> Recipe:
    """Return a changed recipe, cut by the assignment's cap on steps, like a submission's."""
    phases = [_phase(phase, variant) for phase in recipe.phases]
    if variant.patience:
        if not recipe.development:
            raise RefusedError(UNWATCHED)
        phases = [_stopping(phase, variant.patience) for phase in phases]
    elif variant.patience == 0:
        phases = [replace(phase, early_stopping=None) for phase in phases]
    if variant.epochs is not None:
        phases = _lasting(phases, variant.epochs)
    return recipes.capped(replace(recipe, phases=tuple(phases)), caps.retrain_steps, rows)


def _phase(phase: Phase, variant: Variant) -> Phase:
    optimizer, rates = phase.optimizer, phase.rates
    if variant.optimizer and variant.optimizer != optimizer.class_name:
        optimizer = KerasObject(variant.optimizer, {"learning_rate": OPTIMIZERS[variant.optimizer]})
    if variant.learning_rate is not None:
        optimizer = replace(optimizer, config={**optimizer.config, "learning_rate": variant.learning_rate})
        rates = ()
    size = variant.batch_size or phase.batch_size
    return replace(phase, optimizer=optimizer, rates=rates, batch_size=size)


def _stopping(phase: Phase, patience: int) -> Phase:
    own = phase.early_stopping or KerasObject("EarlyStopping", {"monitor": "val_loss", "restore_best_weights": True})
    return replace(phase, early_stopping=replace(own, config={**own.config, "patience": patience}))


def _lasting(phases: Sequence[Phase], epochs: int) -> list[Phase]:
    """Return phases with this total number of epochs: the last one is longer, or the last ones are cut."""
    kept: list[Phase] = []
    for phase in phases:
        left = epochs - sum(one.epochs for one in kept)
        if left > 0:
            kept.append(replace(phase, epochs=min(phase.epochs, left)))
    missing = epochs - sum(one.epochs for one in kept)
    return [*kept[:-1], replace(kept[-1], epochs=kept[-1].epochs + missing)]


def learning_rate(recipe: Recipe) -> float | None:
    """Return a training's one learning rate as a person would type it; None if it changes by the student's schedule, or
    between phases."""
    found = {phase.optimizer.config.get("learning_rate") for phase in recipe.phases if not phase.rates}
    rate = found.pop() if len(found) == 1 and not any(phase.rates for phase in recipe.phases) else None
    return rounded(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None


def rounded(number: float) -> float:
    """Return a number with six digits: Keras stores 0.001 with the noise of 32 bits."""
    return float(f"{number:.6g}")
