"""The journey of one submission, from its file to its report; read ``examine`` and ``judge`` from top to bottom.

``examine`` gathers evidence and runs both guests. ``judge`` is a function of the evidence and the assignment:
judging again runs nothing again.
"""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checker import (
    assignments,
    comparison,
    frames,
    generations,
    recipes,
    rules,
    selection,
    splits,
    store,
    submissions,
    targets,
    tracing,
    verdict,
)
from checker.dataset import Dataset
from checker.errors import HarnessError
from checker.evidence import Collector
from checker.frames import Array, Frame, Kind
from checker.metrics import METRICS
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
    ReplayPlan,
    Report,
    RetrainJob,
    Selection,
    Stage,
    StudentCell,
    Submission,
    TrainingRun,
    Verdict,
)
from checker.sandbox import Box, Boxes, Sandbox
from checker.splits import Split
from checker.store import Gathered
from checker.tracing import Traced

Watch = Callable[[Stage, Progress], None]


@dataclass(frozen=True)
class Course:
    """What is the same for all submissions of a batch.

    ``model``: the variable that, as a demonstrator says, holds the answer. ``exact``: a student's ``fit`` comes back
    to Python after every step, as without the checker.
    """

    assignment: Assignment
    dataset: Dataset
    seeds: tuple[int, ...]
    sandbox: Sandbox
    model: str = ""
    exact: bool = False

    @property
    def answer_name(self) -> str:
        """The variable that holds the answer: a demonstrator's word, else the assignment's; "" where nobody says."""
        return self.model or self.assignment.answer


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
    execution, seen = _execute_in_either(submission, course, boxes.students, watch)
    failures = [f for f in seen.failures if f.stage in (Stage.READING, Stage.EXECUTING)]
    failures = failures or _ending_failures(execution, seen)
    chosen = _select(seen, course)
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
        adaptations=tuple(seen.adaptations),
    )
    answer = evidence.answer
    if answer is None:
        if not failures:
            failures = [_explain(seen, course)]
        return Gathered(replace(evidence, failures=tuple(failures)), {})
    evidence = _forgive_time(evidence)
    watch(Stage.TRACING, Progress(0, 1))
    names = (*course.assignment.data.features, course.assignment.data.target)
    traced = tracing.trace(answer, seen.arrays, course.dataset.features, course.dataset.labels, names)
    evidence = replace(evidence, tracing=traced.tracing)
    return _retrain(submission, evidence, answer, traced, course, boxes, watch)


def _execute_in_either(submission: Submission, course: Course, box: Box, watch: Watch) -> tuple[Execution, Collector]:
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
    seen = Collector(lambda progress: watch(Stage.EXECUTING, progress))
    execution = _run_file(submission, course, box, seen, keras, reason)
    _require_start(execution, seen)
    return execution, seen


def _run_file(
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
    job = ExecuteJob(
        submission.is_notebook, keras, reason, assignment.caps, assignment.data.classes, replay, course.exact
    )
    content = [Frame(Kind.BYTES, submissions.read(submission)), Frame(Kind.BYTES, course.dataset.csv)]
    beside = [*content, *map(frames.array, arrays)]
    return box.run([frames.job(job), *beside, frames.END], assignment.execute, seen.receive)


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
    rows = len(course.dataset.labels)
    return selection.explain(seen.models, seen.cells, course.assignment.data.outputs, rows, course.answer_name)


def _retrain(
    submission: Submission,
    evidence: Evidence,
    answer: ModelCapture,
    traced: Traced,
    course: Course,
    boxes: Boxes,
    watch: Watch,
) -> Gathered:
    """Train the answer again for every seed: rebuilt, in a guest that has never seen the student's code, or else
    replayed by that code."""
    kept = {} if traced.rows is None or traced.features is None else _named(traced.rows, traced.features)
    training_rows = round(len(course.dataset.labels) * (1 - course.assignment.splits.test))
    enough = selection.enough_rows(len(course.dataset.labels))
    recipe, unclear = recipes.recipe_of(answer, course.assignment.caps, enough, training_rows)
    evidence = replace(evidence, recipe=recipe)
    if traced.tracing.source is FeatureSource.NOWHERE:
        return Gathered(_refer(evidence, answer, traced.tracing.reason), kept)
    obstacle = answer.unrebuildable or unclear
    if course.assignment.data.is_regression:
        recipe = None if recipe is None else recipes.of_numbers(recipe)
        evidence = replace(evidence, recipe=recipe)
        if traced.tracing.target is None:
            return Gathered(_refer(evidence, answer, targets.UNKNOWN), kept)
    development = recipes.watched_development(answer, enough)
    data = {seed: _seed_arrays(seed, development, traced, course) for seed in course.seeds}
    if recipe is not None and answer.architecture is not None and not obstacle:
        execution, seen = _rebuild(evidence, answer.architecture, recipe, data, course, boxes.ours, watch)
    else:
        plan = recipes.replay_plan(answer, enough, course.assignment.data.outputs)
        if traced.rows is None or plan is None:
            return Gathered(_refer(evidence, answer, obstacle), kept)
        evidence = replace(evidence, replayed=obstacle)
        execution, seen = _replay(submission, evidence, plan, data, course, boxes.students, watch)
    failures = [*evidence.failures, *seen.failures, *_retraining_failures(evidence, execution, seen, course)]
    evidence = replace(evidence, retraining=execution, runs=tuple(seen.runs), failures=tuple(failures))
    return Gathered(evidence, kept | seen.arrays)


def _rebuild(
    evidence: Evidence,
    architecture: Architecture,
    recipe: Recipe,
    data: Mapping[int, tuple[Array, ...]],
    course: Course,
    box: Box,
    watch: Watch,
) -> tuple[Execution, Collector]:
    seen = Collector(lambda progress: watch(Stage.RETRAINING, progress))
    assignment = course.assignment
    job = RetrainJob(
        keras=evidence.environment.keras if evidence.environment else "3",
        architecture=architecture,
        recipe=recipe,
        classes=assignment.data.classes,
        parameters=assignment.caps.parameters,
        seeds=course.seeds,
    )
    beside = [frames.array(a) for seed in course.seeds for a in data[seed]]
    return box.run([frames.job(job), *beside, frames.END], assignment.retrain, seen.receive), seen


def _replay(
    submission: Submission,
    evidence: Evidence,
    plan: ReplayPlan,
    data: Mapping[int, tuple[Array, ...]],
    course: Course,
    box: Box,
    watch: Watch,
) -> tuple[Execution, Collector]:
    """Let the student's code train the answer on the checker's rows, in a fresh box for each seed."""
    environment, execution = evidence.environment, evidence.execution
    keras, reason = (environment.keras, environment.reason) if environment else ("3", "")
    collected = Collector(lambda progress: None)
    for number, (seed, arrays) in enumerate(data.items(), 1):
        watch(Stage.RETRAINING, Progress(number, len(data)))
        seen = Collector(lambda progress: None)
        box.renew()
        execution = _run_file(submission, course, box, seen, keras, reason, replace(plan, seed=seed), arrays)
        runs = [run for run in seen.runs if run.seed == seed][:1]
        collected.runs += runs
        collected.arrays |= {run.predictions.sha256: seen.arrays[run.predictions.sha256] for run in runs}
        if not runs:
            break
    return execution, collected


def _refer(evidence: Evidence, answer: ModelCapture, obstacle: str) -> Evidence:
    failure = _cannot_retrain(answer, obstacle)
    return replace(evidence, failures=(*evidence.failures, failure))


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


def _seed_arrays(seed: int, development: bool, traced: Traced, course: Course) -> tuple[Array, ...]:
    """Return a seed's five arrays: training x and y, development x and y, held-out x."""
    part = held_out_split(seed, development, traced.rows, course)
    labels, scale = course.dataset.labels, traced.tracing.target
    if scale is not None:
        labels = targets.apply(scale, labels).astype(np.float32).reshape(-1, 1)
    if traced.rows is None or traced.features is None:
        x = splits.handout_features(course.dataset.features, part.training)
    else:
        x = np.zeros((len(labels), traced.features.shape[1]), dtype=np.float32)
        x[traced.rows] = traced.features
    return x[part.training], labels[part.training], x[part.development], labels[part.development], x[part.held_out]


def held_out_split(seed: int, development: bool, rows: Array | None, course: Course) -> Split:
    """Return a seed's split, as far as the student's rows go; development rows join training if not watched."""
    whole = splits.split(course.dataset.strata, course.assignment.splits, seed)
    part = whole if development else splits.without_development(whole)
    return part if rows is None else splits.among(part, rows)


def _retraining_failures(evidence: Evidence, execution: Execution, seen: Collector, course: Course) -> list[Failure]:
    if seen.failures:
        return []
    if execution.ending is not Ending.FINISHED or len(seen.runs) != len(course.seeds):
        words = f"The retraining ended early ({execution.ending})."
        if evidence.replayed:
            words = f"The network cannot be rebuilt ({evidence.replayed}), and the replay did not reach its end."
        return [Failure(Stage.RETRAINING, words, "", execution.output_tail, verdict=Verdict.REFER)]
    outputs = course.assignment.data.outputs
    widths = {seen.arrays[run.predictions.sha256].shape[1:] for run in seen.runs}
    if widths != {(outputs,)}:
        wanted = f"a number for each of {outputs} classes" if outputs > 1 else "one number for each row"
        units = f"{outputs} units, one for each class" if outputs > 1 else "one unit"
        words = f"The network's outputs have the shape {sorted(widths)[0]}, not {wanted}."
        return [Failure(Stage.RETRAINING, words, f"End the network in {units}.")]
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
    metric = METRICS[assignment.bar.metric]
    reached, reasons = verdict.decide(evidence.failures, results, compared, evidence.recipe, metric, evidence.replayed)
    return Report(
        schema=SCHEMA_VERSION,
        submission=evidence.submission,
        assignment=assignment.id,
        title=assignment.title,
        metric=assignment.bar.metric,
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
        adaptations=evidence.adaptations,
        replayed=evidence.replayed,
        execution=evidence.execution,
        retraining=evidence.retraining,
        dataset=course.dataset.note,
        reproduce=_reproduce(evidence, course),
    )


def _compare(gathered: Gathered, course: Course, standard: Standard) -> Comparison | None:
    evidence = gathered.evidence
    if not evidence.runs or any(f.stage is Stage.RETRAINING for f in evidence.failures):
        return None
    return comparison.compare(
        evidence.runs,
        {run.seed: predictions(gathered, run, course) for run in evidence.runs},
        {run.seed: true_labels(gathered, run, course) for run in evidence.runs},
        standard.scores,
        standard.baselines,
        course.assignment.bar,
        len(course.assignment.data.classes),
    )


def predictions(gathered: Gathered, run: TrainingRun, course: Course) -> Array:
    """Return what a run gives for its held-out rows: class scores (n, classes), or values (n,) in the data's unit.

    Values beyond all that the data set holds count as the nearest that it does hold: a single row with odd inputs, for
    which a network gives millions, would otherwise decide about the mean of thousands of squared errors.
    """
    outputs, traced = gathered.array(run.predictions), gathered.evidence.tracing
    if traced is None or traced.target is None:
        return outputs
    labels = course.dataset.labels
    return np.clip(targets.undo(traced.target, outputs[:, 0]), labels.min(), labels.max())


def true_labels(gathered: Gathered, run: TrainingRun, course: Course) -> Array:
    """Return the labels (n,) of a run's held-out rows, which no guest was given."""
    evidence = gathered.evidence
    traced = evidence.tracing.rows if evidence.tracing else None
    rows = gathered.array(traced) if traced is not None else None
    return np.asarray(course.dataset.labels[held_out_split(run.seed, True, rows, course).held_out])


def _student_cells(evidence: Evidence, assignment: Assignment) -> tuple[StudentCell, ...]:
    own = {cell.index for cell in assignments.own_cells(assignment, evidence.cells)}
    return tuple(StudentCell(cell, cell.index in own) for cell in evidence.cells)


def _reproduce(evidence: Evidence, course: Course) -> str:
    data = "--practice-data" if course.dataset.note.practice else "--data housing.csv"
    folder = Path(course.assignment.folder).name
    file = shlex.quote(Path(evidence.submission.path).name)
    return f"checker batch {file} --assignment reference/{folder} {data} --fresh"


def circumstances(course: Course) -> str:
    """Return the key of all that evidence of a course depends on beside the submission.

    It leaves out what only judging depends on (rules, tolerance, title): these may change without a new run.
    """
    assignment = course.assignment
    gathering = (assignment.keras, assignment.answer, assignment.data, assignment.splits, assignment.caps,
                 assignment.execute, assignment.retrain)  # fmt: skip
    return store.key(repr(gathering), course.dataset.note.sha256, ",".join(map(str, course.seeds)))


def evidence_key(submission: Submission, course: Course) -> str:
    """Return the key under which a submission's evidence is valid in a course."""
    options = (submission.is_notebook, course.model, course.exact)
    return store.key(circumstances(course), submission.sha256, repr(options))
