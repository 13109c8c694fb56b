"""Run a student's file in a box, in the generation of Keras that it was written for, and say how that ended."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from checker import frames, generations, selection, submissions
from checker.course import Course, Watch
from checker.errors import HarnessError
from checker.evidence import Collector
from checker.frames import Array, Frame, Kind
from checker.records import (
    Ending,
    Evidence,
    ExecuteJob,
    Execution,
    Failure,
    ReplayPlan,
    Selection,
    Stage,
    Submission,
    Verdict,
)
from checker.sandbox import Box


def run(submission: Submission, course: Course, box: Box, watch: Watch) -> tuple[Execution, Collector]:
    """Run the file in the generation of Keras that it was written for; where errors say that it was another, in
    that one too, and take the run with an answer, or else with fewer errors."""
    wanted = course.assignment.keras
    first = _execute(submission, course, box, watch, wanted, "the assignment says so")
    seen = first[1]
    if wanted != "auto" or seen.environment is None:
        return first
    other = generations.other(seen.environment.keras)
    blamed = generations.explained_by(seen.environment.keras, seen.cells, seen.adaptations)
    if not blamed:
        return first
    reason = f"under Keras {seen.environment.keras} {blamed}"
    second = _execute(submission, course, box, watch, other, reason)
    return max(first, second, key=lambda run: _how_far(run[1], course))


def _how_far(seen: Collector, course: Course) -> tuple[bool, bool, int]:
    failed = sum(cell.error is not None for cell in seen.cells)
    return _select(seen, course).chosen is not None, bool(seen.cells), -failed


def _select(seen: Collector, course: Course) -> Selection:
    return selection.select(
        seen.models, seen.cells, course.assignment.data.outputs, len(course.dataset.labels), course.answer_name
    )


def _execute(
    submission: Submission, course: Course, box: Box, watch: Watch, keras: str, reason: str
) -> tuple[Execution, Collector]:
    def once() -> tuple[Execution, Collector]:
        seen = Collector(lambda progress: watch(Stage.EXECUTING, progress))
        return run_file(submission, course, box, seen, keras, reason), seen

    execution, seen = again_if_vanished(once)
    _require_start(execution, seen)
    return execution, seen


def again_if_vanished(run: Callable[[], tuple[Execution, Collector]]) -> tuple[Execution, Collector]:
    """Run a job, and once more where its guest has vanished: somebody, or a machine short of memory, may have killed
    it."""
    execution, seen = run()
    return run() if execution.ending is Ending.CRASHED else (execution, seen)


def run_file(
    submission: Submission,
    course: Course,
    box: Box,
    seen: Collector,
    keras: str,
    reason: str,
    replay: ReplayPlan | None = None,
    arrays: Sequence[Array] = (),
) -> Execution:
    """Run the student's file; for a replay, with a seed's arrays beside it."""
    assignment = course.assignment
    data, is_notebook = assignment.data, submission.is_notebook
    job = ExecuteJob(is_notebook, keras, reason, assignment.caps, data.classes, replay, course.exact, data.file)
    content = [Frame(Kind.BYTES, submissions.read(submission)), Frame(Kind.BYTES, course.dataset.csv)]
    beside = [*content, *map(frames.array, arrays)]
    return box.run([frames.job(job), *beside, frames.END], assignment.execute, seen.receive)


def _require_start(execution: Execution, seen: Collector) -> None:
    """Raise HarnessError for a guest that ended before any code but ours had run."""
    if execution.ending is not Ending.FINISHED and not seen.has_started and not seen.failures:
        tail = execution.output_tail.strip()[-600:]
        raise HarnessError(f"The guest ended before it began ({execution.ending}): {tail}", "Run `checker doctor`.")


def unread(submission: Submission, course: Course) -> Evidence:
    """Return the evidence of a submission in which there is nothing to run."""
    assert submission.failure is not None
    never = Execution(Ending.FINISHED, None, 0.0, 0.0, 0.0, "", "")
    nothing = Selection(None, "nothing was run")
    return Evidence(
        submission=as_stored(submission),
        environment=None,
        execution=never,
        cells=(),
        models=(),
        failures=(submission.failure,),
        selection=nothing,
        tracing=None,
        recipe=None,
        seeds=course.seeds,
        retraining=None,
        runs=(),
    )


def as_stored(submission: Submission) -> Submission:
    """Return a submission with a path that can be stored, whatever encoding it is in."""
    return replace(submission, path=os.fsencode(submission.path).decode("utf-8", "backslashreplace"))


def evidence_of(submission: Submission, execution: Execution, seen: Collector, course: Course) -> Evidence:
    """Return what is known after the student's file has run."""
    failures = [f for f in seen.failures if f.stage in (Stage.READING, Stage.EXECUTING)]
    return Evidence(
        submission=as_stored(submission),
        environment=seen.environment,
        execution=execution,
        cells=seen.cells,
        models=seen.models,
        failures=tuple(failures or _failures_of(execution, seen)),
        selection=_select(seen, course),
        tracing=None,
        recipe=None,
        seeds=course.seeds,
        retraining=None,
        runs=(),
        adaptations=tuple(seen.adaptations),
    )


def _failures_of(execution: Execution, seen: Collector) -> list[Failure]:
    """Say in words what ended the student's run early; whose fault that is, is the table of blame's."""
    if execution.ending is Ending.FINISHED:
        return []
    after = f" after cell {seen.cells[-1].index}" if seen.cells else ""
    was_training = any(fit for model in seen.models for fit in model.fits if not fit.finished)
    words = {
        Ending.TIME: f"It ran longer than the time allowed and was stopped{after}.",
        Ending.WALL_CLOCK: f"It had not ended after ten times the time allowed by the clock and was stopped{after}, "
        "though it had taken less of its own.",
        Ending.MEMORY: f"It used more memory than allowed and was stopped{after}.",
        Ending.OUTPUT: f"It produced more output than allowed and was stopped{after}.",
        Ending.PROCESSES: f"It started more processes than allowed and was stopped{after}.",
        Ending.NONSENSE: "It sent the checker something that is not evidence.",
        Ending.CRASHED: f"It ended without a word{after}.",
    }[execution.ending]
    undecided = execution.ending in (Ending.NONSENSE, Ending.CRASHED, Ending.WALL_CLOCK) or (
        execution.ending is Ending.TIME and was_training
    )
    return [
        Failure(
            Stage.EXECUTING,
            words,
            "Find the cell that never ends or that takes too much, and run the notebook from top to bottom.",
            detail=execution.output_tail,
            cell=seen.cells[-1].index if seen.cells else None,
            verdict=Verdict.REFER if undecided else Verdict.FAIL,
        )
    ]


def forgive_time(evidence: Evidence) -> Evidence:
    """Take away what an early end means once the answer was trained, and say so; only time and a kernel's end are
    forgiven, no other limit is."""
    if evidence.execution.ending not in (Ending.FINISHED, Ending.TIME, Ending.WALL_CLOCK):
        return evidence
    said = "".join(f"; {failure.rationale} What came before is judged." for failure in evidence.failures)
    chosen = replace(evidence.selection, reason=evidence.selection.reason + said)
    return replace(evidence, failures=(), selection=chosen)


def explain(evidence: Evidence, seen: Collector, course: Course) -> Evidence:
    """Say why there is no answer, where nothing else has gone wrong."""
    if evidence.failures:
        return evidence
    outputs, rows = course.assignment.data.outputs, len(course.dataset.labels)
    failure = selection.explain(seen.models, seen.cells, outputs, rows, course.answer_name)
    return replace(evidence, failures=(failure,))
