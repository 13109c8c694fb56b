"""Which of the student's models is the answer, and why the others are not. Pure.

The answer is the last model that was trained on enough rows and has one output for each class, or one where
a number is to be predicted. Names say
nothing: ``model`` is often a left-over toy. Where there is none, ``explain`` says in words what was found
instead, so that nobody is left guessing.
"""

import re
from collections.abc import Mapping, Sequence

from checker.records import CellResult, Failure, ModelCapture, Rejected, Selection, Stage, Verdict

ENOUGH_SHARE = 0.05
"""Share of the data set's rows from which on a fit is more than a toy."""

OTHERS = {
    "PyTorch": r"^\s*(import torch|from torch)\b",
    "JAX": r"^\s*(import (jax|flax)|from (jax|flax))\b",
    "XGBoost": r"^\s*(import xgboost|from xgboost)\b",
    "a TensorFlow 1 graph": r"\btf\.placeholder\(|\btf\.Session\(",
    "a TensorFlow estimator": r"\btf\.estimator\.",
    "scikit-learn": r"\b(\w+Classifier|\w+Regressor|LogisticRegression|LinearRegression|SV[CR])\(",
}


def select(models: Sequence[ModelCapture], outputs: int, dataset_rows: int) -> Selection:
    """Return the answer among the models, given in the order in which they were last trained."""
    enough = round(dataset_rows * ENOUGH_SHARE)
    reasons = {model.id: _why_not(model, outputs, enough) for model in models}
    candidates = [model for model in models if not reasons[model.id]]
    if not candidates:
        return Selection(None, "no model for this task found", _rejected(models, reasons))
    chosen = candidates[-1]
    for model in candidates[:-1]:
        reasons[model.id] = f"it fits the task, but {_name(chosen)} was trained after it"
    reason = (
        f"{_name(chosen)} is the last model trained on at least {enough:,} rows that has {_count(outputs, 'output')} "
        f"(trained in cell {chosen.fits[-1].cell})"
    )
    return Selection(chosen.id, reason, _rejected(models, reasons))


def _rejected(models: Sequence[ModelCapture], reasons: Mapping[int, str]) -> tuple[Rejected, ...]:
    return tuple(Rejected(m.id, _name(m), m.cell, reasons[m.id]) for m in models if reasons[m.id])


def _name(model: ModelCapture) -> str:
    return f"`{model.variable or model.name}`"


def _why_not(model: ModelCapture, outputs: int, enough: int) -> str:
    """Return why a model is not a candidate; "" where it is one."""
    if not model.fits:
        return "it was never trained"
    if model.output_width is not None and model.output_width != outputs:
        return f"it has {_count(model.output_width, 'output')}, not {outputs}"
    rows = max(fit.training.rows for fit in model.fits)
    if 0 < rows < enough:
        return f"it was trained on {_count(rows, 'row')} only"
    if not any(fit.finished for fit in model.fits if not 0 < fit.training.rows < enough):
        return "its training did not finish"
    return ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def explain(models: Sequence[ModelCapture], cells: Sequence[CellResult], outputs: int, dataset_rows: int) -> Failure:
    """Say why there is no answer, as precisely as the evidence allows."""
    enough = round(dataset_rows * ENOUGH_SHARE)
    trained = [m for m in models if any(f.training.rows >= enough for f in m.fits)]
    unfinished = [m for m in trained if m.output_width in (None, outputs)]
    if unfinished:
        return Failure(
            Stage.SELECTING,
            f"No model for this task was trained to the end: {_name(unfinished[-1])} was still training.",
            "See why the training stopped, in the cell named here.",
            cell=unfinished[-1].fits[-1].cell,
            verdict=Verdict.FAIL,
        )
    untrained = [m for m in models if m.output_width == outputs and not m.fits]
    example = (None, 8) if outputs > 1 else ()  # of the inputs of the classification's hand-out's own regression
    wrong = [m for m in trained if m.output_width != outputs and m.input_width not in example]
    if untrained and not wrong:
        return _failure(
            f"The network {_name(untrained[-1])} has {_count(outputs, 'output')} but was never trained.",
            "Call fit on it with your training data.",
            untrained[-1].cell,
        )
    if wrong:
        return _failure(
            f"The network {_name(wrong[-1])} ends in {_count(wrong[-1].output_width or 0, 'output')}; "
            + (f"the task has {outputs} classes." if outputs > 1 else "the task is to predict one number."),
            f"End the network in {outputs} units, one for each class, with softmax."
            if outputs > 1
            else "End the network in one unit without an activation: Dense(1).",
            wrong[-1].fits[-1].cell,
        )
    return _nothing(cells)


def _nothing(cells: Sequence[CellResult]) -> Failure:
    source = "\n".join(cell.source for cell in cells)
    found = [what for what, pattern in OTHERS.items() if re.search(pattern, source, re.MULTILINE)]
    broken = next((cell for cell in cells if cell.error is not None), None)
    instead = f" What was found instead: {', '.join(found)}." if found else ""
    hint = "" if broken is None else f" The first cell that failed is cell {broken.index}; see whether it matters."
    return _failure(
        f"There is no model for this task: no Keras network was trained on the assignment's data.{instead}",
        f"Add your own network in Keras and train it on the housing data.{hint}",
        None,
    )


def _failure(rationale: str, help: str, cell: int | None) -> Failure:
    return Failure(Stage.SELECTING, rationale, help, cell=cell)
