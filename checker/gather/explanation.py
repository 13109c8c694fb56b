"""Explains why a file has no answer: the first error that made its training fail, or its contents instead. Pure."""

from collections.abc import Sequence

from checker.formats.text import counted
from checker.gather import selection
from checker.gather.candidates import MOST_NAMED, name
from checker.gather.executed import Executed
from checker.keras_spec import training_size
from checker.records.capture import Adaptation, CellResult, ModelCapture
from checker.records.settings import RunSettings
from checker.records.submission import Companion
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.source import absences, definitions, frameworks
from checker.source.error_words import FirstError
from checker.source.first_errors import FirstErrors
from checker.source.provenance import Provenance

ALL_FILES = " Hand in all files that it reads, in one folder or zip with it."


def explain(executed: Executed, settings: RunSettings) -> tuple[Failure, ...]:
    """Explain why there is no answer; failures of earlier stages come first.

    If the run was cut short after an error had prevented the answer, that error is named before the early end.
    """
    companions = executed.submission.companions
    if executed.failures:
        error = first_error(executed.models, executed.cells, executed.adaptations, companions)
        if error is None or any(failure.stage is not Stage.EXECUTING for failure in executed.failures):
            return executed.failures
        failure = Failure(
            stage=Stage.SELECTING,
            cause=FailureCause.NO_ANSWER_CUT_SHORT,
            rationale=error.rationale,
            help=error.help,
            cell=error.cell,
        )
        return (failure, *executed.failures)
    outputs, rows = settings.assignment.data.outputs, len(settings.dataset.labels)
    about = (outputs, rows, settings.answer_name, executed.adaptations, companions)
    return (why_none(executed.models, executed.cells, *about),)


def why_none(
    models: Sequence[ModelCapture],
    cells: Sequence[CellResult],
    outputs: int,
    dataset_rows: int,
    named: str = "",
    adaptations: Sequence[Adaptation] = (),
    companions: Sequence[Companion] = (),
) -> Failure:
    """Explain why there is no answer, as precisely as the evidence allows.

    The first error that made the training of a network fail comes before its consequences.
    """
    asking = next((cell for cell in cells if absences.unanswered(cell)), None)
    if asking is not None:
        return Failure(
            stage=Stage.SELECTING,
            rationale=f"No model for this task was trained to the end: {absences.place(asking)} asks for input, "
            "which nobody types while a file is checked, and cannot go on with the empty line that it gets. A "
            "demonstrator decides.",
            help="Write the value into the code in place of the prompt, or a default behind it: input(...) or 20.",
            cell=asking.index,
            cause=FailureCause.WAITS_FOR_INPUT,
        )
    models = selection.pointed_at(models, cells, named)[0] or models
    enough = training_size.enough_rows(dataset_rows)
    trained = [m for m in models if any(f.training.rows >= enough for f in m.fits)]
    unfinished = [m for m in trained if m.output_width in (None, outputs)]
    example = (None, 8) if outputs > 1 else ()  # input widths of the regression in the classification's hand-out
    wrong = [m for m in trained if m not in unfinished and m.input_width not in example]
    error = first_error(models, cells, adaptations, companions, [m.fits[-1].cell for m in unfinished])
    if error is not None and not any(m.fits[-1].cell > error.links[-1].fault.cell for m in wrong):
        return _failure(error.rationale, error.help, error.cell)
    if unfinished:
        cell = unfinished[-1].fits[-1].cell
        return _failure(
            f"No model for this task was trained to the end: the training of {name(unfinished[-1])} in cell {cell} "
            "ended before its first epoch did.",
            "See why the training ended: what it raised may have been caught.",
            cell,
        )
    untrained = [m for m in models if m.output_width == outputs and not m.fits]
    elsewhere = [m for m in untrained if m.origin]
    if elsewhere:
        return Failure(
            stage=Stage.SELECTING,
            rationale=f"The training of the network {name(elsewhere[-1])} was not seen: {elsewhere[-1].origin}. "
            "Another process may have trained it. A demonstrator decides.",
            help="Train the network in the file that you hand in, by fit, or be ready to show how it was trained.",
            cell=elsewhere[-1].cell,
            cause=FailureCause.TRAINED_ELSEWHERE,
        )
    if untrained and not wrong:
        return _failure(
            f"The network {name(untrained[-1])} has {counted(outputs, 'output')} but was never trained.",
            "Call fit on it with your training data.",
            untrained[-1].cell,
        )
    if wrong:
        return _wrong_width(wrong[-1], outputs)
    libraries = frameworks.used_in("\n".join(definitions.code_of(cell.source) for cell in cells))
    own = [m for m in models if m.input_width not in example]
    if libraries and libraries[0] != frameworks.GRAPH and not own:
        return _other_library(libraries[0], cells, companions)
    return _nothing(cells, companions, trained, outputs, libraries)


def first_error(
    models: Sequence[ModelCapture],
    cells: Sequence[CellResult],
    adaptations: Sequence[Adaptation],
    companions: Sequence[Companion] = (),
    unfinished: Sequence[int] = (),
) -> FirstError | None:
    """Return the first error that led to the failure of the last failed training; None if none failed.

    ``unfinished``: cells in which the training of a network for the task did not finish.
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
        f"The network {name(model)} ends in {counted(model.output_width or 0, 'output')}; {wanted}{missing}",
        help if outputs > 1 else "End the network in one unit without an activation: Dense(1).",
        model.fits[-1].cell,
        FailureCause.WRONG_OUTPUTS,
    )


def _other_library(library: str, cells: Sequence[CellResult], companions: Sequence[Companion]) -> Failure:
    """Return a failure that names the library that is used in place of Keras; errors in its code do not matter."""
    lacking = _lacking(cells, companions)
    return _failure(
        f"{frameworks.instead_of_keras(library, cells)}{lacking}",
        f"Write the network in Keras and train it on the assignment's data.{ALL_FILES if lacking else ''}",
        None,
    )


def _lacking(cells: Sequence[CellResult], companions: Sequence[Companion]) -> str:
    """Return a sentence on the first missing file or module; "" if there is none."""
    lacking = next((said for cell in cells if (said := absences.lacks(cell, companions))), "")
    return f" {lacking[0].upper()}{lacking[1:]}." if lacking else ""


def _nothing(
    cells: Sequence[CellResult],
    companions: Sequence[Companion],
    trained: Sequence[ModelCapture],
    outputs: int,
    libraries: Sequence[str],
) -> Failure:
    """Return a failure that names the file's contents instead: other ``libraries``, or networks ``trained``."""
    found = [*libraries, *map(_in_and_out, trained[-MOST_NAMED:])]
    instead = f" What was found instead: {', '.join(found)}." if found else ""
    broken = next((cell for cell in cells if cell.error is not None), None)
    hint = "" if broken is None else f" The first cell that failed is {absences.place(broken)}; see whether it matters."
    if lacking := _lacking(cells, companions):
        instead, hint = f"{instead}{lacking}", ALL_FILES
    wanted = f" with {counted(outputs, 'output')}" if trained else ""
    add = "If one of these is to be the answer, let it have the outputs that the task needs; else add your own network"
    return _failure(
        f"There is no model for this task: no Keras network{wanted} was trained on the assignment's data.{instead}",
        f"{add if trained else 'Add your own network'} in Keras and train it on the assignment's data.{hint}",
        None,
    )


def _in_and_out(model: ModelCapture) -> str:
    """Return "the network `model` with 8 inputs and 1 output (cell 6)"."""
    widths = ((model.input_width, "input"), (model.output_width, "output"))
    ends = " and ".join(counted(width, noun) for width, noun in widths if width is not None)
    return f"the network {name(model)}{f' with {ends}' if ends else ''} (cell {model.fits[-1].cell})"


def _failure(rationale: str, help: str, cell: int | None, cause: FailureCause = FailureCause.NO_ANSWER) -> Failure:
    return Failure(stage=Stage.SELECTING, cause=cause, rationale=rationale, help=help, cell=cell)
