"""What a submission's evidence comes to: its scores beside the reference's, its own cells, how to see it again."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from checker import assignments, causes, comparison, diagnosis, ranking, recipes, selection, targets
from checker.course import Course, Standard, held_out_split
from checker.frames import Array
from checker.records import (
    Assignment,
    Bar,
    Caps,
    Cause,
    Comparison,
    Evidence,
    Observation,
    Recipe,
    Stage,
    StudentCell,
    TrainingRun,
)
from checker.store import Gathered


def is_measured(evidence: Evidence) -> bool:
    """Tell whether a submission's answer was trained again, and nothing went wrong in that."""
    return bool(evidence.runs) and all(failure.stage is not Stage.RETRAINING for failure in evidence.failures)


def compare(gathered: Gathered, course: Course, standard: Standard) -> Comparison | None:
    """Compare a submission's scores with the reference's; None where it was not retrained.

    Further seeds count only where the first ones cannot decide: whether they were trained may have hung on another
    tolerance.
    """
    evidence = gathered.evidence
    if not is_measured(evidence):
        return None
    first = [run for run in evidence.runs if run.seed in course.seeds]
    bar = course.assignment.bar
    compared = _compare(first, gathered, course, standard, bar)
    if compared.is_borderline and len(first) < len(evidence.runs):
        bar = replace(bar, level=comparison.SECOND_LOOK * bar.level)
        compared = _compare(evidence.runs, gathered, course, standard, bar)
        compared = replace(compared, further=len(evidence.runs) - len(first))
    return compared


def _compare(
    runs: Sequence[TrainingRun], gathered: Gathered, course: Course, standard: Standard, bar: Bar
) -> Comparison:
    compared = comparison.compare(
        runs,
        {run.seed: predictions(gathered, run, course) for run in runs},
        {run.seed: true_labels(gathered, run, course) for run in runs},
        standard.scores,
        standard.baselines,
        bar,
        course.assignment.splits,
        len(course.assignment.data.classes),
    )
    return replace(compared, baselines=comparison.placed(standard.all_baselines, [run.seed for run in runs]))


def compared_runs(evidence: Evidence, compared: Comparison | None) -> tuple[TrainingRun, ...]:
    """Return the trainings that a comparison is made of; all there are, where there is none."""
    seeds = {score.seed for score in compared.scores} if compared else {run.seed for run in evidence.runs}
    return tuple(run for run in evidence.runs if run.seed in seeds)


def recipe_of(evidence: Evidence, runs: Sequence[TrainingRun], rows: int) -> Recipe | None:
    """Return how the answer was trained, of ``rows`` in the data, as far as trainings and rows have told since.

    Epochs count as cut only where training would have gone on, and a development set of training rows is told as one.
    """
    answer, recipe = evidence.answer, evidence.recipe
    if answer is None or recipe is None:
        return recipe
    looked_at = ranking.with_looks_at_twins(answer, evidence.models)
    watched_itself = recipes.watched_itself(looked_at, evidence.tracing, selection.enough_rows(rows))
    return replace(recipes.carried_out(recipe, runs), watched_itself=watched_itself)


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
    findings = causes.Findings(
        evidence.tracing,
        evidence.answer.architecture if evidence.answer else None,
        compared,
        observations,
        assignment.data.features,
        assignment.data.is_regression,
        file_cut=evidence.cut_short,
        training_cut="" if evidence.cut_short else cut,
    )
    return causes.find(findings)


def diagnose(evidence: Evidence, compared: Comparison | None, course: Course) -> tuple[Observation, ...]:
    """Return what the trainings show; nothing where they cannot be compared."""
    if compared is None or evidence.recipe is None:
        return ()
    classes = course.assignment.data.classes
    rows = np.bincount(course.dataset.labels, minlength=len(classes)).tolist() if classes else []
    return diagnosis.diagnose(compared_runs(evidence, compared), compared, evidence.recipe, classes, rows)


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


def student_cells(evidence: Evidence, assignment: Assignment) -> tuple[StudentCell, ...]:
    """Return all cells, the student's own marked."""
    own = {cell.index for cell in assignments.own_cells(assignment, evidence.cells)}
    return tuple(StudentCell(cell, cell.index in own) for cell in evidence.cells)


def reproduce(evidence: Evidence, course: Course) -> str:
    """Return the command that does all this again; a student's file name in it may be pasted. Of the assignment's
    folder it holds the last two parts: in a project as it is handed out, these are the whole path."""
    data = "--practice-data" if course.dataset.note.practice else f"--data {shlex.quote(course.assignment.data.file)}"
    folder = shlex.quote(Path(*Path(course.assignment.folder).parts[-2:]).as_posix())
    submission = evidence.submission
    file = shlex.quote(Path(submission.path).name)
    if submission.member or submission.failure:  # of many in one place
        file += f" --only {shlex.quote(submission.name)}"
    return f"checker batch {file} --assignment {folder} {data} --fresh"
