"""Trains a variant in the clean guest, without the student's file and any file that it wrote."""

from dataclasses import replace

from checker.gather import retraining
from checker.gather.stages import Retrained, evidence_of
from checker.records.gathered import Gathered
from checker.records.settings import Live, RunSettings
from checker.records.variants import Variant
from checker.sandbox.boxes import Box
from checker.whatif import changes
from checker.whatif.originals import original_of


def train(gathered: Gathered, variant: Variant, settings: RunSettings, box: Box, live: Live) -> Gathered:
    """Return the evidence of a changed network, trained as the original was.

    Raises RefusedError if the variant cannot be tried, StoppedError once nobody waits for it any more.
    """
    original = original_of(gathered, settings)
    changed = changes.apply(original, variant)
    answered = replace(original.retrained.answered, traced=changed.traced)
    before = Retrained(answered=answered, recipe=changed.recipe, arrays={})
    trained = retraining.train_changed(before, changed.architecture, changed.seeds, settings, box, live)
    return evidence_of(trained, settings.seeds)
