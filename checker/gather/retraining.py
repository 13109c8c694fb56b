"""Retrains an answer for every seed: rebuilt from plain data in the clean guest, or replayed by its own code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from checker.errors import StoppedError
from checker.gather import execution
from checker.gather.rows import preparation
from checker.gather.rows.tracing import TracedInputs
from checker.gather.stages import Answered, Retrained, traced_of
from checker.keras_spec import architectures, foreign_weights, kin, recipes, training_size
from checker.records.arrays import Array
from checker.records.gathered import Gathered
from checker.records.job import Ending, Execution, Progress, ReplayPlan, RetrainJob
from checker.records.network import Architecture, Recipe
from checker.records.settings import Live, RunSettings, Watch, unwatched
from checker.records.submission import Submission
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.sandbox.boxes import Box, Boxes
from checker.scoring import targets
from checker.scoring.held_out import held_out_split
from checker.scoring.splits import Split
from checker.source import provenance
from checker.wire import frames
from checker.wire.collector import Collector

MADE_OF_NUMBERS = (
    f"the settings of the network's layers hold more numbers than a network needs, and {foreign_weights.ELSEWHERE}"
)
SEVERAL_OUTPUTS = "outputs, and the task is about one"
OVER_LIMIT = "More seeds would have gone over the limit on {}, which is one for all of them together."
NOT_ALONE = "The cells that the training needs did not do alone what they did in the file, so all ran."


def retrain(submission: Submission, answered: Answered, settings: RunSettings, boxes: Boxes, watch: Watch) -> Retrained:
    """Retrain the answer for every seed: rebuilt in a guest that never runs the student's code, or else replayed by
    that code."""
    executed, answer, traced = answered.executed, answered.answer, answered.traced
    assignment, enough = settings.assignment, training_size.enough_rows(len(settings.dataset.labels))
    recipe, unclear = recipe_of(answered, settings)
    before = Retrained(answered=answered, recipe=recipe, arrays={})
    if answer.origin:
        return _referred(before, f"before training, {answer.origin}")
    has_several = SEVERAL_OUTPUTS in unclear  # named before the problems that follow from it
    if traced.rows is None:
        why = traced.tracing.reason
        return _referred(before, unclear if has_several else f"{why[0].lower()}{why[1:]}")
    if answer.architecture is not None and architectures.holds_weights(answer.architecture, answer.input_width or 1):
        return _referred(before, MADE_OF_NUMBERS)
    obstacle = answer.unrebuildable or unclear
    if assignment.data.is_regression:
        recipe = None if recipe is None else recipes.of_numbers(recipe)
        before = replace(before, recipe=recipe)
        if traced.tracing.target is None:
            return _referred(before, unclear) if has_several else _with_unknown_targets(before, settings)
    if recipe is not None and answer.architecture is not None and not obstacle:
        about = (before, answer.architecture, recipe, settings.seeds, settings)
        ended, seen, failures = _rebuild(*about, boxes.ours, watch)
        return replace(before, retraining=ended, runs=tuple(seen.runs), failures=tuple(failures), arrays=seen.arrays)
    plan = recipes.replay_plan(answer, enough, assignment.data.outputs)
    if plan is None:
        return _referred(before, obstacle)
    known = provenance.Provenance(executed.cells, executed.adaptations)
    cells = known.cells_for({fit.cell for fit in answer.fits})
    before = replace(before, replayed=obstacle, replay_cells=cells)
    return _replay(submission, before, plan, settings.seeds[:1], settings, boxes.students, watch)


def recipe_of(answered: Answered, settings: RunSettings) -> tuple[Recipe | None, str]:
    """Return the recipe of the answer's training, or None and why it cannot be rebuilt."""
    rows, assignment = len(settings.dataset.labels), settings.assignment
    looked_at = kin.with_looks_at_twins(answered.answer, answered.executed.models)
    training_rows, distinct = round(rows * (1 - assignment.splits.test)), answered.traced.tracing.training_rows
    return recipes.recipe_of(looked_at, assignment.caps, training_size.enough_rows(rows), training_rows, distinct)


def train_further(
    before: Retrained, submission: Submission, settings: RunSettings, boxes: Boxes, watch: Watch
) -> Retrained:
    """Train a rebuilt answer for the further seeds too, or a replayed one for the seeds after the first.

    If the guest of a rebuilt answer does not finish, only its ending is noted: the runs of the first seeds stay.
    """
    answer, recipe = before.answered.answer, before.recipe
    if before.replayed:
        enough = training_size.enough_rows(len(settings.dataset.labels))
        plan = recipes.replay_plan(answer, enough, settings.assignment.data.outputs)
        assert plan is not None
        return _replay(submission, before, plan, settings.seeds[1:], settings, boxes.students, watch)
    assert answer.architecture is not None and recipe is not None
    ended, seen, failures = _rebuild(before, answer.architecture, recipe, settings.further, settings, boxes.ours, watch)
    if ended.ending is not Ending.FINISHED:
        return replace(before, further=ended)
    return replace(
        before,
        further=ended,
        runs=(*before.runs, *seen.runs),
        failures=(*before.failures, *failures),
        arrays={**before.arrays, **seen.arrays},
    )


def train_changed(
    before: Retrained, architecture: Architecture, seeds: Sequence[int], settings: RunSettings, box: Box, live: Live
) -> Retrained:
    """Train a changed network for some seeds in the clean guest, while a person watches.

    ``before`` holds the changed recipe and inputs. Raises StoppedError once the person no longer waits.
    """
    assert before.recipe is not None
    ended, seen, failures = _rebuild(before, architecture, before.recipe, seeds, settings, box, unwatched, live)
    return replace(before, retraining=ended, runs=tuple(seen.runs), failures=tuple(failures), arrays=seen.arrays)


def _rebuild(
    before: Retrained,
    architecture: Architecture,
    recipe: Recipe,
    seeds: Sequence[int],
    settings: RunSettings,
    box: Box,
    watch: Watch,
    live: Live | None = None,
) -> tuple[Execution, Collector, list[Failure]]:
    """Train an answer for some seeds in the clean guest; return the execution, its collected frames, and failures.

    A live training of some of the grading seeds uses the same loop as a submission's training for all of them.
    """
    assignment, environment = settings.assignment, before.answered.executed.environment
    data = {seed: _seed_arrays(seed, recipe.development, before.answered.traced, settings) for seed in seeds}
    job = RetrainJob(
        keras=environment.keras if environment else "3",
        architecture=architecture,
        recipe=recipe,
        classes=assignment.data.classes,
        parameters=assignment.caps.parameters,
        seeds=tuple(data),
        live=live is not None,
        alike=len(settings.seeds) if live is not None else 0,
    )
    beside = [frames.array(a) for arrays in data.values() for a in arrays]

    def once() -> tuple[Execution, Collector]:
        _require_wanted(live)
        seen = Collector(lambda progress: watch(Stage.RETRAINING, progress), *([live.tell] if live else []))
        watch(Stage.RETRAINING, Progress(0, len(seeds)))
        ended = box.run([frames.job(job), *beside, frames.END], assignment.retrain, seen.receive)
        _require_wanted(live)
        return ended, seen

    ended, seen = execution.again_if_vanished(once)
    return ended, seen, [*seen.failures, *_failures_of(before, ended, seen, data, settings)]


def _require_wanted(live: Live | None) -> None:
    if live is not None and not live.is_wanted():
        raise StoppedError("The training was stopped, because nobody waits for it any more.")


def _replay(
    submission: Submission,
    before: Retrained,
    plan: ReplayPlan,
    seeds: Sequence[int],
    settings: RunSettings,
    box: Box,
    watch: Watch,
) -> Retrained:
    """Let the student's code train the answer on the checker's rows, for each of these seeds.

    The limits on time and steps hold for all seeds together. A seed starts only if the time of the last seed, and the
    steps of the longest, still fit.
    """
    answered, limits = before.answered, settings.assignment.execute
    enough = training_size.enough_rows(len(settings.dataset.labels))
    looked_at = kin.with_looks_at_twins(answered.answer, answered.executed.models)
    development = recipes.watched_development(looked_at, enough)
    replaying = _Replaying(submission, before, replace(plan, cells=before.replay_cells), settings, box)
    last = before.retraining.counted_seconds if before.retraining else 0.0
    left, collected, data = limits.seconds - last, Collector(lambda progress: None), dict[int, tuple[Array, ...]]()
    for number, seed in enumerate(seeds, 1):
        steps = [run.steps for run in (*before.runs, *collected.runs)]
        if last > left or (steps and sum(steps) + max(steps) > settings.assignment.caps.notebook_steps):
            replaying.said.append(OVER_LIMIT.format("time" if last > left else "steps"))
            break
        watch(Stage.RETRAINING, Progress(number - 1, len(seeds)))
        data[seed] = _seed_arrays(seed, development, answered.traced, settings)
        runs, arrays = replaying.run(seed, data[seed], left)
        last = replaying.seconds
        left -= last
        collected.runs += runs
        collected.arrays |= arrays
        if not runs:
            break
    after = replace(
        before,
        runs=(*before.runs, *collected.runs),
        replay=" ".join(dict.fromkeys(replaying.said)),
        replay_cells=replaying.plan.cells,
        arrays={**before.arrays, **collected.arrays},
    )
    if not replaying.ended:
        return after
    total = _summed(replaying.ended)
    failures = (*before.failures, *_failures_of(before, total, collected, data, settings))
    after = replace(after, failures=failures)
    return replace(after, further=total) if before.retraining else replace(after, retraining=total)


class _Replaying:
    """Runs a student's file for one seed after another, each in a fresh box.

    It runs only the cells that the answer needs, or all cells if these behave differently on their own. ``seconds``:
    the time of the last seed.
    """

    def __init__(
        self,
        submission: Submission,
        before: Retrained,
        plan: ReplayPlan,
        settings: RunSettings,
        box: Box,
    ) -> None:
        self.submission, self.answered, self.settings, self.box = submission, before.answered, settings, box
        self.plan = plan
        self.said = [before.replay] if before.replay else []
        self.ended: list[Execution] = []
        self.seconds = 0.0

    def run(self, seed: int, arrays: Sequence[Array], left: float) -> tuple[list[TrainingRun], dict[str, Array]]:
        """Return a seed's run, if there is one, and its outputs by hash."""
        self.seconds = 0.0
        seen = self._run(seed, arrays, left)
        if self.plan.cells and not _went_as_before(seen, self.answered):
            self.plan = replace(self.plan, cells=())
            self.said.append(NOT_ALONE)
            seen = self._run(seed, arrays, max(left - self.seconds, 1.0))
        runs = [run for run in seen.runs if run.seed == seed and run.predictions.sha256 in seen.arrays][:1]
        return runs, {run.predictions.sha256: seen.arrays[run.predictions.sha256] for run in runs}

    def _run(self, seed: int, arrays: Sequence[Array], left: float) -> Collector:
        environment = self.answered.executed.environment
        keras, reason = (environment.keras, environment.reason) if environment else ("3", "")
        limits, plan = replace(self.settings.assignment.execute, seconds=left), replace(self.plan, seed=seed)

        def once() -> tuple[Execution, Collector]:
            seen = Collector(lambda progress: None)
            self.box.renew()
            about = (self.submission, self.settings, self.box, seen, keras, reason, limits, plan, arrays)
            return execution.run_file(*about), seen

        ended, seen = execution.again_if_vanished(once)
        self.ended.append(ended)
        self.seconds += ended.counted_seconds
        return seen


def _went_as_before(seen: Collector, answered: Answered) -> bool:
    """Tell whether the cells reached the answer's training without errors that the whole file did not have."""
    last = max(fit.cell for fit in answered.answer.fits)
    failed = {cell.index for cell in answered.executed.cells if cell.error is not None}
    new = [cell for cell in seen.cells if cell.error is not None and cell.index < last and cell.index not in failed]
    return bool(seen.runs) and not new


def _summed(ended: Sequence[Execution]) -> Execution:
    """Return jobs as one: the sum of their times, the peak of their memory, and the ending of the last."""
    return replace(
        ended[-1],
        wall_seconds=sum(one.wall_seconds for one in ended),
        cpu_seconds=sum(one.cpu_seconds for one in ended),
        counted_seconds=sum(one.counted_seconds for one in ended),
        peak_memory_mib=max(one.peak_memory_mib for one in ended),
    )


def _referred(before: Retrained, obstacle: str) -> Retrained:
    """Return an answer that is not retrained, with the reason as a failure."""
    return _for_a_person(before, foreign_weights.in_sentences(obstacle))


def _with_unknown_targets(before: Retrained, settings: RunSettings) -> Retrained:
    """Return an answer that is not retrained because its targets are not known."""
    wanted, cell = settings.assignment.data.target, before.answered.answer.fits[-1].cell
    unit = "dollars" if settings.assignment.bar.unit.startswith("$") else "the data's unit"
    said = (
        f"{targets.UNKNOWN} in cell {cell}. They are neither `{wanted}` itself, nor `{wanted}` scaled, shifted or as a "
        f"logarithm. So it could not work out an error in {unit}."
    )
    return _for_a_person(before, said)


def _for_a_person(before: Retrained, said: str) -> Retrained:
    """Return an answer with a failure that only a person can decide."""
    failure = Failure(
        stage=Stage.RETRAINING,
        cause=FailureCause.NOT_RETRAINED,
        rationale=f"{said} A demonstrator decides.",
        help="Nothing to do before the ticking session; be ready to explain this part.",
        cell=before.answered.answer.fits[-1].cell,
    )
    return replace(before, failures=(*before.failures, failure))


def archive(gathered: Gathered, settings: RunSettings) -> dict[str, Array]:
    """Return the arrays that the script for retraining a rebuilt answer reads beside the data set.

    ``rows`` (n,) of the data set and their ``features`` (n, d), float32; the ``trainable`` rows (m,); and for each of
    the ``seeds`` the ``offsets`` and ``scales`` (seeds, d), float64, of the features.
    """
    evidence, traced = gathered.evidence, traced_of(gathered)
    assert evidence.recipe is not None and traced.rows is not None and traced.trainable is not None
    seeds = [run.seed for run in evidence.runs]
    fitted = [_prepared(seed, evidence.recipe.development, traced, settings)[1:] for seed in seeds]
    offsets, scales = (np.array(of) for of in zip(*fitted, strict=True))
    return {
        "rows": traced.rows,
        "features": np.asarray(traced.features),
        "trainable": traced.trainable,
        "seeds": np.array(seeds),
        "offsets": offsets,
        "scales": scales,
    }


def _prepared(seed: int, development: bool, traced: TracedInputs, settings: RunSettings) -> tuple[Split, Array, Array]:
    """Return a seed's split, and the offsets and scales (d,) that are fitted on it."""
    rows, features, trainable = traced.rows, traced.features, traced.trainable
    assert rows is not None and features is not None and trainable is not None
    part = held_out_split(seed, development, rows, settings, trainable)
    return part, *preparation.by_seed(features, rows, traced.tracing.columns, part.training, part.development)


def _seed_arrays(seed: int, development: bool, traced: TracedInputs, settings: RunSettings) -> tuple[Array, ...]:
    """Return a seed's five arrays: training x and y, development x and y, held-out x."""
    assert traced.rows is not None and traced.features is not None
    part, offsets, scales = _prepared(seed, development, traced, settings)
    labels, scale = settings.dataset.labels, traced.tracing.target
    if scale is not None:
        labels = targets.apply(scale, labels).astype(np.float32).reshape(-1, 1)
    x = np.zeros((len(labels), traced.features.shape[1]), dtype=np.float32)
    x[traced.rows] = preparation.scaled(traced.features, offsets, scales)
    return x[part.training], labels[part.training], x[part.development], labels[part.development], x[part.held_out]


def _failures_of(
    before: Retrained,
    execution: Execution,
    seen: Collector,
    data: Mapping[int, tuple[Array, ...]],
    settings: RunSettings,
) -> list[Failure]:
    if seen.failures:
        return []
    is_replayed = bool(before.replayed and (seen.runs or before.runs)) and execution.ending is not Ending.NONSENSE
    if not is_replayed and (execution.ending is not Ending.FINISHED or len(seen.runs) != len(data)):
        words = f"The retraining ended early ({execution.ending})."
        if before.replayed:
            why = before.replayed.rstrip(".")
            words = f"The network cannot be rebuilt ({why}), and the replay did not reach its end."
        return [
            Failure(
                stage=Stage.RETRAINING,
                cause=FailureCause.RETRAINING_ENDED,
                rationale=words,
                help="",
                detail=execution.output_tail,
            )
        ]
    outputs = settings.assignment.data.outputs
    shapes = {run.seed: seen.arrays[run.predictions.sha256].shape for run in seen.runs}
    wrong = [shape for seed, shape in shapes.items() if shape != (len(data[seed][4]), outputs)]
    if wrong:
        wanted = f"a number for each of {outputs} classes" if outputs > 1 else "one number for each row"
        units = f"{outputs} units, one for each class" if outputs > 1 else "one unit"
        words = f"The network's outputs have the shape {wrong[0][1:] or wrong[0]}, not {wanted}."
        help = f"End the network in {units}."
        return [
            Failure(stage=Stage.RETRAINING, cause=FailureCause.WRONG_OUTPUTS, rationale=words, help=help),
        ]
    wild = [run for run in seen.runs if not np.isfinite(seen.arrays[run.predictions.sha256]).all()]
    if wild:
        words = f"The loss became NaN in {len(wild)} of {len(seen.runs)} retrainings"
        where = "" if len(wild) == len(seen.runs) else " there"
        return [
            Failure(
                stage=Stage.RETRAINING,
                cause=FailureCause.DIVERGED,
                rationale=f"{words}: the network learned nothing{where}.",
                help="Look for missing values in the inputs, unscaled inputs, or a learning rate that is too large.",
            )
        ]
    return []
