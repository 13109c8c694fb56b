"""The answer's training: its recipe as carried out, runs cut short, and the number of seeds of a replay. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from checker.formats.text import counted
from checker.keras_spec import kin, recipes, training_size
from checker.records.assignment import Caps
from checker.records.comparison import Comparison
from checker.records.evidence import Evidence
from checker.records.network import Recipe
from checker.records.settings import RunSettings
from checker.records.training import TrainingRun
from checker.scoring import metrics


def recipe_of(evidence: Evidence, runs: Sequence[TrainingRun], rows: int) -> Recipe | None:
    """Return the answer's recipe, updated by its retrainings and its rows; ``rows``: number of rows in the data.

    Epochs count as cut only if training would have gone on. A development set made of training rows is marked.
    """
    answer, recipe = evidence.answer, evidence.recipe
    if answer is None or recipe is None:
        return recipe
    looked_at = kin.with_looks_at_twins(answer, evidence.models)
    others = kin.of_same_kind(answer, evidence.models)
    watched = recipe.development or any(
        recipes.watched_development(one, training_size.enough_rows(rows)) for one in others
    )
    watched_itself = recipes.watched_itself(looked_at, evidence.tracing, training_size.enough_rows(rows))
    return replace(recipes.carried_out(recipe, runs), development=watched, watched_itself=watched_itself)


def cut_short(evidence: Evidence, recipe: Recipe | None, caps: Caps) -> str:
    """Return a sentence on the early end of the student's file or of a retraining by its ``recipe``; "" if neither
    ended early."""
    if evidence.cut_short:
        return evidence.cut_short
    answer = evidence.answer
    if evidence.replayed:
        is_capped = answer is not None and recipes.is_capped(answer, evidence.models, caps)
        return "Training was cut short by the cap on steps." if is_capped else ""
    if recipe is None or not recipe.capped_epochs:
        return ""
    asked = recipe.capped_epochs + sum(phase.epochs for phase in recipe.phases)
    return f"Training was cut short by the cap: {recipe.capped_epochs:,} of {asked:,} epochs asked for were not run."


def replay_in_words(evidence: Evidence, compared: Comparison | None, settings: RunSettings) -> str:
    """Return a replay's number of seeds and the reason for it, as sentences; "" if there was no replay."""
    if not evidence.replayed or not evidence.runs:
        return ""
    run, of = len(evidence.runs), len(settings.seeds)
    seeds = f"{counted(run, 'seed')}{f' instead of {of}' if run < of else ''}"
    ran = f"It was trained again with the file's own code, from {seeds}"
    if run > 1:
        ran = f"{ran}, because the first did not reach the bar"
    elif compared is not None:
        write = metrics.find(compared.metric, compared.unit).unit.value
        side = "above" if compared.mean > compared.bar else "below" if compared.mean < compared.bar else "at"
        wanted = "PASS" if compared.reaches_bar else "FAIL"
        ran = (
            f"{ran}: {write(compared.mean)}, {side} this seed's bar of {write(compared.bar)}; one seed is too "
            f"few for a {wanted} by itself"
        )
    return " ".join(filter(None, (f"{ran}.", evidence.replay)))
