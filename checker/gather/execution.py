"""Runs a student's file in a box, in the generation of Keras that it was written for, and reports the outcome."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from checker.errors import HarnessError
from checker.formats.text import counted
from checker.gather import candidates, generations
from checker.gather.executed import Executed, failures_of_cut
from checker.records.arrays import Array, ArrayRef
from checker.records.assignment import Limits
from checker.records.capture import ModelCapture
from checker.records.job import Ending, ExecuteJob, Execution, ReplayPlan
from checker.records.settings import RunSettings, Watch
from checker.records.submission import Submission
from checker.records.verdicts import Stage
from checker.sandbox.boxes import Box
from checker.submissions import choice
from checker.wire import frames
from checker.wire.collector import Collector
from checker.wire.frames import Frame, Kind

MAX_KEPT_BYTES = 64 * 2**20
"""Limit on stored arrays that were fed to networks for the task; any of these networks can become the answer later."""
CUT_SHORT = {
    Ending.TIME: "The file ran longer than the {time} allowed and was stopped",
    Ending.WALL_CLOCK: "The file had not ended by the clock after ten times the {time} allowed and was stopped",
    Ending.MEMORY: "The file used more memory than the {memory} allowed and was stopped",
    Ending.OUTPUT: "The file produced more output than the {output} allowed and was stopped",
    Ending.PROCESSES: "The file started more processes than allowed and was stopped",
    Ending.CRASHED: "The file's process vanished",
}
"""Sentences for runs that did not finish by themselves, with the limits that they exceeded."""


def run(submission: Submission, settings: RunSettings, box: Box, watch: Watch) -> Executed:
    """Run a student's files in turn until one holds an answer, within one limit for all of them.

    Return the stage of the file with an answer, or else of the first with a network or an error.
    """
    room = settings.assignment.execute.seconds
    ran: list[Executed] = []
    for number, file in enumerate(files_of(submission)):
        limits = replace(settings.assignment.execute, seconds=room)
        ended, seen = _in_its_generation(file, settings, box, watch, limits)
        ran.append(_left(as_checked(submission, number), ended, seen, settings))
        room -= ended.counted_seconds
        if _holds_answer(seen, settings):
            return ran[-1]
        if room <= 0:
            break
    return max(ran, key=_tells_why)


def _tells_why(left: Executed) -> bool:
    """Tell whether a run without an answer may explain why there is none; a file of function definitions does not."""
    return bool(left.models or left.failures) or any(cell.error is not None for cell in left.cells)


def files_of(submission: Submission) -> tuple[Submission, ...]:
    """Return a student's files in the order in which they are tried."""
    return (submission, *submission.others)


def as_checked(submission: Submission, number: int) -> Submission:
    """Return the submission of a student's file by its number, with a note on the files before it."""
    files = files_of(submission)
    before = [_name(file) for file in files[:number]]
    note = f"{' and '.join(before)} hold{'s' * (number == 1)} no network for the task. " if before else ""
    return as_stored(replace(files[number], note=note + files[number].note, others=()))


def file_of(checked: Submission, submission: Submission) -> int:
    """Return the number of the student's file that was checked."""
    hashes = [file.sha256 for file in files_of(submission)]
    return hashes.index(checked.sha256) if checked.sha256 in hashes else 0


def _name(file: Submission) -> str:
    return (file.member or file.path).replace("\\", "/").rpartition("/")[2]


def _in_its_generation(
    submission: Submission, settings: RunSettings, box: Box, watch: Watch, limits: Limits
) -> tuple[Execution, Collector]:
    """Run a file in the generation of Keras that it was written for.

    If errors point to the other generation, or left no answer, run it in that one too. Return the run with an answer,
    or else the one with fewer errors.
    """
    wanted = settings.assignment.keras
    first = _execute(submission, settings, box, watch, wanted, "the assignment says so", limits)
    seen = first[1]
    if wanted != "auto" or seen.environment is None:
        return first
    other = generations.other(seen.environment.keras)
    blamed = generations.explained_by(seen.environment.keras, seen.cells, seen.adaptations)
    if not blamed and not _holds_answer(seen, settings):
        blamed = generations.may_explain(seen.cells)
    if not blamed:
        return first
    reason = f"under Keras {seen.environment.keras} {blamed}"
    second = _execute(submission, settings, box, watch, other, reason, limits)
    return max(first, second, key=lambda run: _how_far(run[1], settings))


def _how_far(seen: Collector, settings: RunSettings) -> tuple[bool, bool, int]:
    failed = sum(cell.error is not None for cell in seen.cells)
    return _holds_answer(seen, settings), bool(seen.cells), -failed


def _holds_answer(seen: Collector, settings: RunSettings) -> bool:
    return bool(_for_the_task(seen, settings))


def _for_the_task(seen: Collector, settings: RunSettings) -> tuple[ModelCapture, ...]:
    return candidates.for_the_task(seen.models, settings.assignment.data.outputs, len(settings.dataset.labels))


def _execute(
    submission: Submission, settings: RunSettings, box: Box, watch: Watch, keras: str, reason: str, limits: Limits
) -> tuple[Execution, Collector]:
    def once() -> tuple[Execution, Collector]:
        seen = Collector(lambda progress: watch(Stage.EXECUTING, progress))
        return run_file(submission, settings, box, seen, keras, reason, limits), seen

    execution, seen = again_if_vanished(once)
    _require_start(execution, seen)
    return execution, seen


def again_if_vanished(run: Callable[[], tuple[Execution, Collector]]) -> tuple[Execution, Collector]:
    """Run a job, and once more if its guest crashed: a user or the kernel's out-of-memory killer may have ended it."""
    execution, seen = run()
    return run() if execution.ending is Ending.CRASHED else (execution, seen)


def run_file(
    submission: Submission,
    settings: RunSettings,
    box: Box,
    seen: Collector,
    keras: str,
    reason: str,
    limits: Limits,
    replay: ReplayPlan | None = None,
    arrays: Sequence[Array] = (),
) -> Execution:
    """Run the student's file; a replay also sends one seed's ``arrays``."""
    assignment = settings.assignment
    job = ExecuteJob(
        is_notebook=submission.is_notebook,
        keras=keras,
        reason=reason,
        caps=assignment.caps,
        classes=assignment.data.classes,
        replay=replay,
        exact=settings.exact,
        file=assignment.data.file,
        folder=submission.folder,
        companions=tuple(companion.name for companion in submission.beside),
    )
    content = [choice.read(submission), settings.dataset.csv, *map(choice.read_companion, submission.beside)]
    beside = [*(Frame(Kind.BYTES, of) for of in content), *map(frames.array, arrays)]
    return box.run([frames.job(job), *beside, frames.END], limits, seen.receive)


def _require_start(execution: Execution, seen: Collector) -> None:
    """Raise HarnessError if the guest ended before it ran any of the student's code."""
    if execution.ending is not Ending.FINISHED and not seen.has_started and not seen.failures:
        tail = execution.output_tail.strip()[-600:]
        raise HarnessError(f"The guest ended before it began ({execution.ending}): {tail}", "Run `checker doctor`.")


def unread(submission: Submission) -> Executed:
    """Return the first stage of a submission that has nothing to run."""
    assert submission.failure is not None
    never = Execution(
        ending=Ending.FINISHED,
        exit_code=None,
        wall_seconds=0.0,
        cpu_seconds=0.0,
        peak_memory_mib=0.0,
        output_tail="",
        sandbox="",
    )
    return Executed(
        submission=as_stored(submission),
        environment=None,
        execution=never,
        cells=(),
        models=(),
        failures=(submission.failure,),
        arrays={},
    )


def as_stored(submission: Submission) -> Submission:
    """Return a submission with a path that can be stored as UTF-8, whatever its encoding."""
    return replace(
        submission,
        path=os.fsencode(submission.path).decode("utf-8", "backslashreplace"),
        companions=tuple(replace(companion, path="", member="") for companion in submission.companions),
    )


def _left(submission: Submission, execution: Execution, seen: Collector, settings: RunSettings) -> Executed:
    """Return the first stage of a run of the student's file."""
    failures = tuple(f for f in seen.failures if f.stage in (Stage.READING, Stage.EXECUTING))
    kept = tuple(_kept(_given(_for_the_task(seen, settings)), seen))
    arrays = {ref.sha256: seen.arrays[ref.sha256] for ref in kept}
    cut, ended_in = _cut_short(execution, seen, settings.assignment.execute), seen.at or None
    return Executed(
        submission=submission,
        environment=seen.environment,
        execution=execution,
        cells=seen.cells,
        models=seen.models,
        failures=failures or failures_of_cut(execution, cut, ended_in),
        adaptations=tuple(seen.adaptations),
        cut_short=cut,
        ended_in=ended_in,
        begun=seen.begun,
        as_trained=seen.as_trained,
        kept=(*kept, *(of.outputs for answered in seen.as_trained for of in answered.outputs)),
        arrays=arrays | dict(seen.answers),
    )


def _given(models: Iterable[ModelCapture]) -> dict[str, ArrayRef]:
    """Return references to all arrays that were fed to models, by hash; those of the last model come first."""
    given = [
        fed
        for model in reversed(list(models))
        for fed in (
            *(f for fit in reversed(model.fits) for f in (fit.training, fit.validation)),
            *(u.fed for u in model.uses),
        )
    ]
    refs = [ref for fed in given if fed is not None for ref in (fed.x, fed.y, fed.index) if ref is not None]
    return {ref.sha256: ref for ref in refs}


def _kept(given: dict[str, ArrayRef], seen: Collector) -> Iterable[ArrayRef]:
    """Yield references to the arrays that arrived and fit into ``MAX_KEPT_BYTES``."""
    room = MAX_KEPT_BYTES
    for values in map(seen.arrays.get, given):
        if values is not None and values.nbytes <= room:
            room -= values.nbytes
            yield frames.reference(values)


def _cut_short(execution: Execution, seen: Collector, limits: Limits) -> str:
    """Return a sentence on the early end of a run; "" if it reached the file's end."""
    died = next((failure for failure in seen.failures if failure.stage is Stage.EXECUTING), None)
    if died is not None:
        return died.rationale
    if execution.ending not in CUT_SHORT:
        return ""
    said = CUT_SHORT[execution.ending].format(
        time=_time(limits.seconds), memory=_size(limits.memory_mib), output=_size(limits.output_mib)
    )
    return f"{said}{f' in cell {seen.at}' if seen.at else ''}."


def _size(mib: int) -> str:
    return f"{mib // 1024:,} GiB" if mib % 1024 == 0 else f"{mib:,} MiB"


def _time(seconds: float) -> str:
    return f"{seconds:g} seconds" if seconds % 60 else counted(round(seconds / 60), "minute")
