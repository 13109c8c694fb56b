"""Draws a self-check's seeds from the assignment's pool.

Theory of operation: a student who checks again and again on the same few splits tunes to these splits. So the seeds
follow from the network, the recipe and the rows, as plain data. Another network gets other splits. A changed comment,
or a layer's name, changes nothing.
"""

import hashlib
import json
from dataclasses import replace

from checker.gather import retraining
from checker.gather.stages import Answered
from checker.keras_spec import kin
from checker.records.codec import to_plain
from checker.records.network import Recipe
from checker.records.settings import RunSettings


def drawn(answered: Answered, settings: RunSettings) -> RunSettings:
    """Return the settings with the seeds that this answer is trained for: all of the pool, or the configured number
    drawn from it."""
    if not settings.drawn:
        return settings
    recipe, _ = retraining.recipe_of(answered, settings)
    trained = _fingerprint(answered, recipe)
    by_chance = sorted(settings.seeds, key=lambda seed: hashlib.sha256(f"{trained} {seed}".encode()).digest())
    return replace(settings, seeds=tuple(sorted(by_chance[: settings.drawn])), drawn=0)


def _fingerprint(answered: Answered, recipe: Recipe | None) -> str:
    """Return a hash of the network without its names, of its recipe, and of the data set's rows that are trained on."""
    phases = [to_plain(replace(phase, rates=())) for phase in recipe.phases] if recipe else []
    trainable = answered.traced.trainable
    rows = [] if trainable is None else sorted(map(int, trainable))
    network = kin.shape(answered.answer)
    content = json.dumps([network, phases, bool(recipe and recipe.development), rows], sort_keys=True, default=dict)
    return hashlib.sha256(content.encode()).hexdigest()
