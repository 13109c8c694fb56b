"""Train an answer again for every seed: rebuilt from plain data in the clean guest, or replayed by its own code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from checker import execution, frames, ranking, recipes, selection, splits, targets
from checker.course import Course, Watch, held_out_split
from checker.evidence import Collector
from checker.frames import Array
from checker.records import (
    Architecture,
    Ending,
    Evidence,
    Execution,
    Failure,
    FeatureSource,
    ModelCapture,
    Progress,
    Recipe,
    ReplayPlan,
    RetrainJob,
    Stage,
    Submission,
    Verdict,
)
from checker.sandbox import Box, Boxes
from checker.store import Gathered
from checker.tracing import Traced


def retrain(
    submission: Submission, evidence: Evidence, traced: Traced, course: Course, boxes: Boxes, watch: Watch
) -> Gathered:
    """Train the answer again for every seed: rebuilt, in a guest that has never seen the student's code, or else
    replayed by that code."""
    answer = evidence.answer
    assert answer is not None
    kept = {} if traced.rows is None or traced.features is None else _named(traced.rows, traced.features)
    training_rows = round(len(course.dataset.labels) * (1 - course.assignment.splits.test))
    enough = selection.enough_rows(len(course.dataset.labels))
    looked_at = ranking.with_looks_at_twins(answer, evidence.models)
    recipe, unclear = recipes.recipe_of(looked_at, course.assignment.caps, enough, training_rows)
    evidence = replace(evidence, recipe=recipe)
    if traced.tracing.source is FeatureSource.NOWHERE:
        return Gathered(_refer(evidence, answer, traced.tracing.reason), kept)
    obstacle = answer.unrebuildable or unclear
    if course.assignment.data.is_regression:
        recipe = None if recipe is None else recipes.of_numbers(recipe)
        evidence = replace(evidence, recipe=recipe)
        if traced.tracing.target is None:
            return Gathered(_refer(evidence, answer, targets.UNKNOWN), kept)
    development = recipes.watched_development(looked_at, enough)
    data = {seed: _seed_arrays(seed, development, traced, course) for seed in course.seeds}
    if recipe is not None and answer.architecture is not None and not obstacle:
        ended, seen = _rebuild(evidence, answer.architecture, recipe, data, course, boxes.ours, watch)
    else:
        plan = recipes.replay_plan(answer, enough, course.assignment.data.outputs)
        if traced.rows is None or plan is None:
            return Gathered(_refer(evidence, answer, obstacle), kept)
        evidence = replace(evidence, replayed=obstacle)
        ended, seen = _replay(submission, evidence, plan, data, course, boxes.students, watch)
    failures = [*evidence.failures, *seen.failures, *_failures_of(evidence, ended, seen, data, course)]
    evidence = replace(evidence, retraining=ended, runs=tuple(seen.runs), failures=tuple(failures))
    return Gathered(evidence, kept | seen.arrays)


def train_further(gathered: Gathered, course: Course, boxes: Boxes, watch: Watch) -> Gathered:
    """Train an answer that was rebuilt for the course's further seeds, too.

    Where their guest does not reach its end, only that is noted: what the first seeds gave stays.
    """
    evidence, traced = gathered.evidence, _kept(gathered)
    answer, recipe = evidence.answer, evidence.recipe
    assert answer is not None and answer.architecture is not None and recipe is not None and not evidence.replayed
    data = {seed: _seed_arrays(seed, recipe.development, traced, course) for seed in course.further}
    ended, seen = _rebuild(evidence, answer.architecture, recipe, data, course, boxes.ours, watch)
    evidence = replace(evidence, further=ended)
    if ended.ending is not Ending.FINISHED:
        return replace(gathered, evidence=evidence)
    failures = (*evidence.failures, *seen.failures, *_failures_of(evidence, ended, seen, data, course))
    evidence = replace(evidence, runs=(*evidence.runs, *seen.runs), failures=failures)
    return Gathered(evidence, {**gathered.arrays, **seen.arrays})


def _rebuild(
    evidence: Evidence,
    architecture: Architecture,
    recipe: Recipe,
    data: Mapping[int, tuple[Array, ...]],
    course: Course,
    box: Box,
    watch: Watch,
) -> tuple[Execution, Collector]:
    assignment = course.assignment
    job = RetrainJob(
        keras=evidence.environment.keras if evidence.environment else "3",
        architecture=architecture,
        recipe=recipe,
        classes=assignment.data.classes,
        parameters=assignment.caps.parameters,
        seeds=tuple(data),
    )
    beside = [frames.array(a) for arrays in data.values() for a in arrays]

    def once() -> tuple[Execution, Collector]:
        seen = Collector(lambda progress: watch(Stage.RETRAINING, progress))
        return box.run([frames.job(job), *beside, frames.END], assignment.retrain, seen.receive), seen

    return execution.again_if_vanished(once)


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
    environment, ended = evidence.environment, evidence.execution
    keras, reason = (environment.keras, environment.reason) if environment else ("3", "")
    collected = Collector(lambda progress: None)
    for number, (seed, arrays) in enumerate(data.items(), 1):
        watch(Stage.RETRAINING, Progress(number, len(data)))
        planned = replace(plan, seed=seed)

        def once(planned: ReplayPlan = planned, arrays: Sequence[Array] = arrays) -> tuple[Execution, Collector]:
            seen = Collector(lambda progress: None)
            box.renew()
            limits = course.assignment.execute
            return execution.run_file(submission, course, box, seen, keras, reason, limits, planned, arrays), seen

        ended, seen = execution.again_if_vanished(once)
        runs = [run for run in seen.runs if run.seed == seed and run.predictions.sha256 in seen.arrays][:1]
        collected.runs += runs
        collected.arrays |= {run.predictions.sha256: seen.arrays[run.predictions.sha256] for run in runs}
        if not runs:
            break
    return ended, collected


def _refer(evidence: Evidence, answer: ModelCapture, obstacle: str) -> Evidence:
    failure = _cannot_retrain(answer, obstacle)
    return replace(evidence, failures=(*evidence.failures, failure))


def _kept(gathered: Gathered) -> Traced:
    """Return what the tracing found, as ``retrain`` has kept it."""
    found = gathered.evidence.tracing
    assert found is not None
    if found.rows is None or found.features is None:
        return Traced(found)
    return Traced(found, gathered.array(found.rows), gathered.array(found.features))


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


def _failures_of(
    evidence: Evidence,
    execution: Execution,
    seen: Collector,
    data: Mapping[int, tuple[Array, ...]],
    course: Course,
) -> list[Failure]:
    if seen.failures:
        return []
    if execution.ending is not Ending.FINISHED or len(seen.runs) != len(data):
        words = f"The retraining ended early ({execution.ending})."
        if evidence.replayed:
            words = f"The network cannot be rebuilt ({evidence.replayed}), and the replay did not reach its end."
        return [Failure(Stage.RETRAINING, words, "", execution.output_tail, verdict=Verdict.REFER)]
    outputs = course.assignment.data.outputs
    shapes = {run.seed: seen.arrays[run.predictions.sha256].shape for run in seen.runs}
    wrong = [shape for seed, shape in shapes.items() if shape != (len(data[seed][4]), outputs)]
    if wrong:
        wanted = f"a number for each of {outputs} classes" if outputs > 1 else "one number for each row"
        units = f"{outputs} units, one for each class" if outputs > 1 else "one unit"
        words = f"The network's outputs have the shape {wrong[0][1:] or wrong[0]}, not {wanted}."
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
