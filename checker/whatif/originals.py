"""A student's network as the clean guest retrained it, from stored evidence: the starting point of variants. Pure."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from checker.gather import retraining
from checker.gather.stages import Retrained, retrained_of
from checker.keras_spec import architectures, recipes
from checker.records.gathered import Gathered
from checker.records.network import Architecture, Layer, Recipe
from checker.records.settings import RunSettings
from checker.records.verdicts import FailureCause, Stage
from checker.whatif.refusal import RefusedError


@dataclass(frozen=True)
class Original:
    """A student's network, and the recipe of its training before the assignment's cap on steps."""

    retrained: Retrained
    architecture: Architecture
    recipe: Recipe
    settings: RunSettings

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers after the inputs in the order of their calls, each once, as variants count them."""
        called = dict.fromkeys(node.layer for node in self.architecture.nodes)
        by_name = {layer.name: layer for layer in self.architecture.layers}
        return tuple(by_name[name] for name in called if by_name[name].class_name != "InputLayer")

    @property
    def epochs(self) -> int:
        """The number of epochs that the student asked for."""
        return sum(phase.epochs for phase in self.recipe.phases)

    @property
    def columns(self) -> Sequence[str]:
        """Columns of the data that the inputs come from."""
        named = self.retrained.answered.traced.tracing.columns
        return [name for name in self.settings.assignment.data.features if any(c.source == name for c in named)]


def original_of(gathered: Gathered, settings: RunSettings) -> Original:
    """Return the retrained network; RefusedError, in words, if the clean guest retrained none."""
    evidence = gathered.evidence
    if evidence.answer is None:
        raise RefusedError("There is no network for the task in this file, so there is nothing to change.")
    if evidence.replayed:
        why = evidence.replayed.rstrip(".")
        raise RefusedError(
            f"This network was trained by the student's own code ({why}), and that code never runs in a what-if."
        )
    failed = next((of for of in evidence.failures if of.cause is FailureCause.NOT_RETRAINED), None)
    failed = failed or next((of for of in evidence.failures if of.cause is FailureCause.WRONG_OUTPUTS), None)
    if failed is not None and failed.stage is Stage.RETRAINING:
        raise RefusedError(f"Nothing can be tried with this network. {failed.rationale}")
    architecture = evidence.answer.architecture
    if evidence.tracing is None or evidence.tracing.rows is None or architecture is None:
        raise RefusedError("This network was not trained again, so nothing can be tried with it.")
    if not architectures.is_sound(architecture):
        raise RefusedError("The description of this network makes no sense.")
    retrained = retrained_of(gathered)
    caps = replace(settings.assignment.caps, retrain_steps=sys.maxsize)
    free = replace(settings, assignment=replace(settings.assignment, caps=caps))
    recipe, unclear = retraining.recipe_of(retrained.answered, free)
    if recipe is None:
        raise RefusedError(f"Nobody knows how this network was trained: {unclear}.")
    if settings.assignment.data.is_regression:
        recipe = recipes.of_numbers(recipe)
    return Original(retrained, architecture, recipe, settings)
