"""Recognises networks that are the same network, built and trained several times. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from checker.records.capture import ModelCapture
from checker.records.network import Phase


def is_of_kind(one: ModelCapture, other: ModelCapture) -> bool:
    """Tell whether two networks have the same layers and were trained by the same recipe."""
    return shape(one) == shape(other) and shape(one) is not None and _recipe(one) == _recipe(other)


def of_same_kind(answer: ModelCapture, models: Sequence[ModelCapture]) -> list[ModelCapture]:
    """Return the other networks of the answer's kind, trained on any rows."""
    return [model for model in models if model.id != answer.id and model.fits and is_of_kind(answer, model)]


def are_twins(one: ModelCapture, other: ModelCapture) -> bool:
    """Tell whether two networks are of one kind and were last trained on the same rows."""
    x, theirs = one.fits[-1].training.x, other.fits[-1].training.x if other.fits else None
    return one.id != other.id and x is not None and x == theirs and is_of_kind(one, other)


def with_looks_at_twins(answer: ModelCapture, models: Sequence[ModelCapture]) -> ModelCapture:
    """Return the answer with its twins' uses added to its own."""
    twins = [model for model in models if are_twins(answer, model)]
    return replace(answer, uses=(*(use for twin in twins for use in twin.uses), *answer.uses))


def shape(model: ModelCapture) -> object:
    """Return a network's layers and wiring without the layers' names; None if it has no architecture."""
    if model.architecture is None:
        return None
    numbers = {layer.name: number for number, layer in enumerate(model.architecture.layers)}
    layers = [(layer.class_name, layer.config) for layer in model.architecture.layers]
    return layers, [(numbers[node.layer], node.inputs) for node in model.architecture.nodes], model.architecture.outputs


def _recipe(model: ModelCapture) -> list[Phase | None]:
    return [None if fit.phase is None else replace(fit.phase, rates=()) for fit in model.fits]
