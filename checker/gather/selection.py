"""Which of the student's models is the answer, and why the others are not. Pure.

Somebody may say which one it is: the demonstrator, the assignment, or the student. Else the answer is the last model
for the task that no other outdoes in the student's own run (``ranking``). A model is for the task if it was trained on
enough rows and has one output for each class, or one where a number is to be predicted. Names say nothing: ``model`` is
often a left-over toy. Where there is no answer, ``explain`` says in words what was found instead, so that nobody is
left guessing.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from checker.keras_spec import recipes
from checker.records.capture import Adaptation, CellResult, ModelCapture
from checker.records.evidence import Rejected, Selection
from checker.records.submission import Companion
from checker.records.verdicts import Failure, Stage, Verdict
from checker.source import absences, definitions
from checker.source.error_words import FirstError
from checker.source.first_errors import FirstErrors
from checker.source.provenance import Provenance

MOST_NAMED = 20
"""Models that are listed in a sentence."""

MARK = re.compile(r"#\s*checker:\s*answer\b(?:\s*(?:[:=]\s*)?([A-Za-z_]\w*))?", re.IGNORECASE)

OTHERS = {
    "PyTorch": r"^[ \t]*(import torch|from torch)\b",
    "JAX": r"^[ \t]*(import (jax|flax)|from (jax|flax))\b",
    "XGBoost": r"^[ \t]*(import xgboost|from xgboost)\b",
    "a TensorFlow 1 graph": r"\b(tf1?|v1)\.(placeholder|(Interactive)?Session)\(",
    "a TensorFlow estimator": r"\btf\.estimator\.",
    "scikit-learn": r"\b(\w+Classifier|\w+Regressor|LogisticRegression|LinearRegression|SV[CR])\(",
}


def candidates(models: Sequence[ModelCapture], outputs: int, dataset_rows: int) -> tuple[ModelCapture, ...]:
    """Return the models that were trained for the task."""
    enough = recipes.enough_rows(dataset_rows)
    return tuple(model for model in models if not _why_not(model, outputs, enough))


def select(
    models: Sequence[ModelCapture],
    cells: Sequence[CellResult],
    outputs: int,
    dataset_rows: int,
    named: str = "",
    outdone: Mapping[int, str] = MappingProxyType({}),
    folds: Mapping[int, int] = MappingProxyType({}),
) -> Selection:
    """Return the answer among the models, given in the order in which they were last trained.

    ``named``: the variable that holds it, where the demonstrator or the assignment says so. Else a student's own mark
    counts: a cell with the tag ``checker: answer`` or the comment ``# checker: answer``, maybe followed by a variable.
    ``outdone``: why models gave way to others in the student's own run, by id; a variable that somebody names outdoes
    that. ``folds``: for how many folds the last of them stands, by its id.
    """
    enough = recipes.enough_rows(dataset_rows)
    pointed, words = _pointed_at(models, cells, named)
    reasons = {model.id: _why_not(model, outputs, enough) for model in models}
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
            after = f"it fits the task, but {_name(chosen)} was trained after it"
            reasons[model.id] = after if model in equals else outdone[model.id]
    reason = words or _why(chosen, len(fitting), len(equals), outputs, enough)
    if chosen.id in folds:
        reason += f"; it stands for {folds[chosen.id]} folds, which are not ranked against each other"
    return Selection(chosen.id, f"{reason} (trained in cell {chosen.fits[-1].cell})", _rejected(models, reasons))


def _why(chosen: ModelCapture, fitting: int, equals: int, outputs: int, enough: int) -> str:
    if equals < fitting:
        last = f"{_name(chosen)} is the last that no other outdoes, as trained"
        return f"Of {fitting} models for the task, {last}"
    return f"{_name(chosen)} is the last model trained on at least {enough:,} rows that has {_count(outputs, 'output')}"


def unknown_name(models: Sequence[ModelCapture], named: str) -> str:
    """Say which names there are, where no model has the one that a demonstrator gave; "" where one has it."""
    if not named or any(named in (model.variable, model.name) for model in models):
        return ""
    there = [f"{_name(model)} (cell {model.cell})" for model in models[-MOST_NAMED:]]
    return f"No model of this file is called `{named}`. There is {' and '.join(there) or 'none at all'}."


def _pointed_at(
    models: Sequence[ModelCapture], cells: Sequence[CellResult], named: str
) -> tuple[list[ModelCapture], str]:
    """Return the models that somebody says are the answer, and who says so; nothing where nobody does."""
    found = [model for model in models if named and named in (model.variable, model.name)]
    if found:
        return found, f"`{named}` is the variable in which the answer is to be found"
    for cell in reversed(cells):
        mark = MARK.search(cell.source)
        if mark is None and not any(MARK.search(f"# {tag}") for tag in cell.tags):
            continue
        variable = mark.group(1) if mark is not None else None
        found = [m for m in models if variable and variable in (m.variable, m.name)] or _used_in(cell, models)
        if found:
            return found, f"cell {cell.index} marks {_name(found[-1])} as the answer"
    return [], ""


def _used_in(cell: CellResult, models: Sequence[ModelCapture]) -> list[ModelCapture]:
    """Return the models made in a cell, or else those trained, or else those used there."""
    made = [model for model in models if model.cell == cell.index]
    trained = [model for model in models if any(fit.cell == cell.index for fit in model.fits)]
    used = [model for model in models if any(use.cell == cell.index for use in model.uses)]
    return trained or made or used


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


def explain(
    models: Sequence[ModelCapture],
    cells: Sequence[CellResult],
    outputs: int,
    dataset_rows: int,
    named: str = "",
    adaptations: Sequence[Adaptation] = (),
    companions: Sequence[Companion] = (),
) -> Failure:
    """Say why there is no answer, as precisely as the evidence allows.

    The first error that the training of a network failed from comes before all that only follows from it.
    """
    asking = next((cell for cell in cells if absences.unanswered(cell)), None)
    if asking is not None:
        return Failure(
            stage=Stage.SELECTING,
            rationale=f"No model for this task was trained to the end: {absences.place(asking)} asks for input, "
            "which nobody types while a file is checked, and cannot go on with the empty line that it gets. A demonstrator decides.",
            help="Write the value into the code in place of the prompt, or a default behind it: input(...) or 20.",
            cell=asking.index,
            verdict=Verdict.REFER,
        )
    models = _pointed_at(models, cells, named)[0] or models
    enough = recipes.enough_rows(dataset_rows)
    trained = [m for m in models if any(f.training.rows >= enough for f in m.fits)]
    unfinished = [m for m in trained if m.output_width in (None, outputs)]
    example = (None, 8) if outputs > 1 else ()  # of the inputs of the classification's hand-out's own regression
    wrong = [m for m in trained if m not in unfinished and m.input_width not in example]
    error = first_error(models, cells, adaptations, companions, [m.fits[-1].cell for m in unfinished])
    if error is not None and not any(m.fits[-1].cell > error.links[-1].fault.cell for m in wrong):
        return _failure(error.rationale, error.help, error.cell)
    if unfinished:
        cell = unfinished[-1].fits[-1].cell
        return _failure(
            f"No model for this task was trained to the end: the training of {_name(unfinished[-1])} in cell {cell} "
            "ended before its first epoch did.",
            "See why the training ended: what it raised may have been caught.",
            cell,
        )
    untrained = [m for m in models if m.output_width == outputs and not m.fits]
    elsewhere = [m for m in untrained if m.origin]
    if elsewhere:
        return Failure(
            stage=Stage.SELECTING,
            rationale=f"The training of the network {_name(elsewhere[-1])} was not seen: {elsewhere[-1].origin}. "
            "Another process may have trained it. A demonstrator decides.",
            help="Train the network in the file that you hand in, by fit, or be ready to show how it was trained.",
            cell=elsewhere[-1].cell,
            verdict=Verdict.REFER,
        )
    if untrained and not wrong:
        return _failure(
            f"The network {_name(untrained[-1])} has {_count(outputs, 'output')} but was never trained.",
            "Call fit on it with your training data.",
            untrained[-1].cell,
        )
    if wrong:
        return _wrong_width(wrong[-1], outputs)
    return _nothing(cells, companions, trained, outputs)


def first_error(
    models: Sequence[ModelCapture],
    cells: Sequence[CellResult],
    adaptations: Sequence[Adaptation],
    companions: Sequence[Companion] = (),
    unfinished: Sequence[int] = (),
) -> FirstError | None:
    """Return the first error that the last training that failed did so from; None where none failed.

    ``unfinished``: cells in which the training of a network for the task did not come to its end.
    """
    known = Provenance(cells, adaptations, companions)
    errors_of = FirstErrors(known)
    finished = {fit.cell for model in models for fit in model.fits if fit.finished}
    trainings = [at for at in known.trainings() if known.statements[at][0] not in finished]
    trainings += [at for at in map(errors_of.failed_in, unfinished) if at is not None]
    errors = (errors_of.of(at) for at in sorted(trainings, reverse=True)[:MOST_NAMED])
    return next((error for error in errors if error is not None), None)


def _wrong_width(model: ModelCapture, outputs: int) -> Failure:
    missing = " One class seems to have been dropped: a rare class is still a class." * (
        model.output_width == outputs - 1 > 1
    )
    wanted = f"the task has {outputs} classes." if outputs > 1 else "the task is to predict one number."
    help = f"End the network in {outputs} units, one for each class, with softmax."
    return _failure(
        f"The network {_name(model)} ends in {_count(model.output_width or 0, 'output')}; {wanted}{missing}",
        help if outputs > 1 else "End the network in one unit without an activation: Dense(1).",
        model.fits[-1].cell,
    )


def _nothing(
    cells: Sequence[CellResult], companions: Sequence[Companion], trained: Sequence[ModelCapture], outputs: int
) -> Failure:
    """Say that nothing for the task was found, and what else was: other libraries, or networks ``trained``."""
    code = "\n".join(definitions.code_of(cell.source) for cell in cells)
    found = [what for what, pattern in OTHERS.items() if re.search(pattern, code, re.MULTILINE)]
    found += map(_in_and_out, trained[-MOST_NAMED:])
    broken = next((cell for cell in cells if cell.error is not None), None)
    instead = f" What was found instead: {', '.join(found)}." if found else ""
    hint = "" if broken is None else f" The first cell that failed is {absences.place(broken)}; see whether it matters."
    lacking = next((said for cell in cells if (said := absences.lacks(cell, companions))), "")
    if lacking:
        instead += f" {lacking[0].upper()}{lacking[1:]}."
        hint = " Hand in all files that it reads, in one folder or zip with it."
    wanted = f" with {_count(outputs, 'output')}" if trained else ""
    add = "If one of these is to be the answer, let it have the outputs that the task needs; else add your own network"
    return _failure(
        f"There is no model for this task: no Keras network{wanted} was trained on the assignment's data.{instead}",
        f"{add if trained else 'Add your own network'} in Keras and train it on the assignment's data.{hint}",
        None,
    )


def _in_and_out(model: ModelCapture) -> str:
    """Return "the network `model` with 8 inputs and 1 output (cell 6)"."""
    widths = ((model.input_width, "input"), (model.output_width, "output"))
    ends = " and ".join(_count(width, noun) for width, noun in widths if width is not None)
    return f"the network {_name(model)}{f' with {ends}' if ends else ''} (cell {model.fits[-1].cell})"


def _failure(rationale: str, help: str, cell: int | None) -> Failure:
    return Failure(stage=Stage.SELECTING, rationale=rationale, help=help, cell=cell)
