"""Train an answer again for every seed: rebuilt from plain data in the clean guest, or replayed by its own code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from checker import architectures, execution, frames, preparation, ranking, recipes, selection, targets
from checker.course import Course, Watch, held_out_split
from checker.evidence import Collector
from checker.frames import Array
from checker.records import (
    Architecture,
    Ending,
    Evidence,
    Execution,
    Failure,
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
from checker.splits import Split
from checker.store import Gathered
from checker.tracing import Traced

MADE_OF_NUMBERS = (
    "settings of its layers hold more numbers than a network has a use for, so that weights may stand in them which no "
    "training here has learned"
)


def retrain(
    submission: Submission, evidence: Evidence, traced: Traced, course: Course, boxes: Boxes, watch: Watch
) -> Gathered:
    """Train the answer again for every seed: rebuilt, in a guest that has never seen the student's code, or else
    replayed by that code."""
    answer = evidence.answer
    assert answer is not None
    kept = traced.arrays
    training_rows = round(len(course.dataset.labels) * (1 - course.assignment.splits.test))
    enough = selection.enough_rows(len(course.dataset.labels))
    looked_at = ranking.with_looks_at_twins(answer, evidence.models)
    recipe, unclear = recipes.recipe_of(looked_at, course.assignment.caps, enough, training_rows)
    evidence = replace(evidence, recipe=recipe)
    if answer.origin:
        return Gathered(_refer(evidence, answer, answer.origin), kept)
    if traced.rows is None:
        why = traced.tracing.reason
        return Gathered(_refer(evidence, answer, f"{why[0].lower()}{why[1:]}"), kept)
    inputs = answer.input_width or 1
    if answer.architecture is not None and architectures.holds_weights(answer.architecture, inputs):
        return Gathered(_refer(evidence, answer, MADE_OF_NUMBERS), kept)
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
        if plan is None:
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
    assert found is not None and found.rows is not None and found.features is not None and found.trainable is not None
    return Traced(found, *(gathered.array(ref) for ref in (found.rows, found.features, found.trainable)))


def _cannot_retrain(answer: ModelCapture, obstacle: str) -> Failure:
    return Failure(
        Stage.RETRAINING,
        f"The network was not retrained: {obstacle.rstrip('.')}. A demonstrator decides.",
        "Nothing to do before the ticking session; be ready to explain this part.",
        cell=answer.fits[-1].cell,
        verdict=Verdict.REFER,
    )


def archive(gathered: Gathered, course: Course) -> dict[str, Array]:
    """Return what the script that trains a rebuilt answer again reads beside the data set.

    ``rows`` (n,) of the data set and their ``features`` (n, d), float32; the rows that are ``trainable`` (m,); and for
    each of the ``seeds`` by which ``offsets`` and ``scales`` (seeds, d), float64, the features are shifted and
    stretched.
    """
    evidence, traced = gathered.evidence, _kept(gathered)
    assert evidence.recipe is not None and traced.rows is not None and traced.trainable is not None
    seeds = [run.seed for run in evidence.runs]
    fitted = [_prepared(seed, evidence.recipe.development, traced, course)[1:] for seed in seeds]
    offsets, scales = (np.array(of) for of in zip(*fitted, strict=True))
    return {
        "rows": traced.rows,
        "features": np.asarray(traced.features),
        "trainable": traced.trainable,
        "seeds": np.array(seeds),
        "offsets": offsets,
        "scales": scales,
    }


def _prepared(seed: int, development: bool, traced: Traced, course: Course) -> tuple[Split, Array, Array]:
    """Return a seed's split, and the offsets and scales (d,) that are fitted on it."""
    rows, features, trainable = traced.rows, traced.features, traced.trainable
    assert rows is not None and features is not None and trainable is not None
    part = held_out_split(seed, development, rows, course, trainable)
    return part, *preparation.by_seed(features, rows, traced.tracing.columns, part.training, part.development)


def _seed_arrays(seed: int, development: bool, traced: Traced, course: Course) -> tuple[Array, ...]:
    """Return a seed's five arrays: training x and y, development x and y, held-out x."""
    assert traced.rows is not None and traced.features is not None
    part, offsets, scales = _prepared(seed, development, traced, course)
    labels, scale = course.dataset.labels, traced.tracing.target
    if scale is not None:
        labels = targets.apply(scale, labels).astype(np.float32).reshape(-1, 1)
    x = np.zeros((len(labels), traced.features.shape[1]), dtype=np.float32)
    x[traced.rows] = preparation.scaled(traced.features, offsets, scales)
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
