"""Selects the networks of a file that were trained for the task. Pure."""

from collections.abc import Sequence

from checker.formats.text import counted
from checker.keras_spec import training_size
from checker.records.capture import ModelCapture

MOST_NAMED = 20
"""Maximum number of models listed in a sentence."""


def for_the_task(models: Sequence[ModelCapture], outputs: int, dataset_rows: int) -> tuple[ModelCapture, ...]:
    """Return the models that were trained for the task."""
    enough = training_size.enough_rows(dataset_rows)
    return tuple(model for model in models if not why_not(model, outputs, enough))


def why_not(model: ModelCapture, outputs: int, enough: int) -> str:
    """Return why a model is not a candidate; "" if it is one."""
    if not model.fits:
        return "it was never trained"
    if model.output_width is not None and model.output_width != outputs:
        return f"it has {counted(model.output_width, 'output')}, not {outputs}"
    rows = max(fit.training.rows for fit in model.fits)
    if 0 < rows < enough:
        return f"it was trained on {counted(rows, 'row')} only"
    if not any(fit.finished for fit in model.fits if not 0 < fit.training.rows < enough):
        return "its training did not finish"
    return ""


def name(model: ModelCapture) -> str:
    return f"`{model.variable or model.name}`"
