"""What a submission's evidence comes to: its scores beside the reference's, its own cells, how to see it again."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from checker.judge import agreement, causes, comparison, diagnosis, leaks, missingness, plausibility
from checker.keras_spec import kin, recipes, training_size
from checker.records.arrays import Array
from checker.records.assignment import Assignment, Bar, Caps
from checker.records.comparison import Agreed, Comparison, Likeness, MissingRows, Standing
from checker.records.dataset import tenths
from checker.records.evidence import Evidence, OwnResult
from checker.records.gathered import Gathered
from checker.records.network import Recipe
from checker.records.report import Cause, Observation
from checker.records.settings import ReferenceResults, RunSettings
from checker.records.training import TrainingRun
from checker.records.verdicts import Failure, FailureCause, Stage
from checker.scoring import metrics, outputs, targets
from checker.scoring.held_out import held_out_rows, held_out_split
from checker.scoring.metrics import METRICS
from checker.source import provenance


def is_measured(evidence: Evidence) -> bool:
    """Tell whether a submission's answer was trained again, and nothing went wrong in that."""
    return bool(evidence.runs) and all(failure.stage is not Stage.RETRAINING for failure in evidence.failures)


def compare(gathered: Gathered, settings: RunSettings, reference: ReferenceResults) -> Comparison | None:
    """Compare a submission's scores with the reference's; None where it was not retrained, or has inputs for no row
    that some seed holds out.

    Held-out rows are the data's. Those for which a submission has no inputs are left out for everyone.

    Further seeds count only where the first ones cannot decide: whether they were trained may have hung on another
    tolerance.
    """
    evidence = gathered.evidence
    if not is_measured(evidence):
        return None
    known = known_rows(gathered, settings)
    if not all(known[held_out_rows(run.seed, settings)].any() for run in evidence.runs):
        return None
    missing = missing_rows(known, settings, reference)
    first = [run for run in evidence.runs if run.seed in settings.seeds]
    bar = settings.assignment.bar
    compared = _compare(first, gathered, settings, reference, bar, missing)
    further = len(evidence.runs) - len(first)
    if evidence.replayed and len(evidence.runs) == 1:  # which decides no more than whether others are to follow
        return replace(compared, band=0.0, standard_error=0.0)
    if compared.is_open and further:
        compared = _compare(evidence.runs, gathered, settings, reference, bar, missing, further)
    return compared


def _compare(
    runs: Sequence[TrainingRun],
    gathered: Gathered,
    settings: RunSettings,
    reference: ReferenceResults,
    bar: Bar,
    missing: MissingRows | None,
    further: int = 0,
) -> Comparison:
    known = known_rows(gathered, settings)
    is_on_fewer = missing is not None and missing.likeness is not Likeness.UNKNOWN
    reference = _on_known_rows(reference, known, settings) if is_on_fewer else reference
    compared = comparison.compare(
        runs,
        {run.seed: predictions(gathered, run, settings) for run in runs},
        {run.seed: true_labels(gathered, run, settings) for run in runs},
        reference.scores,
        reference.baselines,
        bar,
        settings.assignment.splits,
        len(settings.assignment.data.classes),
        further,
    )
    if missing is not None and missing.likeness is Likeness.UNLIKE:
        missing = replace(missing, strict=_strict(runs, gathered, settings, reference, bar, known, further))
    placed = comparison.placed(reference.all_baselines, [run.seed for run in runs])
    return replace(compared, baselines=placed, missing=missing)


# -- the student's own run ---------------------------------------------------------------------------------


def agreed(gathered: Gathered, compared: Comparison | None, settings: RunSettings) -> Agreed | None:
    """Hold the answer, as the student had trained it, against what it does trained again; None where it was not."""
    evidence = gathered.evidence
    answer = evidence.answer
    if compared is None or answer is None:
        return None
    trained = [_training_score(gathered, run, compared.metric, settings) for run in compared_runs(evidence, compared)]
    known = [score for score in trained if score is not None]
    held_out = [score.score for score in compared.scores]
    found, note = agreement.of_results(own_result(evidence), known, held_out, compared.bar, compared.metric)
    fits = recipes.trainings(answer, training_size.enough_rows(len(settings.dataset.labels)))
    curves = agreement.of_curves(fits, compared_runs(evidence, compared))
    impossible = plausibility.doubt(answer, evidence.models, evidence.cells)
    result = Agreed(compared=found, note=note, curves=curves, impossible=impossible)
    if not result.differs:
        return result
    metric, differs = metrics.find(compared.metric, compared.unit), result.disagreement
    is_worse = differs is None or metric.is_better(differs.again, differs.own)
    return replace(result, cause=agreement.likely_cause(answer, evidence.recipe, evidence.tracing, is_worse))


def failures(gathered: Gathered, settings: RunSettings, reference: ReferenceResults) -> tuple[Failure, ...]:
    """Return a submission's failures; a retraining that diverged is for a demonstrator where the network had learned
    the task in the notebook."""
    return tuple(_unless_survived(failure, gathered, settings, reference) for failure in gathered.evidence.failures)


def _unless_survived(
    failure: Failure, gathered: Gathered, settings: RunSettings, reference: ReferenceResults
) -> Failure:
    evidence, bar = gathered.evidence, settings.assignment.bar
    answer = evidence.answer
    if failure.cause is not FailureCause.DIVERGED or answer is None:
        return failure
    metric = metrics.find(bar.metric, bar.unit)
    means = (statistics.fmean(of[seed] for seed in settings.seeds) for of in (reference.scores, reference.baselines))
    own = own_result(evidence)
    if not agreement.survived(own, answer.fits, metric.bar(bar, *means), bar.metric):
        return failure
    before = "its training loss fell in the notebook"
    if own is not None and own.trained is not None:
        score = metric.unit.value(own.trained.score)
        before = f"on rows that it was trained on, {metric.name} was {score} in the notebook"
    wild = sum(not np.isfinite(gathered.array(run.predictions)).all() for run in evidence.runs)
    words = (
        f"What was trained again is not what the student trained: {before}, and {wild} of "
        f"{len(evidence.runs)} retrainings ended in NaN. Likeliest: a learning rate at which other starting weights or "
        "other rows diverge."
    )
    return replace(failure, rationale=words, cause=FailureCause.DIVERGED_AFTER_LEARNING)


def own_result(evidence: Evidence) -> OwnResult | None:
    """Return how the answer did as the student had trained it."""
    return next((own for own in evidence.own_results if evidence.answer and own.model == evidence.answer.id), None)


def _training_score(gathered: Gathered, run: TrainingRun, metric: str, settings: RunSettings) -> float | None:
    """Return the score of a training on its own rows; None where what it gives for them is not known."""
    tracing, recipe = gathered.evidence.tracing, gathered.evidence.recipe
    if run.trained is None or tracing is None or tracing.rows is None or tracing.trainable is None or recipe is None:
        return None
    rows, trainable = gathered.array(tracing.rows), gathered.array(tracing.trainable)
    part = held_out_split(run.seed, recipe.development, rows, settings, trainable)
    given, labels = gathered.array(run.trained), settings.dataset.labels
    classes = len(settings.assignment.data.classes)
    if len(given) != len(part.training) or not len(given):
        return None
    if classes:
        return float(np.mean(given == labels[part.training]))
    if tracing.target is None or not np.isfinite(given).all():
        return None
    values = np.clip(targets.undo(tracing.target, given), labels.min(), labels.max())
    return METRICS[metric].measure(values, labels[part.training])


# -- rows without inputs ---------------------------------------------------------------------------------


def known_rows(gathered: Gathered, settings: RunSettings) -> Array:
    """Tell of each row of the data set (n,) whether a submission has inputs for it."""
    tracing = gathered.evidence.tracing
    if tracing is None or tracing.rows is None:
        return np.ones(len(settings.dataset.labels), dtype=bool)
    known = np.zeros(len(settings.dataset.labels), dtype=bool)
    known[gathered.array(tracing.rows)] = True
    return known


def missing_rows(known: Array, settings: RunSettings, reference: ReferenceResults) -> MissingRows | None:
    """Return which rows that some seed holds out have no inputs, and how they are to the others; None where all have.

    It is of all seeds that may be asked for, so that further ones change nothing of it.
    """
    held_out = {seed: held_out_rows(seed, settings) for seed in settings.all_seeds}
    rows = np.unique(np.concatenate(list(held_out.values())))
    missing = ~known[rows]
    if not missing.any():
        return None
    found = MissingRows(likeness=Likeness.UNKNOWN, missing=int(missing.sum()), rows=len(rows))
    if not _has_outputs(reference, settings):
        return found
    data, labels = settings.assignment.data, settings.dataset.labels
    errors = _mean_errors(held_out, labels, reference)[rows]
    groups = settings.dataset.strata[rows]
    found = replace(found, likeness=missingness.likeness(missing, (groups, tenths(errors))))
    if found.likeness is not Likeness.UNLIKE:
        return found
    if missingness.is_uneven(groups, missing):
        unit = metrics.unit_of(settings.assignment.bar.unit)
        named = (
            missingness.by_band(labels[rows], missing, unit)
            if data.is_regression
            else missingness.by_class(labels[rows], missing, data.classes)
        )
        found = replace(found, groups=named)
    of_missing, of_known = (float(errors[of].mean()) for of in (missing, ~missing))
    if data.is_regression:
        return replace(found, reference_missing=math.sqrt(of_missing), reference_known=math.sqrt(of_known))
    return replace(found, reference_missing=1 - of_missing, reference_known=1 - of_known)


def _has_outputs(reference: ReferenceResults, settings: RunSettings) -> bool:
    theirs = reference.baseline_outputs.get(settings.assignment.bar.baseline, {})
    return all(seed in of for seed in settings.all_seeds for of in (reference.outputs, theirs))


def _mean_errors(held_out: Mapping[int, Array], labels: Array, reference: ReferenceResults) -> Array:
    """Return how wrong the reference is about each row of the data set (n,), on the mean of the seeds that hold it out;
    0 for rows that none does."""
    total, times = np.zeros(len(labels)), np.zeros(len(labels))
    for seed, rows in held_out.items():
        total[rows] += comparison.row_errors(reference.outputs[seed], labels[rows])
        times[rows] += 1
    return np.asarray(total / np.maximum(times, 1))


def _on_known_rows(reference: ReferenceResults, known: Array, settings: RunSettings) -> ReferenceResults:
    """Return the reference's results on those held-out rows for which a submission has inputs."""
    metric, classes = METRICS[settings.assignment.bar.metric], len(settings.assignment.data.classes)
    chosen = {seed: known[held_out_rows(seed, settings)] for seed in settings.all_seeds}
    labels = {seed: settings.dataset.labels[held_out_rows(seed, settings)][of] for seed, of in chosen.items()}

    def scores(by_seed: Mapping[int, Array]) -> dict[int, float]:
        kept = {seed: outputs.as_predictions(by_seed[seed][of], classes) for seed, of in chosen.items() if of.any()}
        return {seed: metric.measure(of, labels[seed]) for seed, of in kept.items()}

    theirs = {name: scores(of) for name, of in reference.baseline_outputs.items()}
    shown = {name: of for name, of in theirs.items() if name in reference.all_baselines}
    deciding = theirs[settings.assignment.bar.baseline]
    return replace(reference, scores=scores(reference.outputs), baselines=deciding, all_baselines=shown)


def _strict(
    runs: Sequence[TrainingRun],
    gathered: Gathered,
    settings: RunSettings,
    reference: ReferenceResults,
    bar: Bar,
    known: Array,
    further: int,
) -> Standing:
    """Return where the mean lies if rows without inputs count as wrong: a number as if the mean of what the network was
    trained on had been guessed."""
    metric, labels = METRICS[bar.metric], settings.dataset.labels
    own = []
    for run in runs:
        rows = held_out_rows(run.seed, settings)
        trained_on = known.copy()
        trained_on[rows] = False
        guess = float(labels[trained_on].mean()) if settings.assignment.data.is_regression else None
        given = predictions(gathered, run, settings)
        own.append(comparison.strict_score(metric, given, labels[rows], known[rows], guess))
    theirs, baselines = ([of[run.seed] for run in runs] for of in (reference.scores, reference.baselines))
    return comparison.stand(own, theirs, baselines, bar, settings.assignment.splits, further)


def compared_runs(evidence: Evidence, compared: Comparison | None) -> tuple[TrainingRun, ...]:
    """Return the trainings that a comparison is made of; all there are, where there is none."""
    seeds = {score.seed for score in compared.scores} if compared else {run.seed for run in evidence.runs}
    return tuple(run for run in evidence.runs if run.seed in seeds)


def suspicion(gathered: Gathered, compared: Comparison | None, settings: RunSettings) -> str:
    """Return that the inputs may give the answer away, as a sentence; "" where nothing says so.

    It is asked of a network that reaches the bar, and of which some input is not computed from the data's own columns:
    where all are, no accuracy is too good.
    """
    traced = gathered.evidence.tracing
    if compared is None or traced is None or not compared.reaches_bar:
        return ""
    suspects, leak = leaks.unexplained(traced.columns), None
    if not suspects:
        return ""
    if traced.rows is not None and traced.features is not None:
        rows, inputs = gathered.array(traced.rows), gathered.array(traced.features)
        metric, data = METRICS[compared.metric], settings.dataset
        of = (inputs, data.features[rows], data.labels[rows], suspects)
        leak = leaks.find(*of, metric.measure, metric.error)
    if leak is None and not comparison.is_implausible(compared):
        return ""
    columns = leak.columns if leak else ()
    which = f": {' and '.join(str(at + 1) for at in columns)}" if columns else ""
    over = ", over several columns" if len(columns) != 1 else ", in a column"
    said = f"Its inputs may give the answer away{over}{which}."
    if leak is None:
        return said
    write = metrics.find(compared.metric, compared.unit).unit.value
    return (
        f"{said} A random forest has {write(leak.without)} with the data's own columns, and {write(leak.beside)} with "
        "what else this network was given."
    )


def recipe_of(evidence: Evidence, runs: Sequence[TrainingRun], rows: int) -> Recipe | None:
    """Return how the answer was trained, of ``rows`` in the data, as far as trainings and rows have told since.

    Epochs count as cut only where training would have gone on, and a development set of training rows is told as one.
    """
    answer, recipe = evidence.answer, evidence.recipe
    if answer is None or recipe is None:
        return recipe
    looked_at = kin.with_looks_at_twins(answer, evidence.models)
    others = kin.of_same_kind(answer, evidence.models)
    watched = recipe.development or any(
        recipes.watched_development(one, training_size.enough_rows(rows)) for one in others
    )
    watched_itself = recipes.watched_itself(looked_at, evidence.tracing, training_size.enough_rows(rows))
    return replace(recipes.carried_out(recipe, runs), development=watched, watched_itself=watched_itself)


def cut_short(evidence: Evidence, recipe: Recipe | None, caps: Caps) -> str:
    """Return what was ended before its end, the student's file or a training of the answer by its ``recipe``, as a
    sentence; "" where nothing was."""
    if evidence.cut_short:
        return evidence.cut_short
    answer = evidence.answer
    if evidence.replayed:
        is_capped = answer is not None and recipes.is_capped(answer, evidence.models, caps)
        return "Training was cut short by the cap on steps." if is_capped else ""
    if recipe is None or not recipe.capped_epochs:
        return ""
    asked = recipe.capped_epochs + sum(phase.epochs for phase in recipe.phases)
    return f"Training was cut short by the cap: {recipe.capped_epochs:,} of {asked:,} epochs asked for were not run."


def cause_of(
    evidence: Evidence,
    compared: Comparison | None,
    observations: Sequence[Observation],
    cut: str,
    assignment: Assignment,
) -> Cause | None:
    """Return what else that was found follows from; ``cut``: what was cut short, the file or else a training."""
    is_missing = any(failure.stage is Stage.SELECTING for failure in evidence.failures)
    findings = causes.Findings(
        evidence.tracing,
        evidence.answer.architecture if evidence.answer else None,
        compared,
        observations,
        assignment.data.features,
        assignment.data.is_regression,
        file_cut="" if is_missing else evidence.cut_short,
        training_cut="" if evidence.cut_short else cut,
    )
    if findings.has_learned_badly:
        findings = replace(findings, spoiled=_spoiled(evidence))
    return causes.find(findings)


def replay_in_words(evidence: Evidence, compared: Comparison | None, settings: RunSettings) -> str:
    """Return for how many seeds a replay ran, and why, as sentences; "" where there was none."""
    if not evidence.replayed or not evidence.runs:
        return ""
    run, of, cells = len(evidence.runs), len(settings.seeds), len(evidence.replay_cells)
    if run > 1:
        seeds = f"{run} of {of} seeds were replayed, because the first did not reach the bar."
    elif compared is not None and compared.reaches_bar:
        seeds = f"{run} of {of} seeds was replayed: it reaches the bar, and no other could make more of a replay."
    else:
        seeds = f"{run} of {of} seeds was replayed."
    part = (
        f"{cells} of {len(evidence.cells)} cells ran, those that the training needs."
        if 0 < cells < len(evidence.cells)
        else ""
    )
    return " ".join(filter(None, (seeds, part, evidence.replay)))


def _spoiled(evidence: Evidence) -> tuple[str, str] | None:
    """Return the error of a cell that should have made what the answer was trained on, and what to do."""
    if evidence.answer is None:
        return None
    known = provenance.Provenance(evidence.cells, evidence.adaptations, evidence.submission.companions)
    error = known.spoiled_by(evidence.answer.fits[-1].cell)
    return None if error is None else (error.rationale, error.help)


def diagnose(evidence: Evidence, compared: Comparison | None, settings: RunSettings) -> tuple[Observation, ...]:
    """Return what the trainings show; nothing where they cannot be compared."""
    if compared is None or evidence.recipe is None:
        return ()
    classes = settings.assignment.data.classes
    rows = np.bincount(settings.dataset.labels, minlength=len(classes)).tolist() if classes else []
    return diagnosis.diagnose(compared_runs(evidence, compared), compared, evidence.recipe, classes, rows)


def predictions(gathered: Gathered, run: TrainingRun, settings: RunSettings) -> Array:
    """Return what a run gives for its held-out rows: class scores (n, classes), or values (n,) in the data's unit.

    Values beyond all that the data set holds count as the nearest that it does hold: a single row with odd inputs, for
    which a network gives millions, would otherwise decide about the mean of thousands of squared errors.
    """
    outputs, traced = gathered.array(run.predictions), gathered.evidence.tracing
    if traced is None or traced.target is None:
        return outputs
    labels = settings.dataset.labels
    return np.clip(targets.undo(traced.target, outputs[:, 0]), labels.min(), labels.max())


def true_labels(gathered: Gathered, run: TrainingRun, settings: RunSettings) -> Array:
    """Return the labels (n,) of a run's held-out rows, which no guest was given."""
    evidence = gathered.evidence
    traced = evidence.tracing.rows if evidence.tracing else None
    rows = gathered.array(traced) if traced is not None else None
    return np.asarray(settings.dataset.labels[held_out_split(run.seed, True, rows, settings).held_out])
