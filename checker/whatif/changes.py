"""Applies a variant to a student's network, and describes its changes in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checker.formats.text import counted
from checker.gather.rows.tracing import TracedInputs
from checker.keras_spec.architectures import describe_layer, own_activation
from checker.records.network import Architecture, Recipe
from checker.records.variants import LayerChange, Scaling, Variant
from checker.whatif import inputs, networks, recipes
from checker.whatif.originals import Original
from checker.whatif.refusal import RefusedError


@dataclass(frozen=True)
class Changed:
    """A changed network with its recipe and inputs. ``words`` describe the changes; ``notes`` are further remarks."""

    architecture: Architecture
    recipe: Recipe
    traced: TracedInputs
    seeds: tuple[int, ...]
    words: str
    notes: tuple[str, ...]


def apply(original: Original, variant: Variant) -> Changed:
    """Return a student's network with a variant's changes; RefusedError, in words, if it cannot be tried."""
    settings, traced = original.settings, original.retrained.answered.traced
    rows = round(len(settings.dataset.labels) * (1 - settings.assignment.splits.test))
    recipe = recipes.changed(original.recipe, variant, settings.assignment.caps, rows)
    if variant.batch_size is not None and variant.batch_size > rows:
        raise RefusedError(f"A batch of {variant.batch_size:,} rows is more than the {rows:,} rows of the training.")
    left = inputs.kept(traced, variant.without, settings)
    graph = networks.Graph(original.architecture)
    for number, new in enumerate(variant.added, 1):
        graph.add(new, f"new_{number}")
    for change in variant.layers:
        graph.apply(change)
    if not all(left):
        graph.drop_columns(left)
    dropped = graph.drop_normalisers() if variant.scaling is Scaling.OFF else 0
    if variant.scaling is Scaling.OFF and not dropped and not inputs.scaled_columns(traced, settings):
        raise RefusedError("The inputs of this network are not scaled, so there is no scaling to leave out.")
    if variant.scaling is Scaling.STANDARD and any(of.class_name == "Embedding" for of in original.layers):
        raise RefusedError(
            "An input of this network is the number of a row in an embedding, which scaling would spoil."
        )
    architecture = graph.result(settings.assignment.caps.parameters)
    changed = inputs.changed(traced, variant, settings)
    notes = tuple(_notes(recipe, dropped, left, variant))
    return Changed(architecture, recipe, changed, _seeds(variant, original), in_words(original, variant), notes)


def _seeds(variant: Variant, original: Original) -> tuple[int, ...]:
    known = original.settings.seeds
    if unknown := set(variant.seeds) - set(known):
        listed = ", ".join(map(str, known))
        raise RefusedError(f"{min(unknown)} is no seed of this assignment's grading, which are {listed}.")
    return tuple(seed for seed in known if not variant.seeds or seed in variant.seeds)


def _notes(recipe: Recipe, dropped: int, left: tuple[bool, ...], variant: Variant) -> Iterator[str]:
    if recipe.capped_epochs:
        taken = sum(phase.epochs for phase in recipe.phases)
        yield f"The assignment's cap on steps cuts the training to {counted(taken, 'epoch')}."
    if dropped:
        yield f"{counted(dropped, 'layer')} that scaled the inputs went, too."
    if variant.without and left.count(False) > len(variant.without):
        yield f"{counted(left.count(False), 'input')} were made of what is left out."


# -- in words ------------------------------------------------------------------------------------------------

AS_IT_IS = "nothing changed"


def in_words(original: Original, variant: Variant) -> str:
    """Return a variant's changes in words: "layer 1 with 200 units; 5 epochs instead of 20"."""
    return "; ".join(_said(original, variant)) or AS_IT_IS


def _said(original: Original, variant: Variant) -> Iterator[str]:
    for change in variant.layers:
        yield from _of_layer(original, change)
    for new in variant.added:
        made = networks.layer_of(new, "")
        yield f"{describe_layer(made)} added behind {f'layer {new.after}' if new.after else 'the input'}"
    first = original.recipe.phases[0]
    if variant.optimizer and variant.optimizer != first.optimizer.class_name:
        yield f"{variant.optimizer} instead of {first.optimizer.class_name}"
    if variant.learning_rate is not None:
        before = recipes.learning_rate(original.recipe)
        rate = f"learning rate {variant.learning_rate:g}"
        yield rate if before is None or variant.optimizer else f"{rate} instead of {before:g}"
    if variant.batch_size is not None and variant.batch_size != first.batch_size:
        yield f"batches of {variant.batch_size:,} instead of {first.batch_size:,}"
    if variant.epochs is not None and variant.epochs != original.epochs:
        yield f"{counted(variant.epochs, 'epoch')} instead of {original.epochs:,}"
    if variant.patience is not None:
        yield f"early stopping after {counted(variant.patience, 'epoch')}" if variant.patience else "no early stopping"
    if variant.scaling is not None:
        yield "inputs not scaled" if variant.scaling is Scaling.OFF else "inputs scaled"
    if variant.without:
        yield f"without {' and '.join(variant.without)}"


def _of_layer(original: Original, change: LayerChange) -> Iterator[str]:
    layer = original.layers[change.at - 1] if change.at <= len(original.layers) else None
    if layer is None:
        return
    if change.drop:
        yield f"without layer {change.at} ({describe_layer(layer)})"
        return
    parts = []
    if change.units is not None and change.units != layer.config.get("units"):
        parts.append(f"{change.units} units instead of {layer.config.get('units')}")
    if change.activation is not None and change.activation != own_activation(layer):
        parts.append(f"{change.activation} instead of {own_activation(layer)}")
    if change.rate is not None and change.rate != layer.config.get("rate"):
        parts.append(f"rate {change.rate:g} instead of {layer.config.get('rate')}")
    if parts:
        yield f"layer {change.at}: {', '.join(parts)}"


def reduced(original: Original, variant: Variant) -> Variant:
    """Return the variant without the settings that equal the student's: a form sends everything that it shows."""
    layers = tuple(of for of in variant.layers if any(True for _ in _of_layer(original, of)) or _unknown(original, of))
    first, epochs = original.recipe.phases[0], original.epochs
    rate = recipes.learning_rate(original.recipe)
    is_same_rate = not variant.optimizer or variant.optimizer == first.optimizer.class_name
    return replace(
        variant,
        layers=tuple(_without_same(original, of) for of in layers),
        optimizer="" if variant.optimizer == first.optimizer.class_name else variant.optimizer,
        learning_rate=None if is_same_rate and variant.learning_rate == rate else variant.learning_rate,
        batch_size=None if variant.batch_size == first.batch_size else variant.batch_size,
        epochs=None if variant.epochs == epochs else variant.epochs,
        patience=None if variant.patience == patience(original) else variant.patience,
        seeds=() if variant.seeds == original.settings.seeds else variant.seeds,
    )


def patience(original: Original) -> int:
    """Return the patience of a training's early stopping, in epochs; 0 for none."""
    stopping = original.recipe.phases[-1].early_stopping
    value = stopping.config.get("patience", 0) if stopping else 0
    return value if isinstance(value, int) else 0


def _unknown(original: Original, change: LayerChange) -> bool:
    return change.at > len(original.layers)


def _without_same(original: Original, change: LayerChange) -> LayerChange:
    if _unknown(original, change):
        return change
    if change.drop:
        return LayerChange(at=change.at, drop=True)
    layer = original.layers[change.at - 1]
    return LayerChange(
        at=change.at,
        units=None if change.units == layer.config.get("units") else change.units,
        activation=None if change.activation == own_activation(layer) else change.activation,
        rate=None if change.rate == layer.config.get("rate") else change.rate,
    )
