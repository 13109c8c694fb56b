"""The journey of one submission, from its file to its report; read ``examine`` and ``judge`` from top to bottom.

``examine`` gathers evidence and runs both guests. ``judge`` is a function of the evidence and the assignment:
judging again runs nothing again.
"""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checker import (
    assignments,
    comparison,
    frames,
    recipes,
    rules,
    selection,
    splits,
    store,
    submissions,
    tracing,
    verdict,
)
from checker.dataset import Dataset
from checker.errors import HarnessError
from checker.evidence import Collector
from checker.frames import Array, Frame, Kind
from checker.records import (
    SCHEMA_VERSION,
    Architecture,
    Assignment,
    Comparison,
    Ending,
    Evidence,
    ExecuteJob,
    Execution,
    Failure,
    FeatureSource,
    ModelCapture,
    Progress,
    Recipe,
    Report,
    RetrainJob,
    Stage,
    StudentCell,
    Submission,
    Verdict,
)
from checker.sandbox import Box, Boxes, Sandbox
from checker.splits import Split
from checker.store import Gathered
from checker.tracing import Traced

Watch = Callable[[Stage, Progress], None]


@dataclass(frozen=True)
class Course:
    """What is the same for all submissions of a batch."""

    assignment: Assignment
    dataset: Dataset
    seeds: tuple[int, ...]
    sandbox: Sandbox


@dataclass(frozen=True)
class Standard:
    """What a submission is held to: scores by seed, and the reference's network where it may be shown."""

    scores: Mapping[int, float]
    baselines: Mapping[int, float]
    architecture: Architecture | None = None
    recipe: Recipe | None = None


# -- gathering evidence --------------------------------------------------------------------------------


def examine(submission: Submission, course: Course, boxes: Boxes, watch: Watch) -> Gathered:
    """Run a submission, find its answer, trace its data, retrain it; return all that was observed."""
    execution, seen = _execute(submission, course, boxes.students, watch)
    failures = [f for f in seen.failures if f.stage in (Stage.READING, Stage.EXECUTING)]
    failures = failures or _ending_failures(execution, seen)
    chosen = selection.select(seen.models, len(course.assignment.data.classes), len(course.dataset.labels))
    path = os.fsencode(submission.path).decode("utf-8", "backslashreplace")
    evidence = Evidence(
        submission=replace(submission, path=path),
        environment=seen.environment,
        execution=execution,
        cells=seen.cells,
        models=seen.models,
        failures=tuple(failures),
        selection=chosen,
        tracing=None,
        recipe=None,
        seeds=course.seeds,
        retraining=None,
        runs=(),
    )
    answer = evidence.answer
    if answer is None:
        if not failures:
            failures = [_explain(seen, course)]
        return Gathered(replace(evidence, failures=tuple(failures)), {})
    evidence = _forgive_time(evidence)
    watch(Stage.TRACING, Progress(0, 1))
    traced = tracing.trace(
        answer, seen.arrays, course.dataset.features, course.dataset.labels, course.assignment.data.features
    )
    evidence = replace(evidence, tracing=traced.tracing)
    return _retrain(evidence, answer, traced, course, boxes.ours, watch)


def _execute(submission: Submission, course: Course, box: Box, watch: Watch) -> tuple[Execution, Collector]:
    assignment = course.assignment
    seen = Collector(lambda progress: watch(Stage.EXECUTING, progress))
    job = ExecuteJob(submission.is_notebook, assignment.keras, assignment.caps, assignment.data.classes)
    content = [Frame(Kind.BYTES, submissions.read(submission)), Frame(Kind.BYTES, course.dataset.csv)]
    execution = box.run([frames.job(job), *content, frames.END], assignment.execute, seen.receive)
    _require_start(execution, seen)
    return execution, seen


def _require_start(execution: Execution, seen: Collector) -> None:
    """Raise HarnessError for a guest that ended before any code but ours had run."""
    if execution.ending is not Ending.FINISHED and not seen.has_started and not seen.failures:
        tail = execution.output_tail.strip()[-600:]
        raise HarnessError(f"The guest ended before it began ({execution.ending}): {tail}", "Run `checker doctor`.")


def _ending_failures(execution: Execution, seen: Collector) -> list[Failure]:
    """Say in words what ended the student's run early; whose fault that is, is the table of blame's."""
    if execution.ending is Ending.FINISHED:
        return []
    after = f" after cell {seen.cells[-1].index}" if seen.cells else ""
    was_training = any(fit for model in seen.models for fit in model.fits if not fit.finished)
    words = {
        Ending.WALL_CLOCK: f"It ran longer than the time allowed and was stopped{after}.",
        Ending.MEMORY: f"It used more memory than allowed and was stopped{after}.",
        Ending.OUTPUT: f"It produced more output than allowed and was stopped{after}.",
        Ending.NONSENSE: "It sent the checker something that is not evidence.",
        Ending.CRASHED: f"It ended without a word{after}.",
    }[execution.ending]
    undecided = execution.ending in (Ending.NONSENSE, Ending.CRASHED) or (
        execution.ending is Ending.WALL_CLOCK and was_training
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


def _forgive_time(evidence: Evidence) -> Evidence:
    """Take away what an early end means once the answer was trained, and say so; only time and a kernel's end are
    forgiven, no other limit is."""
    if evidence.execution.ending not in (Ending.FINISHED, Ending.WALL_CLOCK):
        return evidence
    said = "".join(f"; {failure.rationale} What came before is judged." for failure in evidence.failures)
    chosen = replace(evidence.selection, reason=evidence.selection.reason + said)
    return replace(evidence, failures=(), selection=chosen)


def _explain(seen: Collector, course: Course) -> Failure:
    classes = len(course.assignment.data.classes)
    return selection.explain(seen.models, seen.cells, classes, len(course.dataset.labels))


def _retrain(
    evidence: Evidence, answer: ModelCapture, traced: Traced, course: Course, box: Box, watch: Watch
) -> Gathered:
    """Rebuild and train the answer for every seed in a guest that has never seen the student's code."""
    kept = {} if traced.rows is None or traced.features is None else _named(traced.rows, traced.features)
    training_rows = round(len(course.dataset.labels) * (1 - course.assignment.splits.test))
    enough = round(len(course.dataset.labels) * selection.ENOUGH_SHARE)
    recipe, unclear = recipes.recipe_of(answer, course.assignment.caps, enough, training_rows)
    obstacle = answer.unrebuildable or unclear
    if traced.tracing.source is FeatureSource.NOWHERE:
        obstacle = obstacle or traced.tracing.reason
    if recipe is None or answer.architecture is None or obstacle:
        failure = _cannot_retrain(answer, obstacle)
        return Gathered(replace(evidence, recipe=recipe, failures=(*evidence.failures, failure)), kept)
    seen = Collector(lambda progress: watch(Stage.RETRAINING, progress))
    assignment = course.assignment
    job = RetrainJob(
        keras=evidence.environment.keras if evidence.environment else "3",
        architecture=answer.architecture,
        recipe=recipe,
        classes=assignment.data.classes,
        parameters=assignment.caps.parameters,
        seeds=course.seeds,
    )
    data = [frames.array(a) for seed in course.seeds for a in _seed_arrays(seed, recipe, traced, course)]
    execution = box.run([frames.job(job), *data, frames.END], assignment.retrain, seen.receive)
    evidence = replace(
        evidence,
        recipe=recipe,
        retraining=execution,
        runs=tuple(seen.runs),
        failures=(*evidence.failures, *seen.failures, *_retraining_failures(execution, seen, course)),
    )
    return Gathered(evidence, kept | seen.arrays)


def _named(*arrays: Array) -> dict[str, Array]:
    return {frames.reference(a).sha256: a for a in arrays}


def _cannot_retrain(answer: ModelCapture, obstacle: str) -> Failure:
    return Failure(
        Stage.RETRAINING,
        f"The network was not retrained: {obstacle}. A demonstrator decides.",
        "Nothing to do before the ticking session; be ready to explain this part.",
        cell=answer.fits[-1].cell,
        verdict=Verdict.REFER,
    )


def _seed_arrays(seed: int, recipe: Recipe, traced: Traced, course: Course) -> tuple[Array, ...]:
    """Return a seed's five arrays: training x and y, development x and y, held-out x."""
    part = held_out_split(seed, recipe, traced.rows, course)
    labels = course.dataset.labels
    if traced.rows is None or traced.features is None:
        x = splits.handout_features(course.dataset.features, part.training)
    else:
        x = np.zeros((len(labels), traced.features.shape[1]), dtype=np.float32)
        x[traced.rows] = traced.features
    return x[part.training], labels[part.training], x[part.development], labels[part.development], x[part.held_out]


def held_out_split(seed: int, recipe: Recipe, rows: Array | None, course: Course) -> Split:
    """Return a seed's split, as far as the student's rows go; development rows join training if not watched."""
    whole = splits.split(course.dataset.labels, course.assignment.splits, seed)
    part = whole if recipe.development else splits.without_development(whole)
    return part if rows is None else splits.among(part, rows)


def _retraining_failures(execution: Execution, seen: Collector, course: Course) -> list[Failure]:
    if seen.failures:
        return []
    if execution.ending is not Ending.FINISHED or len(seen.runs) != len(course.seeds):
        words = f"The retraining ended early ({execution.ending})."
        return [Failure(Stage.RETRAINING, words, "", execution.output_tail, verdict=Verdict.REFER)]
    classes = len(course.assignment.data.classes)
    widths = {seen.arrays[run.predictions.sha256].shape[1:] for run in seen.runs}
    if widths != {(classes,)}:
        words = f"The network's outputs have the shape {sorted(widths)[0]}, not a number for each of {classes} classes."
        return [Failure(Stage.RETRAINING, words, f"End the network in {classes} units, one for each class.")]
    wild = [run for run in seen.runs if not np.isfinite(seen.arrays[run.predictions.sha256]).all()]
    if wild:
        return [
            Failure(
                Stage.RETRAINING,
                f"The loss became NaN in {len(wild)} of {len(seen.runs)} retrainings: the network learned nothing.",
                "Look for missing values in the inputs, unscaled inputs, or a learning rate that is too large.",
            )
        ]
    return []


# -- judging -------------------------------------------------------------------------------------------


def judge(gathered: Gathered, course: Course, standard: Standard) -> Report:
    """Judge a submission from its evidence."""
    evidence, assignment = gathered.evidence, course.assignment
    compared = _compare(gathered, course, standard)
    exhibits = rules.Exhibits(
        assignment=assignment,
        dataset=course.dataset.note,
        notebook=evidence.cells,
        answer=evidence.answer,
        recipe=evidence.recipe,
        tracing=evidence.tracing,
        training=evidence.runs,
        comparison=compared,
    )
    results = rules.run(Path(assignment.folder, assignments.RULES), exhibits)
    reached, reasons = verdict.decide(evidence.failures, results, compared, evidence.recipe)
    return Report(
        schema=SCHEMA_VERSION,
        submission=evidence.submission,
        assignment=assignment.id,
        title=assignment.title,
        classes=assignment.data.classes,
        verdict=reached,
        reasons=reasons,
        failures=evidence.failures,
        rules=results,
        comparison=compared,
        selection=evidence.selection,
        tracing=evidence.tracing,
        recipe=evidence.recipe,
        answer=evidence.answer,
        reference_architecture=standard.architecture,
        reference_recipe=standard.recipe,
        runs=evidence.runs,
        cells=_student_cells(evidence, assignment),
        environment=evidence.environment,
        execution=evidence.execution,
        retraining=evidence.retraining,
        dataset=course.dataset.note,
        reproduce=_reproduce(evidence, course),
    )


def _compare(gathered: Gathered, course: Course, standard: Standard) -> Comparison | None:
    evidence = gathered.evidence
    if not evidence.runs or evidence.recipe is None or any(f.stage is Stage.RETRAINING for f in evidence.failures):
        return None
    traced = evidence.tracing.rows if evidence.tracing else None
    rows = gathered.array(traced) if traced is not None else None
    labels = course.dataset.labels
    held_out = {s: held_out_split(s, evidence.recipe, rows, course).held_out for s in evidence.seeds}
    return comparison.compare(
        evidence.runs,
        {run.seed: gathered.array(run.predictions) for run in evidence.runs},
        {seed: labels[part] for seed, part in held_out.items()},
        standard.scores,
        standard.baselines,
        course.assignment.bar,
        len(course.assignment.data.classes),
    )


def _student_cells(evidence: Evidence, assignment: Assignment) -> tuple[StudentCell, ...]:
    handed_out = {"".join(source.split()) for source in assignments.starter_sources(assignment)}
    return tuple(StudentCell(cell, "".join(cell.source.split()) not in handed_out) for cell in evidence.cells)


def _reproduce(evidence: Evidence, course: Course) -> str:
    data = "--practice-data" if course.dataset.note.practice else "--data housing.csv"
    folder = Path(course.assignment.folder).name
    file = shlex.quote(Path(evidence.submission.path).name)
    return f"checker batch {file} --assignment reference/{folder} {data} --fresh"


def evidence_key(submission: Submission, course: Course) -> str:
    """Return the key under which a submission's evidence is valid in a course.

    It leaves out what only judging depends on (rules, tolerance, title): these may change without a new run.
    """
    assignment = course.assignment
    gathering = (assignment.keras, assignment.data, assignment.splits, assignment.caps, assignment.execute,
                 assignment.retrain)  # fmt: skip
    return store.key(
        submission.sha256,
        str(submission.is_notebook),
        repr(gathering),
        course.dataset.note.sha256,
        ",".join(map(str, course.seeds)),
    )
