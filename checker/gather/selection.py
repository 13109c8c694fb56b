"""Selects the student's model that is the answer, and gives the reasons against the others. Pure.

The demonstrator, the assignment or the student may name the answer. Else it is the last model for the task that no
other outdoes in the student's own run (``ranking``). A model is for the task if it was trained on enough rows and has
one output for each class, or a single output in a regression. Names do not count: ``model`` is often a left-over toy.
If there is no answer, ``explain`` gives the reason.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from checker.formats.text import counted
from checker.gather.candidates import MOST_NAMED, name, why_not
from checker.keras_spec import training_size
from checker.records.capture import CellResult, ModelCapture
from checker.records.evidence import Rejected, Selection

MARK = re.compile(r"#\s*checker:\s*answer\b(?:\s*(?:[:=]\s*)?([A-Za-z_]\w*))?", re.IGNORECASE)

NUMBER = "#"
"""Begins the name of a network by its number in the evidence, which a demonstrator may choose."""


def select(
    models: Sequence[ModelCapture],
    cells: Sequence[CellResult],
    outputs: int,
    dataset_rows: int,
    named: str = "",
    outdone: Mapping[int, str] = MappingProxyType({}),
    folds: Mapping[int, int] = MappingProxyType({}),
) -> Selection:
    """Return the answer among the models, which come in the order of their last training.

    ``named``: the variable of the answer, if the demonstrator or the assignment names one. Else a student's own mark
    counts: a cell with the tag ``checker: answer`` or the comment ``# checker: answer``, optionally with a variable
    after it. ``outdone``: by id, why models gave way to others in the student's own run; a named variable overrides it.
    ``folds``: the number of folds that a model stands for, by its id.
    """
    enough = training_size.enough_rows(dataset_rows)
    pointed, words = pointed_at(models, cells, named)
    reasons = {model.id: why_not(model, outputs, enough) for model in models}
    for model in models if pointed else ():
        if model not in pointed:
            reasons[model.id] = reasons[model.id] or "another one is said to be the answer"
    fitting = [model for model in models if not reasons[model.id]]
    if not fitting:
        return Selection(None, "no model for this task found", _rejected(models, reasons))
    equals = [model for model in fitting if model.id not in outdone] or fitting
    chosen = equals[-1]
    for model in fitting:
        if model is not chosen:
            after = f"it fits the task, but {name(chosen)} was trained after it"
            reasons[model.id] = after if model in equals else outdone[model.id]
    reason = words or _why(chosen, len(fitting), len(equals), outputs, enough)
    if chosen.id in folds:
        reason += f"; it stands for {folds[chosen.id]} folds, which are not ranked against each other"
    return Selection(chosen.id, f"{reason} (trained in cell {chosen.fits[-1].cell})", _rejected(models, reasons))


def _why(chosen: ModelCapture, fitting: int, equals: int, outputs: int, enough: int) -> str:
    if equals < fitting:
        last = f"{name(chosen)} is the last that no other outdoes, as trained"
        return f"Of {fitting} models for the task, {last}"
    return f"{name(chosen)} is the last model trained on at least {enough:,} rows that has {counted(outputs, 'output')}"


def unknown_name(models: Sequence[ModelCapture], named: str) -> str:
    """Return a sentence with the models' names if none is called ``named``; "" if one is."""
    if not named or any(_is_called(model, named) for model in models):
        return ""
    there = [f"{name(model)} (cell {model.cell})" for model in models[-MOST_NAMED:]]
    return f"No model of this file is called `{named}`. There is {' and '.join(there) or 'none at all'}."


def pointed_at(
    models: Sequence[ModelCapture], cells: Sequence[CellResult], named: str
) -> tuple[list[ModelCapture], str]:
    """Return the models that are named or marked as the answer, and by whom; ([], "") if there are none."""
    found = [model for model in models if named and _is_called(model, named)]
    if found and named.startswith(NUMBER):
        return found, f"a demonstrator made {name(found[-1])} the answer"
    if found:
        return found, f"`{named}` is the variable in which the answer is to be found"
    for cell in reversed(cells):
        mark = MARK.search(cell.source)
        if mark is None and not any(MARK.search(f"# {tag}") for tag in cell.tags):
            continue
        variable = mark.group(1) if mark is not None else None
        found = [m for m in models if variable and variable in (m.variable, m.name)] or _used_in(cell, models)
        if found:
            return found, f"cell {cell.index} marks {name(found[-1])} as the answer"
    return [], ""


def _is_called(model: ModelCapture, named: str) -> bool:
    return named in (model.variable, model.name, f"{NUMBER}{model.id}")


def _used_in(cell: CellResult, models: Sequence[ModelCapture]) -> list[ModelCapture]:
    """Return the models trained in a cell, or else those made, or else those used there."""
    made = [model for model in models if model.cell == cell.index]
    trained = [model for model in models if any(fit.cell == cell.index for fit in model.fits)]
    used = [model for model in models if any(use.cell == cell.index for use in model.uses)]
    return trained or made or used


def _rejected(models: Sequence[ModelCapture], reasons: Mapping[int, str]) -> tuple[Rejected, ...]:
    return tuple(Rejected(m.id, name(m), m.cell, reasons[m.id]) for m in models if reasons[m.id])
